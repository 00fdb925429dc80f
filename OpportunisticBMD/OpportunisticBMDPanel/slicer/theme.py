"""Colours and shapes of the panel: safe for the colour-blind, readable on Slicer's light and dark style.

Text and ground are the palette's own; only what has a meaning has a colour, and never without a word or a shape. All
are asked for at each refresh, so that a change of Slicer's style is followed.
"""

from __future__ import annotations

import qt
import slicer

# From the set of Okabe and Ito, darkened for light grounds and lightened for dark ones: text on a tint of its own
# colour stands out at least 4.5 to 1, as WCAG 2 asks.
GREEN = ("#006b4e", "#3ccfa4")  # on light, on dark
AMBER = ("#855300", "#f0b23c")
ORANGE = ("#a33f00", "#ff9a63")
BLUE = ("#40607d", "#8fb8de")
CATEGORIES = {"normal": GREEN, "osteopenia": AMBER, "osteoporosis": ORANGE}
SEVERITIES = {"refusal": ORANGE, "warning": AMBER, "info": BLUE}
ZONES = {"normal": "#009e73", "osteopenia": "#e69f00", "osteoporosis": "#d55e00"}
SHAPES = {"normal": "●", "osteopenia": "▲", "osteoporosis": "◆"}
SEVERITY_SHAPES = {"refusal": "◆", "warning": "▲", "info": "●"}

MUTED_SHARE = 0.65  # of the text's colour in it; the rest is the ground's
CHIP_ALPHA, BANNER_ALPHA = 34, 22  # of 255

# Calm lines; colours come from Slicer's own style.
TABLE = (
    "QTableWidget { background: transparent; } QTableWidget::item { padding: 1px 5px; } "
    "QHeaderView { background: transparent; } "
    "QHeaderView::section { background: transparent; border: none; padding: 3px 5px; "
    "border-bottom: 1px solid rgba(128, 140, 152, 120); }"
)


def is_dark() -> bool:
    """Whether Slicer shows light text on a dark ground."""
    return _of_palette(qt.QPalette.Window).lightness() < 128


def category_colour(category: str) -> str:
    return CATEGORIES[category][is_dark()]


def severity_colour(severity: str) -> str:
    return SEVERITIES[severity][is_dark()]


def curve_colours() -> tuple[str, ...]:
    """Of the lines of a diagram, in their order."""
    return tuple(pair[is_dark()] for pair in (BLUE, ORANGE, GREEN, AMBER))


def ground() -> str:
    return _of_palette(qt.QPalette.Window).name()


def ink() -> str:
    return _of_palette(qt.QPalette.WindowText).name()


def muted() -> str:
    """For what is read second, and for numbers that are out of date."""
    return mixed(ink(), ground(), MUTED_SHARE)


def mixed(colour: str, other: str, share: float) -> str:
    """`share` of a colour in another one."""
    pairs = zip(_channels(colour), _channels(other))
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def tinted(colour: str, alpha: int) -> str:
    """A colour with transparency, as style sheets write it."""
    red, green, blue = _channels(colour)
    return f"rgba({red}, {green}, {blue}, {alpha})"


def size_pt(factor: float) -> float:
    """A size of font as style sheets write it, in multiples of Slicer's own."""
    return round(factor * slicer.app.font().pointSizeF(), 1)


def font(factor: float) -> qt.QFont:
    """Slicer's own, in a multiple of its size."""
    sized = qt.QFont(slicer.app.font())
    sized.setPointSizeF(size_pt(factor))
    return sized


def chip(colour: str) -> str:
    """The style sheet of a small label on a tint of its own colour."""
    return (
        f"color: {colour}; background-color: {tinted(colour, CHIP_ALPHA)}; border-radius: 4px; padding: 4px 8px; "
        f"font-weight: bold; font-size: {size_pt(1.1)}pt;"
    )


def banner(colour: str, frame: str = "messageFrame") -> str:
    """The style sheet of the frame of that name, with a message."""
    return (
        f"QFrame#{frame} {{ background-color: {tinted(colour, BANNER_ALPHA)}; border: none; "
        f"border-left: 3px solid {colour}; border-radius: 2px; }}"
    )


def _of_palette(role: int) -> qt.QColor:
    return slicer.app.palette().color(role)


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return red, green, blue
