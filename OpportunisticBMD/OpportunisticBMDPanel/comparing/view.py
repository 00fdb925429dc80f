"""The section that compares: age and sex, the curves, earlier scans, and what changed since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.standing import SEXES, Person
from OpportunisticBMDLib.followup import Change, Scan
from OpportunisticBMDLib.followup.change import change
from OpportunisticBMDLib.followup.read import read_scan
from OpportunisticBMDLib.reference import with_standing
from OpportunisticBMDLib.results.standing_words import NO_T_SCORE, remarks, standing_line
from OpportunisticBMDPanel.comparing import age_plot, wording
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.session import Session, State
from OpportunisticBMDPanel.slicer.protocols import Dialogs

NOT_GIVEN = 0  # of age, and of the list of sexes
LEAST_PX = 260  # of the plot's width
MARGINS_PX = 22  # of panel and section, both sides together


class ComparingView:
    """Joins the section's widgets to what is known of a volume.

    Nothing of it changes the result, or is kept with the scene.

    Args:
        ui: the widgets of OpportunisticBMD.ui.
        session: gives that of the chosen volume; without one, the section is disabled.
    """

    def __init__(self, ui: Any, logic: PanelLogic, dialogs: Dialogs, session: Callable[[], Session]) -> None:
        self._ui, self._logic, self._dialogs, self._session = ui, logic, dialogs, session
        self._is_writing = False
        self._panel_px = 0
        self._shown: Session | None = None
        ui.sexComboBox.addItems([_("not given"), _("female"), _("male")])
        ui.ageSpinBox.specialValueText = _("not given")
        ui.peersCheckBox.connect("toggled(bool)", self._on_peers)
        ui.ageSpinBox.connect("valueChanged(int)", self._on_person)
        ui.sexComboBox.connect("currentIndexChanged(int)", self._on_person)
        ui.compareButton.connect("clicked(bool)", self._on_compare)
        ui.clearComparisonButton.connect("clicked(bool)", self._on_clear)

    def show(self, session: Session | None, panel_px: int) -> None:
        """Shows what a volume's result is held against.

        Args:
            panel_px: the panel's width.
        """
        self._panel_px = panel_px
        if session is not self._shown:
            self._shown = session
            self._write_person(session.person if session is not None else None)
        result = session.shown_result if session is not None and session.state is State.RESULT else None
        self._ui.compareSection.enabled = result is not None and result.bmd_mg_cm3 is not None
        self._show_peers(session, result)
        self._show_changes(session, result)

    def fit(self, panel_px: int) -> None:
        """Draws the curves anew if the panel is no longer as wide as when they were drawn."""
        if panel_px != self._panel_px:
            self.show(self._shown, panel_px)

    def _write_person(self, person: Person | None) -> None:
        ui = self._ui
        self._is_writing = True
        ui.peersCheckBox.checked = person is not None
        ui.ageSpinBox.value = NOT_GIVEN if person is None else person.age_years
        ui.sexComboBox.currentIndex = NOT_GIVEN if person is None else 1 + SEXES.index(person.sex)
        self._is_writing = False

    def _read_person(self) -> Person | None:
        """Whom the fields describe; None where they are empty, or not asked for."""
        ui = self._ui
        age, sex = int(ui.ageSpinBox.value), int(ui.sexComboBox.currentIndex)
        if not ui.peersCheckBox.checked or NOT_GIVEN in (age, sex):
            return None
        return Person(age, SEXES[sex - 1])

    def _on_peers(self, checked: bool) -> None:
        """The fields begin with what the header says, for the reader to check."""
        if self._is_writing:
            return
        ui, session = self._ui, self._session()
        result = session.shown_result
        if checked and result is not None:
            self._is_writing = True
            known = session.ct.acquisition if session.ct is not None else result.acquisition
            if ui.ageSpinBox.value == NOT_GIVEN and known.age_years is not None:
                ui.ageSpinBox.value = int(known.age_years)
            if ui.sexComboBox.currentIndex == NOT_GIVEN and known.sex in SEXES:
                ui.sexComboBox.currentIndex = 1 + SEXES.index(known.sex)
            self._is_writing = False
        self._on_person()

    def _on_person(self, *_value: object) -> None:
        if not self._is_writing:
            session = self._session()
            session.person = self._read_person()
            self.show(session, self._panel_px)

    def _show_peers(self, session: Session | None, result: Result | None) -> None:
        ui, person = self._ui, session.person if session is not None else None
        for widget in (ui.ageLabel, ui.ageSpinBox, ui.sexComboBox):
            widget.visible = bool(ui.peersCheckBox.checked)
        known = None if result is None else with_standing(result, person)
        standing = None if known is None else known.standing
        ui.standingLabel.visible = standing is not None
        ui.agePlotLabel.visible = bool(standing is not None and standing.peers)
        if known is None or standing is None or known.bmd_mg_cm3 is None:
            return
        ui.standingLabel.text = standing_line(known)
        lines = [f"{peers.population}: {remarks(peers)}." for peers in standing.peers]
        ui.standingLabel.toolTip = ui.agePlotLabel.toolTip = "\n".join([*lines, NO_T_SCORE])
        if standing.peers:
            ui.agePlotLabel.setPixmap(age_plot.draw(standing, standing.peers[0].bmd_mg_cm3, self._plot_px))
            ui.agePlotLabel.setFixedHeight(age_plot.height_px(standing))

    @property
    def _plot_px(self) -> int:
        return max(LEAST_PX, self._panel_px - MARGINS_PX)

    def _show_changes(self, session: Session | None, result: Result | None) -> None:
        earlier = session.earlier if session is not None else ()
        ui = self._ui
        ui.clearComparisonButton.visible = bool(earlier)
        ui.comparisonLabel.visible = bool(earlier) and result is not None
        if session is None or result is None or not earlier:
            ui.comparisonLabel.text = ""
            return
        try:
            changes = [self._change(scan, session, result) for scan in earlier]
        except BadInput as error:  # a vertebra that both had was left out since
            ui.comparisonLabel.text = str(error)
            return
        ui.comparisonLabel.text = (
            wording.table(changes) + wording.sentences(changes[-1]) + f"<p>{wording.one_person()}</p>"
        )

    def _change(self, earlier: Scan, session: Session, result: Result) -> Change:
        return change(earlier, Scan.of(session.volume_node.GetName(), result))

    def _on_compare(self, checked: bool = False) -> None:
        session = self._session()
        try:
            scan = self._chosen(session)
            if scan is None or session.shown_result is None:
                return
            if any(scan.is_of_same_file(known) for known in session.earlier):
                raise BadInput(_("{name} is compared already.").format(name=scan.file))
            self._change(scan, session, session.shown_result)  # or says why not
        except BadInput as error:
            self._dialogs.error(str(error))
            return
        session.earlier = (*session.earlier, scan)
        self.show(session, self._panel_px)

    def _chosen(self, session: Session) -> Scan | None:
        """Another result of the scene where there is one and the reader wants it, else that of a file.

        Raises:
            BadInput: the file holds no result, or one that cannot be compared.
        """
        others = [other for other in self._logic.measured() if other is not session]
        choice: int | None = len(others)
        if others:
            names = [other.volume_node.GetName() for other in others]
            title, text = _("Compare with"), _("An earlier scan of the same person:")
            choice = self._dialogs.choose(title, text, [*names, _("A result.json…")])
        if choice is None:
            return None
        if choice < len(others):
            other = others[choice]
            return Scan.of(other.volume_node.GetName(), other.run.result) if other.run is not None else None
        path = self._dialogs.choose_file(_("Earlier result of the same person"), _("Results (*.json)"))
        return None if path is None else read_scan(path)

    def _on_clear(self, checked: bool = False) -> None:
        session = self._session()
        session.earlier = ()
        self.show(session, self._panel_px)
