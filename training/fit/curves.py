"""The curves of a fit over all its starts: read from the CSV logs, drawn into RUN/curves.png."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter1d

from training.fit.log import CSV_FOLDER

CURVES_FILE = "curves.png"
COLUMNS = 3
PANEL_INCHES = (4.0, 2.8)
SMOOTHED = 0.04  # the share of all steps that the loss is averaged over

Curves = Mapping[str, Mapping[int, float]]


def read_curves(folder: Path) -> Curves:
    """Name -> steps done -> value, of the loss and each validation figure, in the order of the steps.

    Args:
        folder: of the run. A start begins at a checkpoint and repeats what came after it: it overrules earlier ones
            from its first step on.
    """
    curves: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob(f"{CSV_FOLDER}/version_*/metrics.csv"), key=_start_of):
        rows = list(_rows(path))
        first = min((step for step, _ in rows), default=0)
        if rows:
            curves = {name: {s: v for s, v in points.items() if s < first} for name, points in curves.items()}
        for step, figures in rows:
            for name, value in figures.items():
                curves.setdefault(name, {})[step] = value
    return {name: dict(sorted(points.items())) for name, points in sorted(curves.items()) if points}


def _start_of(path: Path) -> int:
    return int(path.parent.name.rpartition("_")[2])


def _rows(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Steps done, and the row's figures; a line that a killed process did not end is left out."""
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    for row in csv.DictReader(whole.splitlines()):
        step = int(row.pop("step")) + 1
        yield step, {name: float(text) for name, text in row.items() if text}


def draw_curves(folder: Path, best_step: int) -> None:
    """Draws the loss and every validation figure, each in a panel of its own, with a line at the best step."""
    curves = read_curves(folder)
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
    part = folder / f"next.{CURVES_FILE}"
    figure.savefig(part)
    os.replace(part, folder / CURVES_FILE)
