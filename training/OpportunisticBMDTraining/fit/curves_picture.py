"""RUN/curves.png: the loss and every validation figure of a fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter1d

from OpportunisticBMDLib.system.files import replacing
from OpportunisticBMDTraining.fit.curves import load_curves

CURVES_FILE = "curves.png"
COLUMNS = 3
PANEL_INCHES = (4.0, 2.8)
SMOOTHED = 0.04  # the share of all steps that the loss is averaged over


def draw_curves(folder: Path, best_step: int) -> None:
    """Draws each curve in a panel of its own, with a line at the best step.

    Args:
        folder: of the run.
        best_step: steps done.
    """
    curves = load_curves(folder)
    names = sorted(curves, key=lambda name: (name != "loss", name))
    rows = -(-len(names) // COLUMNS)
    size = (COLUMNS * PANEL_INCHES[0], rows * PANEL_INCHES[1])
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for name, axes in zip(names, panels):
        steps, values = np.array(list(curves[name])), np.array(list(curves[name].values()))
        if name == "loss":
            axes.plot(steps, values, color="0.85", lw=0.8)
            values = uniform_filter1d(values, max(1, round(SMOOTHED * len(values))), mode="nearest")
        axes.plot(steps, values, marker="" if name == "loss" else ".", lw=1.2)
        axes.axvline(best_step, color="0.5", lw=0.8, ls="--")
        axes.set_title(name, loc="left", fontsize=10)
        axes.set_xlabel("step", fontsize=9)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    with replacing(folder / CURVES_FILE) as part:
        figure.savefig(part)
