"""Published densities by age, and the patient among them."""

from __future__ import annotations

from collections.abc import Iterable

import qt
from slicer.i18n import tr as _

from OpportunisticBMDLib.core.standing import Standing
from OpportunisticBMDLib.results.standing_words import place, plotted
from OpportunisticBMDPanel.slicer import theme

AGES, DENSITIES = (20, 40, 60, 80), (50, 100, 150, 200)  # that are written at the axes
HEIGHT_PX, MARGIN_PX, RIGHT_PX = 150.0, 6.0, 12.0
BAND_ALPHA = 40  # of 255
FONT = 0.89  # of Slicer's own
PIXEL_RATIO = 2.0  # drawn finer than most screens, so that it is crisp on all


def height_px(standing: Standing) -> int:
    """Of the plot: the curves, the ages, and a line for each curve's name."""
    return int(HEIGHT_PX + (2.5 + len(plotted(standing))) * _line_px() + 2 * MARGIN_PX)


def draw(standing: Standing, bmd_mg_cm3: float, width_px: int) -> qt.QPixmap:
    """The plot, `width_px` wide and `height_px()` high.

    Args:
        bmd_mg_cm3: the patient's.
    """
    pixmap = qt.QPixmap(int(width_px * PIXEL_RATIO), int(height_px(standing) * PIXEL_RATIO))
    pixmap.setDevicePixelRatio(PIXEL_RATIO)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    painter.setFont(theme.font(FONT))
    frame = _Frame(width_px)
    _draw_axes(painter, frame)
    for number, (curve, colour) in enumerate(zip(plotted(standing), theme.curve_colours())):
        if curve.band:
            painter.setPen(qt.Qt.NoPen)
            painter.setBrush(qt.QBrush(_faint(colour)))
            painter.drawPath(frame.path(curve.band))
        painter.setPen(_pen(colour))
        painter.setBrush(qt.Qt.NoBrush)
        painter.drawPath(frame.path(curve.mean))
        name = _("{population}, ± 1 SD") if curve.band else _("{population}, mean")
        _draw_name(painter, frame, number, name.format(population=curve.population), colour)
    painter.setPen(qt.Qt.NoPen)
    painter.setBrush(qt.QBrush(qt.QColor(theme.ink())))
    painter.drawEllipse(frame.point(place(standing.person.age_years, bmd_mg_cm3)), 5.0, 5.0)
    painter.end()
    return pixmap


class _Frame:
    """Shares of the plot -> pixels from its upper left corner."""

    def __init__(self, width_px: float) -> None:
        self.left = 4.0 + qt.QFontMetrics(theme.font(FONT)).height() * 1.8
        self.right = width_px - RIGHT_PX
        self.top = MARGIN_PX + _line_px()  # under the unit
        self.bottom = self.top + HEIGHT_PX

    def point(self, share: tuple[float, float]) -> qt.QPointF:
        across, up = share
        return qt.QPointF(self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top))

    def path(self, corners: Iterable[tuple[float, float]]) -> qt.QPainterPath:
        path = qt.QPainterPath()
        for number, corner in enumerate(corners):
            point = self.point(corner)
            if number:
                path.lineTo(point)
            else:
                path.moveTo(point)
        return path


def _draw_axes(painter: qt.QPainter, frame: _Frame) -> None:
    line = _line_px()
    for density in DENSITIES:
        point = frame.point(place(0, density))
        painter.setPen(qt.QPen(_faint(theme.muted())))
        painter.drawLine(point, qt.QPointF(frame.right, point.y()))
        _write(painter, f"{density}", qt.QRectF(0.0, point.y() - line / 2, frame.left - 4, line), qt.Qt.AlignRight)
    for age in AGES:
        x = frame.point(place(age, 0)).x()
        _write(painter, f"{age}", qt.QRectF(x - 30, frame.bottom + 2, 60, line), qt.Qt.AlignHCenter)
    top = qt.QRectF(0.0, 0.0, frame.right, line)
    _write(painter, _("mg/cm³ HA"), top, qt.Qt.AlignLeft)
    years = qt.QRectF(frame.right - 120, frame.bottom + 2, 120 + RIGHT_PX / 2, line)
    _write(painter, _("years"), years, qt.Qt.AlignRight)


def _draw_name(painter: qt.QPainter, frame: _Frame, number: int, name: str, colour: str) -> None:
    line = _line_px()
    top = frame.bottom + 2 + (1.3 + number) * line
    painter.setPen(_pen(colour))
    painter.drawLine(qt.QPointF(frame.left, top + line / 2), qt.QPointF(frame.left + 20, top + line / 2))
    _write(painter, name, qt.QRectF(frame.left + 26, top, frame.right - frame.left - 26, line), qt.Qt.AlignLeft)


def _write(painter: qt.QPainter, text: str, where: qt.QRectF, alignment: int) -> None:
    painter.setPen(qt.QPen(qt.QColor(theme.muted())))
    painter.drawText(where, int(alignment) | int(qt.Qt.TextDontClip), text)


def _pen(colour: str) -> qt.QPen:
    pen = qt.QPen(qt.QColor(colour))
    pen.setWidthF(2.0)
    return pen


def _faint(colour: str) -> qt.QColor:
    faint = qt.QColor(colour)
    faint.setAlpha(BAND_ALPHA)
    return faint


def _line_px() -> float:
    height: float = qt.QFontMetrics(theme.font(FONT)).height()
    return height
