"""The results panel: the mean and its category, reasons for caution, the plot, a row for each vertebra."""

from __future__ import annotations

import html
from collections.abc import Callable
from math import isfinite
from typing import Any

import qt
from slicer.i18n import tr as _

from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.result import FORMER, Result
from OpportunisticBMDLib.core.vertebra import UnmeasuredVertebra, Vertebra, VertebraFigures
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.dicom.codes import SEGMENT_COLOURS
from OpportunisticBMDLib.results import trust_words, wording
from OpportunisticBMDPanel.measuring import threshold_plot
from OpportunisticBMDPanel.measuring import wording as panel_wording
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.slicer import theme
from OpportunisticBMDPanel.slicer.tab_order import put_behind

USE, NAME, BMD, INTERVAL, HU, NETWORK, CONFIDENCE = range(7)
SPARED = (NETWORK, CONFIDENCE, HU)  # in a narrow panel, in this order
RIGHT = qt.Qt.AlignRight | qt.Qt.AlignVCenter


def headers() -> list[str]:
    """The titles of the table's columns, with the unit in the second line."""
    return [
        _("Use"),
        _("Level"),
        _("BMD\nmg/cm³"),
        _("95 %\nmg/cm³"),
        _("HU read\n/ mask"),
        _("Network\nmg/cm³"),
        _("Mask sure\n%"),
    ]


class ResultsView:
    """Writes a session's result into the panel's widgets.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        on_use: called with a vertebra and whether the reader wants it to be used.
    """

    def __init__(self, ui: Any, on_use: Callable[[str, bool], None]) -> None:
        self._ui, self._on_use = ui, on_use
        self._is_writing = False
        self._shown: tuple[Result, bool, int] | None = None  # what, whether out of date, how wide in pixels
        self.use_boxes: dict[str, qt.QCheckBox] = {}
        self._make_table()

    def show(self, session: Session | None, width_px: int) -> None:
        """Shows what is known, in grey where it is out of date; nothing where there is no result.

        Args:
            width_px: of the plot and the table.
        """
        result = session.shown_result if session is not None else None
        self._ui.resultFrame.visible = result is not None
        self._shown = None
        if session is None or result is None:
            return
        is_stale = session.state is State.STALE
        self._shown = result, is_stale, width_px
        self._show_headline(result, is_stale)
        self._show_plot(result, is_stale, width_px)
        self._show_trust(result, is_stale)
        self._show_levels(result, is_stale)
        self._ui.reasonsLabel.text = "" if is_stale else _reasons_in_html(result)
        self._ui.reasonsLabel.visible = bool(self._ui.reasonsLabel.text)
        self._show_table(result, session, is_stale)
        self._fit_columns(width_px)

    def fit(self, width_px: int) -> None:
        """Draws the plot anew if the panel is no longer as wide as when it was drawn, and shows what then has room."""
        if self._shown is not None and width_px != self._shown[2]:
            result, is_stale, _former_px = self._shown
            self._shown = result, is_stale, width_px
            self._show_plot(result, is_stale, width_px)
            self._fit_columns(width_px)

    def _show_headline(self, result: Result, is_stale: bool) -> None:
        has_number = result.bmd_mg_cm3 is not None
        colour = theme.muted() if is_stale or not has_number else theme.ink()
        size = theme.size_pt(2.6 if has_number else 1.6)
        self._ui.valueLabel.text = wording.number(result.bmd_mg_cm3) if has_number else _("No density")
        self._ui.valueLabel.styleSheet = f"font-size: {size}pt; font-weight: bold; color: {colour};"
        self._ui.unitLabel.visible = has_number
        self._ui.unitLabel.text = f"{wording.unit(result)}\n{wording.k2hpo4(result)}".rstrip()
        self._ui.unitLabel.toolTip = wording.scale(result)
        self._ui.unitLabel.styleSheet = self._ui.intervalLabel.styleSheet = f"color: {theme.muted()};"
        if is_stale:
            self._ui.categoryLabel.text = _("Out of date")
            self._ui.categoryLabel.styleSheet = theme.chip(theme.muted())
            self._ui.intervalLabel.text = _("This is the number before the change. Measuring again…")
        elif result.category is not None:
            self._ui.categoryLabel.text = f"{theme.SHAPES[result.category]} {panel_wording.category(result.category)}"
            self._ui.categoryLabel.styleSheet = theme.chip(theme.category_colour(result.category))
            self._ui.intervalLabel.text = _used_in_words(result)
        else:
            self._ui.categoryLabel.text = f"{theme.SEVERITY_SHAPES['refusal']} {panel_wording.severity('refusal')}"
            self._ui.categoryLabel.styleSheet = theme.chip(theme.severity_colour("refusal"))
            self._ui.intervalLabel.text = panel_wording.status_explanation("refused")
        self._ui.categoryLabel.toolTip = wording.category_range(result)

    def _show_plot(self, result: Result, is_stale: bool, width_px: int) -> None:
        self._ui.plotLabel.visible = result.bmd_mg_cm3 is not None
        if result.bmd_mg_cm3 is not None:
            self._ui.plotLabel.setPixmap(threshold_plot.draw(result, width_px, is_stale=is_stale))
            self._ui.plotLabel.setFixedHeight(threshold_plot.height_px())

    def _show_trust(self, result: Result, is_stale: bool) -> None:
        """What was corrected, by which line, and how the levels are known, in a line; all figures in a section."""
        label, rows = self._ui.trustLabel, panel_wording.trust_details(result)
        label.text = trust_words.trust_line(result)
        label.visible = bool(label.text)
        label.toolTip = panel_wording.levels_evidence(result.levels) if result.levels is not None else ""
        label.styleSheet = f"color: {theme.muted()};"
        self._ui.trustSection.visible = bool(rows)
        self._ui.trustDetailsLabel.text = rows
        self._ui.trustDetailsLabel.styleSheet = f"color: {theme.muted()};" if is_stale else ""

    def _show_levels(self, result: Result, is_stale: bool) -> None:
        """Which vertebrae these are where the line above does not tell, and as its tooltip the ribs that say so."""
        label = self._ui.levelsLabel
        text, severity = panel_wording.levels(result)
        label.visible = bool(text) and (severity == "warning" or not self._ui.trustLabel.text)
        label.text = f"{theme.SEVERITY_SHAPES[severity]} {text}"
        label.toolTip = panel_wording.levels_evidence(result.levels) if result.levels is not None else ""
        label.styleSheet = f"color: {theme.muted() if is_stale else theme.severity_colour(severity)};"

    def _make_table(self) -> None:
        table = self._ui.vertebraTable
        table.setHorizontalHeaderLabels(headers())
        table.setStyleSheet(theme.TABLE)
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(BMD, qt.QHeaderView.Stretch)
        header.setMinimumSectionSize(30)
        header.setHighlightSections(False)
        table.verticalHeader().setVisible(False)
        for column in range(BMD, CONFIDENCE + 1):
            table.horizontalHeaderItem(column).setTextAlignment(RIGHT)
        for row, name in enumerate(VERTEBRAE):
            box = qt.QCheckBox()
            box.toolTip = _("Use {vertebra} for the measurement").format(vertebra=name)
            box.connect("toggled(bool)", self._use_changed(name))
            self.use_boxes[name] = box
            cell = qt.QWidget()
            layout = qt.QHBoxLayout(cell)
            layout.setContentsMargins(6, 0, 0, 0)
            layout.addWidget(box)
            table.setCellWidget(row, USE, cell)
        put_behind(self._ui.measureAgainButton, self.use_boxes.values())

    def _use_changed(self, name: str) -> Callable[[bool], None]:
        def hear(checked: bool) -> None:
            if not self._is_writing:
                self._on_use(name, bool(checked))

        return hear

    def _show_table(self, result: Result, session: Session, is_stale: bool) -> None:
        self._ui.vertebraTable.visible = bool(result.vertebrae)
        why = {reason.vertebra: reason.message for reason in result.reasons if reason.severity == "warning"}
        self._is_writing = True
        for row, name in enumerate(VERTEBRAE):
            vertebra = result.vertebrae.get(name)
            self.use_boxes[name].checked = name not in session.excluded
            is_faint = is_stale or vertebra is None or isinstance(vertebra, UnmeasuredVertebra)
            for column, text in enumerate(_cells(name, vertebra), start=NAME):
                item = qt.QTableWidgetItem(text)
                item.setTextAlignment(RIGHT if column > NAME else qt.Qt.AlignLeft | qt.Qt.AlignVCenter)
                item.setToolTip(why.get(name, ""))
                if is_faint:
                    item.setForeground(qt.QBrush(qt.QColor(theme.muted())))
                if column == NAME:
                    item.setIcon(qt.QIcon(_dot(name)))
                if column in (NAME, BMD):
                    font = item.font()
                    font.setBold(name in result.vertebrae_used and not is_stale)
                    item.setFont(font)
                self._ui.vertebraTable.setItem(row, column, item)
        self._is_writing = False
        self._ui.vertebraTable.resizeRowsToContents()
        self._ui.vertebraTable.updateGeometry()

    def _fit_columns(self, width_px: int) -> None:
        """Hides the columns of least weight where the panel is too narrow for all of them."""
        table = self._ui.vertebraTable
        header = table.horizontalHeader()
        for column in SPARED:
            table.setColumnHidden(column, False)
        widths = [max(table.sizeHintForColumn(n), header.sectionSizeHint(n)) for n in range(CONFIDENCE + 1)]
        for column in SPARED:
            if sum(widths) > width_px:
                table.setColumnHidden(column, True)
                widths[column] = 0


def _cells(name: str, vertebra: Vertebra | None) -> list[str]:
    """The texts of a row, from the name on."""
    if vertebra is None:
        return [name] + [wording.DASH] * 5
    m = VertebraFigures.of(vertebra)
    low, high = wording.bounds(m.bmd_mg_cm3, m.bmd_sd_mg_cm3)
    interval = f"{low:.0f} – {high:.0f}" if isfinite(low) and isfinite(high) else wording.DASH
    return [
        name,
        wording.number(m.bmd_mg_cm3),
        interval,
        f"{wording.number(m.hu_region, 0)} / {wording.number(m.hu_mean, 0)}",
        wording.number(m.network_bmd_mg_cm3),
        wording.number(100 * m.confidence, 0),
    ]


def _used_in_words(result: Result) -> str:
    """ "Mean of T12 and L1 (T12 replaces L2), read in the middle 9 mm; 95 % interval 131.0 to 153.2 mg/cm³"."""
    if result.scale == FORMER:
        return wording.FORMER_SCALE
    words = wording.vertebrae_used(result)
    if "T12" in result.vertebrae_used:
        missing = next(name for name in ("L1", "L2") if name not in result.vertebrae_used)
        words += " " + _("(T12 replaces {missing})").format(missing=missing)
    words += f", {wording.READ_IN}"
    interval = wording.interval(result)
    if interval is not None:
        words += _("; 95 % interval {low} to {high} mg/cm³").format(
            low=wording.number(interval[0]), high=wording.number(interval[1])
        )
    return words


def _reasons_in_html(result: Result) -> str:
    reasons = wording.ordered_reasons(result)
    if not reasons:
        return f"✓ {panel_wording.status_explanation('measured')}"
    rows = "".join(_reason_row(reason) for reason in reasons)
    return f'<table cellspacing="0" cellpadding="2">{rows}</table>'


def _reason_row(reason: Reason) -> str:
    colour, shape = theme.severity_colour(reason.severity), theme.SEVERITY_SHAPES[reason.severity]
    word = panel_wording.severity(reason.severity)
    sentence = html.escape(wording.reason_sentence(reason))
    return (
        f'<tr><td style="white-space: nowrap; padding-right: 6px; color: {colour};">{shape} <b>{word}</b></td>'
        f"<td>{sentence}</td></tr>"
    )


def _dot(name: str) -> qt.QPixmap:
    """The colour of a vertebra's segment."""
    pixmap = qt.QPixmap(32, 32)
    pixmap.setDevicePixelRatio(2.0)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    painter.setPen(qt.Qt.NoPen)
    painter.setBrush(qt.QBrush(qt.QColor(*(round(255 * part) for part in SEGMENT_COLOURS[name]))))
    painter.drawEllipse(qt.QPointF(8.0, 8.0), 5.0, 5.0)
    painter.end()
    return pixmap
