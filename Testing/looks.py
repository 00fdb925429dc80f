"""Slicer's light and its dark style, as far as their colours make them, in any size of font."""

from __future__ import annotations

import slicer_standins

slicer_standins.install()

import qt  # noqa: E402

FONTS = ("Inter", "Open Sans", "DejaVu Sans")
USUAL_PT = 9.0
SIZES = {"usual": (500, USUAL_PT), "narrow": (370, USUAL_PT), "large": (500, 1.5 * USUAL_PT)}  # px of the panel, font
LOOKS = {
    "light": {
        "Window": "#ffffff",
        "WindowText": "#000000",
        "Base": "#ffffff",
        "AlternateBase": "#e4e4fe",
        "Text": "#000000",
        "PlaceholderText": "#808080",
        "Button": "#fcfcfc",
        "ButtonText": "#000000",
        "Light": "#c8c8c8",
        "Midlight": "#e6e6e6",
        "Dark": "#aaaaaa",
        "Mid": "#c8c8c8",
        "Shadow": "#5a5a5a",
        "Highlight": "#308cc6",
        "HighlightedText": "#ffffff",
        "Link": "#0000ff",
    },
    "dark": {
        "Window": "#323232",
        "WindowText": "#ffffff",
        "Base": "#1e1e1e",
        "AlternateBase": "#323232",
        "Text": "#ffffff",
        "PlaceholderText": "#c0c0c0",
        "Button": "#323232",
        "ButtonText": "#ffffff",
        "Light": "#828284",
        "Midlight": "#5a5a5b",
        "Dark": "#232323",
        "Mid": "#2b2b2b",
        "Shadow": "#141414",
        "Highlight": "#3ca4ff",
        "HighlightedText": "#ffffff",
        "Link": "#3ca4ff",
    },
}
FAINT = {"light": "#bebebe", "dark": "#6d6d6d"}  # what is disabled


def dress(look: str, font_pt: float = USUAL_PT) -> None:
    """Gives the application one of the `LOOKS`."""
    application = qt.QApplication.instance()
    if application.style().objectName() != "fusion":
        application.setStyle("Fusion")
    palette = qt.QPalette()
    for role, colour in LOOKS[look].items():
        palette.setColor(getattr(qt.QPalette, role), qt.QColor(colour))
    for role in ("WindowText", "Text", "ButtonText"):
        palette.setColor(qt.QPalette.Disabled, getattr(qt.QPalette, role), qt.QColor(FAINT[look]))
    application.setPalette(palette)
    known = set(qt.QFontDatabase.families())
    font = qt.QFont(next((name for name in FONTS if name in known), "Sans Serif"))
    font.setPointSizeF(font_pt)
    application.setFont(font)


def fit_to_width(panel, width_px: int) -> None:
    """Shows a panel so wide, and as high as it needs to be."""
    root = panel.root
    root.setAttribute(qt.Qt.WA_DontShowOnScreen)
    root.show()
    for _ in range(4):  # sections that open, and labels that wrap, settle in steps
        root.resize(width_px, root.layout().totalHeightForWidth(width_px))
        panel.widget.refresh()
        qt.QApplication.processEvents()
