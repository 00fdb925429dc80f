"""The curves of a fit as a picture."""

from __future__ import annotations

from pathlib import Path

from OpportunisticBMDLib.system.files import replacing
from OpportunisticBMDTraining.fit.curves import Curves


def draw_curves(curves: Curves, path: Path) -> None:
    """Writes a picture: the loss on the left, what was measured on held-out patients on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, 2.2), dpi=100, layout="constrained")
    left = figure.subplots()
    left.set_xlabel("step")
    left.set_ylabel("loss")
    left.tick_params(labelsize=8)
    right = left.twinx()
    right.tick_params(labelsize=8)
    for number, (name, points) in enumerate(sorted(curves.items(), key=lambda item: item[0] != "loss")):
        axes = left if name == "loss" else right
        axes.plot(
            list(points),
            list(points.values()),
            label=name,
            color=f"C{number}",
            marker="" if name == "loss" else ".",
            linewidth=1,
        )
    handles = [line for axes in (left, right) for line in axes.get_lines()]
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    with replacing(path) as part:
        figure.savefig(part, format="png")
