"""Colours and shapes of the panel: safe for the colour-blind, readable on Slicer's light and dark style."""

from __future__ import annotations

import qt
import slicer

# From the set of Okabe and Ito, darkened or lightened for text; never without the word and the shape beside them.
ON_LIGHT = {"normal": "#007a59", "osteopenia": "#9a6200", "osteoporosis": "#b34700"}
ON_DARK = {"normal": "#3ccfa4", "osteopenia": "#f0b23c", "osteoporosis": "#ff8a4c"}
ZONES = {"normal": "#009e73", "osteopenia": "#e69f00", "osteoporosis": "#d55e00"}
SHAPES = {"normal": "●", "osteopenia": "▲", "osteoporosis": "◆"}
SEVERITY_ON_LIGHT = {"refusal": "#b34700", "warning": "#9a6200", "info": "#4a6b8a"}
SEVERITY_ON_DARK = {"refusal": "#ff8a4c", "warning": "#f0b23c", "info": "#8fb8de"}
SEVERITY_SHAPES = {"refusal": "◆", "warning": "▲", "info": "●"}

# Calm lines; colours come from Slicer's own style.
TABLE = (
    "QTableWidget { background: transparent; } QTableWidget::item { padding: 1px 5px; } "
    "QHeaderView::section { background: transparent; border: none; padding: 3px 5px; "
    "border-bottom: 1px solid rgba(128, 140, 152, 120); }"
)


def is_dark() -> bool:
    """Whether Slicer shows light text on a dark ground."""
    return slicer.app.palette().color(qt.QPalette.Window).lightness() < 128


def category_colour(category: str) -> str:
    return (ON_DARK if is_dark() else ON_LIGHT)[category]


def severity_colour(severity: str) -> str:
    return (SEVERITY_ON_DARK if is_dark() else SEVERITY_ON_LIGHT)[severity]


def ink() -> str:
    return "#e8ebee" if is_dark() else "#17202b"


def muted() -> str:
    """For what is read second, and for numbers that are out of date."""
    return "#9aa4ae" if is_dark() else "#66727e"


def tinted(colour: str, alpha: int) -> str:
    """A colour with transparency, as style sheets write it."""
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"


def chip(colour: str) -> str:
    """The style sheet of a small label on a tint of its own colour."""
    return (
        f"color: {colour}; background-color: {tinted(colour, 34)}; border-radius: 4px; padding: 4px 10px; "
        "font-weight: bold; font-size: 11pt;"
    )


def banner(colour: str) -> str:
    """The style sheet of a frame with a message."""
    return (
        f"QFrame#messageFrame {{ background-color: {tinted(colour, 22)}; border: none; "
        f"border-left: 3px solid {colour}; border-radius: 2px; }}"
    )
