"""The density on the scale of the categories: the mean, its 95 % interval, and the single vertebrae."""

from __future__ import annotations

from dataclasses import dataclass

import qt

from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebra import UnmeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.dicom.codes import SEGMENT_COLOURS
from OpportunisticBMDLib.results import wording
from OpportunisticBMDPanel.measuring import wording as panel_wording
from OpportunisticBMDPanel.slicer import theme

SCALE_MG_CM3 = 220.0  # nearly every patient between 30 and 90 years lies within
MARGIN_PX = 10.0
BAR_TOP, BAR_HEIGHT, GAP = 24.0, 16.0, 3.0
FONT = 0.89  # of Slicer's own
PIXEL_RATIO = 2.0  # drawn finer than most screens, so that it is crisp on all


@dataclass(frozen=True)
class Scale:
    """mg/cm3 -> pixels from the left."""

    end_mg_cm3: float
    width_px: float

    @classmethod
    def for_result(cls, result: Result, width_px: float) -> Scale:
        bounds = wording.interval(result) or (0.0, 0.0)
        end = max(SCALE_MG_CM3, 1.5 * result.thresholds.in_ha[1], 1.05 * bounds[1])
        return cls(end, width_px)

    def x(self, bmd_mg_cm3: float) -> float:
        share = min(max(bmd_mg_cm3 / self.end_mg_cm3, 0.0), 1.0)
        return MARGIN_PX + share * (self.width_px - 2 * MARGIN_PX)


def height_px() -> int:
    """Of the plot: the mean, the bar, and two lines of text."""
    return int(_line_top(2) + GAP)


def draw(result: Result, width_px: int, *, is_stale: bool) -> qt.QPixmap:
    """The plot, `width_px` wide and `height_px()` high; hollow and grey where the result is out of date."""
    pixmap = qt.QPixmap(int(width_px * PIXEL_RATIO), int(height_px() * PIXEL_RATIO))
    pixmap.setDevicePixelRatio(PIXEL_RATIO)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    painter.setFont(theme.font(FONT))
    scale = Scale.for_result(result, width_px)
    _draw_zones(painter, result, scale)
    _draw_vertebrae(painter, result, scale, is_stale)
    _draw_mean(painter, result, scale, is_stale)
    painter.end()
    return pixmap


def _draw_zones(painter: qt.QPainter, result: Result, scale: Scale) -> None:
    osteoporosis, osteopenia = result.thresholds.in_ha
    zones = (
        ("osteoporosis", 0.0, osteoporosis),
        ("osteopenia", osteoporosis, osteopenia),
        ("normal", osteopenia, scale.end_mg_cm3),
    )
    for category, low, high in zones:
        left, right = scale.x(low), scale.x(high)
        colour = qt.QColor(theme.ZONES[category])
        colour.setAlpha(90 if theme.is_dark() else 70)
        painter.setPen(qt.Qt.NoPen)
        painter.setBrush(qt.QBrush(colour))
        painter.drawRect(qt.QRectF(left, BAR_TOP, right - left - 1.0, BAR_HEIGHT))
        word = panel_wording.category(category)
        _write(painter, word, left, right, 0, theme.category_colour(category))
    for value in (osteoporosis, osteopenia):
        _write(painter, f"{round(value, 1):g}", scale.x(value) - 30, scale.x(value) + 30, 1, theme.muted())
    end = scale.x(scale.end_mg_cm3)
    _write(painter, "0", MARGIN_PX, MARGIN_PX + 40, 1, theme.muted(), qt.Qt.AlignLeft)
    _write(painter, f"{scale.end_mg_cm3:.0f} mg/cm³", end - 90, end, 1, theme.muted(), qt.Qt.AlignRight)


def _draw_vertebrae(painter: qt.QPainter, result: Result, scale: Scale, is_stale: bool) -> None:
    middle = BAR_TOP + BAR_HEIGHT / 2
    for name in VERTEBRAE:
        measured = result.vertebrae.get(name)
        if measured is None or isinstance(measured, UnmeasuredVertebra):
            continue
        red, green, blue = (round(255 * part) for part in SEGMENT_COLOURS[name])
        painter.setPen(qt.QPen(qt.QColor(theme.ground())))
        painter.setBrush(qt.QBrush(qt.QColor(theme.muted()) if is_stale else qt.QColor(red, green, blue)))
        painter.drawEllipse(qt.QPointF(scale.x(measured.bmd_mg_cm3), middle), 4.0, 4.0)


def _draw_mean(painter: qt.QPainter, result: Result, scale: Scale, is_stale: bool) -> None:
    if result.bmd_mg_cm3 is None:
        return
    colour = qt.QColor(theme.muted() if is_stale else theme.ink())
    pen = qt.QPen(colour)
    pen.setWidthF(2.0)
    painter.setPen(pen)
    bounds = wording.interval(result)
    height = BAR_TOP - 5.0
    if bounds is not None:
        low, high = scale.x(bounds[0]), scale.x(bounds[1])
        painter.drawLine(qt.QPointF(low, height), qt.QPointF(high, height))
        for end in (low, high):
            painter.drawLine(qt.QPointF(end, height - 4), qt.QPointF(end, height + 4))
    x = scale.x(result.bmd_mg_cm3)
    painter.drawLine(qt.QPointF(x, height), qt.QPointF(x, BAR_TOP + BAR_HEIGHT))
    if is_stale:
        painter.setBrush(qt.QBrush(qt.QColor(theme.ground())))
    else:
        painter.setPen(qt.Qt.NoPen)
        painter.setBrush(qt.QBrush(colour))
    triangle = qt.QPainterPath()
    triangle.moveTo(x - 7, height - 14)
    triangle.lineTo(x + 7, height - 14)
    triangle.lineTo(x, height - 2)
    triangle.closeSubpath()
    painter.drawPath(triangle)


def _line_top(line: int) -> float:
    """Pixels from the top, of a line of text under the bar."""
    line_px: float = qt.QFontMetrics(theme.font(FONT)).height()
    return BAR_TOP + BAR_HEIGHT + GAP + line * line_px


def _write(
    painter: qt.QPainter,
    text: str,
    left: float,
    right: float,
    line: int,
    colour: str,
    alignment: int | None = None,
) -> None:
    painter.setPen(qt.QPen(qt.QColor(colour)))
    alignment = qt.Qt.AlignHCenter if alignment is None else alignment
    flags = int(alignment) | int(qt.Qt.TextDontClip)  # a word may be a little wider than its zone
    top = _line_top(line)
    painter.drawText(qt.QRectF(left, top, right - left, _line_top(line + 1) - top), flags, text)
