"""The curves of a fit as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.system.files import replacing
from OpportunisticBMDTraining.fit.curves import Curves

SIZE_INCH, DPI = (3.4, 2.2), 100  # as wide as the panel at its narrowest


@dataclass(frozen=True)
class Look:
    """The colours of what is around the picture."""

    ink: str
    ground: str
    lines: tuple[str, ...]


def draw_curves(curves: Curves, path: Path, look: Look) -> None:
    """Writes a picture: the loss on the left, what was measured on held-out patients on the right."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_settings(look)):
        figure = Figure(figsize=SIZE_INCH, dpi=DPI, layout="constrained")
        left = figure.subplots()
        left.set_xlabel("step")
        left.set_ylabel("loss")
        right = left.twinx()
        for number, (name, points) in enumerate(sorted(curves.items(), key=lambda item: item[0] != "loss")):
            axes = left if name == "loss" else right
            axes.plot(
                list(points),
                list(points.values()),
                label=name,
                color=look.lines[number % len(look.lines)],
                marker="" if name == "loss" else ".",
                linewidth=1,
            )
        handles = [line for axes in (left, right) for line in axes.get_lines()]
        if handles:
            figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
        with replacing(path) as part:
            figure.savefig(part, format="png")


def _settings(look: Look) -> Any:
    """Matplotlib's, for this look: a dictionary of its own names."""
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    filled = ("figure.facecolor", "axes.facecolor")
    small = ("xtick.labelsize", "ytick.labelsize")
    return {**dict.fromkeys(inked, look.ink), **dict.fromkeys(filled, look.ground), **dict.fromkeys(small, 8)}
