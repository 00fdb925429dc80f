"""Colours, outlines and patient axes that the parts of the preview share."""

from __future__ import annotations

from matplotlib.patheffects import withStroke

RIGHT, ANTERIOR, SUPERIOR = 0, 1, 2
BACKGROUND = "#0e1116"
TEXT, MUTED, FAINT = "#f2f4f7", "#a9b2be", "#343c47"
OUTLINE = [withStroke(linewidth=2.5, foreground="black")]
