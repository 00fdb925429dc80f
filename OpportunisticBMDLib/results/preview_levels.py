"""The vertebrae in view on the coronal projection: the name of each beside its body, and the ribs that were counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from OpportunisticBMDLib.core.levels import Levels, Rib, SeenVertebra
from OpportunisticBMDLib.dicom.codes import SEGMENT_COLOURS
from OpportunisticBMDLib.quality.levels import is_sure
from OpportunisticBMDLib.results.preview_style import MUTED, OUTLINE, RIGHT, SUPERIOR, TEXT

# The ribs that decide have colours of their own; those above are one like the other.
COLOURS = {"T11": (0.940, 0.600, 0.790), **SEGMENT_COLOURS}
LINE_STYLES = {"present": ("solid", 1.4), "remnant": ((0, (1, 1)), 2.4)}  # with their width
BESIDE_MM = 30.0  # the middle of a body, so that its name lies outside
# Names of those that are measured, and of the others: thin letters drown in a broad outline.
LOUD = {"fontsize": 10.0, "weight": "bold", "path_effects": OUTLINE}
QUIET = {"fontsize": 9.0, "path_effects": [withStroke(linewidth=1.4, foreground="black")]}
LETTER_POINTS = 17.0  # of room for the letter at the side of the picture
LINE_HEIGHT = 1.25


def draw_names(axes: Axes, measured: Mapping[str, np.ndarray], levels: Levels | None, beside: float | None) -> None:
    """Names those that are measured, and between them quietly all others that there is room for.

    Args:
        axes: of a coronal picture, in RAS mm.
        measured: the middle of each, RAS mm.
        beside: right coordinate at which names begin unless their body reaches further; None: of each body its own.
    """
    mark = "" if levels is None or is_sure(levels) else "?"
    names = _Names(axes)
    for name, centre in measured.items():
        names.write(f"{name}{mark}", _start(centre, beside), centre[SUPERIOR], SEGMENT_COLOURS[name], LOUD)
    for vertebra in _from_the_middle(levels, measured):
        centre = np.array(vertebra.centre_ras_mm)
        colour = COLOURS.get(vertebra.name, TEXT)
        names.write(f"{vertebra.name}{mark}", _start(centre, beside), centre[SUPERIOR], colour, QUIET)


def draw_ribs(axes: Axes, levels: Levels) -> None:
    """Lines along the ribs that were counted, dotted where they are shorter than 4 cm."""
    for vertebra in levels.vertebrae:
        for rib in (vertebra.right, vertebra.left):
            if rib.state in LINE_STYLES and rib.course_ras_mm:
                _draw_rib(axes, rib, vertebra.name)


def _draw_rib(axes: Axes, rib: Rib, name: str) -> None:
    course = np.array(rib.course_ras_mm)
    style, width = LINE_STYLES[rib.state]
    axes.plot(
        course[:, RIGHT],
        course[:, SUPERIOR],
        color=COLOURS.get(name, MUTED),
        ls=style,
        lw=width,
        path_effects=[withStroke(linewidth=width + 1.2, foreground="black")],
    )


def _start(centre: np.ndarray, beside: float | None) -> float:
    own = centre[RIGHT] - BESIDE_MM
    return float(own if beside is None else min(beside, own))


def _from_the_middle(levels: Levels | None, measured: Iterable[str]) -> list[SeenVertebra]:
    """Those that are not measured, the nearest to L1 first."""
    if levels is None:
        return []
    order = sorted(enumerate(levels.vertebrae), key=lambda entry: abs(entry[0] - levels.first_lumbar))
    return [vertebra for _, vertebra in order if vertebra.name not in measured]


class _Names:
    """Names one below the other, none over another or over the picture's edge."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        axes.apply_aspect()
        self._points = axes.figure.dpi / 72
        self._taken: list[tuple[float, float]] = []

    def write(self, words: str, x: float, y: float, colour: object, look: Mapping[str, Any]) -> None:
        """Leaves out what lies outside the picture or meets an earlier name."""
        low, high = self._axes.get_ylim()
        if not low <= y <= high:
            return
        half = look["fontsize"] * LINE_HEIGHT / 2 * self._mm_per_point
        y = float(np.clip(y, low + half, high - half))
        if any(y - half < top and bottom < y + half for bottom, top in self._taken):
            return
        self._taken.append((y - half, y + half))
        text = self._axes.text(x, y, words, color=colour, va="center", clip_on=True, **look)
        beyond = text.get_window_extent().x1 - (self._axes.bbox.x1 - LETTER_POINTS * self._points)
        if beyond > 0:
            text.set_x(x + beyond / self._points * self._mm_per_point)

    @property
    def _mm_per_point(self) -> float:
        low, high = self._axes.get_ylim()
        return (high - low) / (self._axes.bbox.height / self._points)
