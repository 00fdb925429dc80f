"""The panel: joins the widgets of OpportunisticBMD.ui to the logic, and shows what the logic says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDPanel import export, looks, wording
from OpportunisticBMDPanel.batch import Batch
from OpportunisticBMDPanel.batch_view import BatchView
from OpportunisticBMDPanel.dialogs import SlicerDialogs
from OpportunisticBMDPanel.dicom import header_of
from OpportunisticBMDPanel.editing import SegmentEditing
from OpportunisticBMDPanel.logic import PanelLogic, python_executable
from OpportunisticBMDPanel.nodes import Nodes
from OpportunisticBMDPanel.packages import RequiredPackages
from OpportunisticBMDPanel.parameters import Parameters
from OpportunisticBMDPanel.protocols import Dialogs, Packages, Views
from OpportunisticBMDPanel.results_view import ResultsView
from OpportunisticBMDPanel.session import Session
from OpportunisticBMDPanel.settings import Settings, SettingsStore
from OpportunisticBMDPanel.settings_view import SettingsView
from OpportunisticBMDPanel.states import State
from OpportunisticBMDPanel.views import SlicerViews

TICK_MS = 50
LEAST_PLOT_PX = 320
VOLUME_CLASS = "vtkMRMLScalarVolumeNode"


class PanelWidget(VTKObservationMixin):
    """Everything between the reader and the logic.

    Args:
        panel: the widget that was loaded from OpportunisticBMD.ui.
        resource: a file's path in the module's Resources.
        parameter_node: the module's vtkMRMLScriptedModuleNode; made anew for each scene.
        logic, nodes, dialogs, views, packages, store, batch: collaborators, the real ones where none is given.
        annotating: fills the annotating section; `annotating.AnnotatingSection`.
    """

    def __init__(
        self,
        panel: Any,
        *,
        resource: Callable[[str], str],
        parameter_node: Callable[[], Any],
        scene: Any = None,
        nodes: Nodes | None = None,
        logic: PanelLogic | None = None,
        dialogs: Dialogs | None = None,
        views: Views | None = None,
        packages: Packages | None = None,
        store: SettingsStore | None = None,
        batch: Batch | None = None,
        annotating: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__()
        self.ui = slicer.util.childWidgetVariables(panel)
        self._panel, self._resource, self._parameter_node = panel, resource, parameter_node
        self._scene = scene or slicer.mrmlScene
        self._store = store or SettingsStore(qt.QSettings())
        self._nodes = nodes or Nodes(self._scene)
        self.logic = logic or PanelLogic(self._nodes, self._store.load(), header=header_of)
        self._dialogs = dialogs or SlicerDialogs()
        self._views = views or SlicerViews(self._scene)
        self._packages = packages or RequiredPackages(Path(resource("requirements.txt")))
        self.batch = batch or Batch(python_executable())
        self._parameters: Parameters | None = None
        self._gui_tag: Any = None
        self._parameter_tag: Any = None
        self._note = ""
        self._is_entered = False
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self._on_tick)
        panel.setMRMLScene(self._scene)
        self.results = ResultsView(self.ui, self._on_use)
        self._settings = SettingsView(self.ui, self.logic.settings, self._on_settings)
        self.editing = SegmentEditing(self.ui.editorContainer, self._scene)
        self._batch_view = BatchView(
            self.ui,
            self.batch,
            settings=lambda: self.logic.settings,
            has_packages=self._has_packages,
            on_start=self._timer.start,
        )
        self._connect()
        self._observe_scene()
        self._take_parameters()
        self.logic.scene_loaded()
        self._annotating = self._make_annotating(annotating)
        self.refresh()

    # What Slicer tells the module

    def enter(self) -> None:
        """The reader turns to the module: the models are loaded, if that needs nothing to be installed."""
        self._is_entered = True
        self._take_parameters()
        if not self._packages.missing():
            self.logic.warm_up()
        self.editing.open()
        self._timer.start()
        self.refresh()

    def exit(self) -> None:
        """The reader turns to another module: what runs goes on."""
        self._is_entered = False
        self.editing.close()

    def cleanup(self) -> None:
        """Leaves nothing running and nothing observed."""
        self._timer.stop()
        self.editing.close()
        self._batch_view.cleanup()
        if self._annotating is not None:
            self._annotating.cleanup()
        self._drop_parameters()
        self.removeObservers()
        self.logic.scene_closing()
        self.logic.close()

    # What is shown

    @property
    def session(self) -> Session | None:
        """What is known of the chosen volume."""
        return self.logic.session(self._parameters.inputVolume if self._parameters else None)

    def refresh(self) -> None:
        """Shows the state of the chosen volume."""
        session = self.session
        state = session.state if session is not None else State.EMPTY
        self._show_run(session, state)
        self._show_message(session, state)
        self.results.show(session, max(LEAST_PLOT_PX, self._panel.width - 8))
        self._show_correcting(session, state)
        self._settings.show(self.logic.settings, can_change=not self.logic.is_running)

    def _show_run(self, session: Session | None, state: State) -> None:
        ui, running = self.ui, state is State.RUNNING
        ui.computeButton.visible, ui.cancelButton.visible = not running, running
        ui.computeButton.enabled = session is not None
        again = session is not None and session.result is not None
        ui.computeButton.text = _("Compute BMD again") if again else _("Compute BMD")
        ui.progressFrame.visible = running
        if running:
            stage, fraction = session.progress
            ui.progressBar.value = round(100 * fraction)
            ui.progressLabel.text = wording.progress(stage, fraction)
        facts = wording.acquisition(session.result) if again else ""
        ui.acquisitionLabel.text = facts
        ui.acquisitionLabel.visible = bool(facts)
        ui.acquisitionLabel.styleSheet = ui.researchLabel.styleSheet = f"color: {looks.muted()};"

    def _show_message(self, session: Session | None, state: State) -> None:
        ui = self.ui
        text, severity = wording.message(session, state, self._note)
        ui.messageLabel.text = text
        ui.messageFrame.visible = bool(text)
        ui.messageFrame.setStyleSheet(looks.banner(looks.severity_colour(severity)))
        failure = session.failure if session is not None else ""
        ui.installButton.visible = state is State.FAILED and failure == "packages"
        ui.measureAgainButton.visible = state is State.FAILED and session.run is not None

    def _show_correcting(self, session: Session | None, state: State) -> None:
        ui = self.ui
        can = session is not None and session.segmentation_node is not None and state is not State.RUNNING
        ui.correctSection.enabled = session is not None and session.result is not None and state is not State.RUNNING
        ui.editorContainer.enabled = can
        ui.relabelUpButton.enabled = ui.relabelDownButton.enabled = can
        has_box = session is not None and session.box_node is not None
        ui.showBoxCheckBox.enabled = has_box
        ui.segmentAgainButton.enabled = has_box and session.box_moved and state is not State.RUNNING
        self.editing.show(session)
        if has_box:
            self._nodes.show_box(session, bool(self._parameters.showBox))

    # What the reader does

    def _connect(self) -> None:
        ui = self.ui
        ui.computeButton.connect("clicked(bool)", self._on_compute)
        ui.cancelButton.connect("clicked(bool)", self._on_cancel)
        ui.installButton.connect("clicked(bool)", self._on_install)
        ui.measureAgainButton.connect("clicked(bool)", self._on_measure_again)
        ui.relabelUpButton.connect("clicked(bool)", self._on_relabel_up)
        ui.relabelDownButton.connect("clicked(bool)", self._on_relabel_down)
        ui.segmentAgainButton.connect("clicked(bool)", self._on_segment_again)
        ui.exportButton.connect("clicked(bool)", self._on_export)
        self.logic.changed.connect(self._on_session_changed)
        self.logic.computed.connect(self._on_computed)
        self.logic.noted.connect(self._on_noted)
        self.logic.awake.connect(self._timer.start)

    def _on_tick(self) -> None:
        is_active = self.logic.tick()
        is_active = self.batch.tick() or is_active
        if not is_active and not self._is_entered:
            self._timer.stop()

    def _on_compute(self, checked: bool = False) -> None:
        session = self.session
        question = _("The masks were edited by hand. Computing again replaces them.")
        if self.logic.has_edits(session) and not self._dialogs.confirm(question, _("Compute again?")):
            return
        if self._has_packages():
            self.ui.exportedLabel.text = ""
            self.logic.compute(session)

    def _on_cancel(self, checked: bool = False) -> None:
        self.logic.cancel()

    def _on_install(self, checked: bool = False) -> None:
        if self._has_packages():
            self.logic.compute(self.session)

    def _on_measure_again(self, checked: bool = False) -> None:
        self.logic.measure_again(self.session)

    def _on_use(self, vertebra: str, used: bool) -> None:
        self.logic.use(self.session, vertebra, used)

    def _on_relabel_up(self, checked: bool = False) -> None:
        self._relabel(-1)

    def _on_relabel_down(self, checked: bool = False) -> None:
        self._relabel(+1)

    def _relabel(self, by: int) -> None:
        try:
            self.logic.relabel(self.session, by)
        except BadInput as error:
            self._dialogs.error(str(error))

    def _on_segment_again(self, checked: bool = False) -> None:
        question = _("The masks were edited by hand. Segmenting again replaces them.")
        if self.logic.has_edits(self.session) and not self._dialogs.confirm(question, _("Segment again?")):
            return
        self.logic.segment_again(self.session)

    def _on_export(self, checked: bool = False) -> None:
        session = self.session
        folder = self._dialogs.choose_folder(_("Folder for the result"))
        if folder is None:
            return
        try:
            with slicer.util.WaitCursor():
                files = export.write(folder, session.volume_node.GetName(), self.logic.ct(session), session.run)
        except BadInput as error:
            self._dialogs.error(str(error))
            return
        self.ui.exportedLabel.text = _("{number} files in {folder}").format(number=len(files), folder=folder)

    def _on_settings(self, settings: Settings) -> None:
        self._store.save(settings)
        self.logic.apply(settings)
        self.refresh()

    def _has_packages(self) -> bool:
        """Whether the chain can run, after asking once to install what is missing."""
        missing = self._packages.missing()
        if not missing:
            return True
        names, size = ", ".join(missing), self._packages.size_in_words(missing)
        question = _("Measuring needs Python packages that are not installed yet: {names}. To download: {size}.")
        if not self._dialogs.confirm(question.format(names=names, size=size), _("Install packages?")):
            return False
        try:
            self._packages.install(missing)
        except RuntimeError as error:
            self._dialogs.error(f"{error}\n\n{self._packages.by_hand(missing)}")
            return False
        return not self._packages.missing()

    # What the logic tells

    def _on_session_changed(self, session: Session) -> None:
        if session is self.session:
            self.refresh()

    def _on_computed(self, session: Session) -> None:
        if session is not self.session:
            return
        self._views.show(session.volume_node)
        found = [session.result.vertebrae.get(name) for name in ("L1", "T12", "L2")]
        centre = next((v.centroid_ras_mm for v in found if v is not None and v.centroid_ras_mm is not None), None)
        if centre is not None:
            self._views.centre_on(centre)

    def _on_noted(self, note: str) -> None:
        self._note = note
        self.refresh()

    # The scene

    def _observe_scene(self) -> None:
        events = slicer.vtkMRMLScene
        self.addObserver(self._scene, events.StartCloseEvent, self._on_scene_closing)
        self.addObserver(self._scene, events.EndCloseEvent, self._on_scene_closed)
        self.addObserver(self._scene, events.EndImportEvent, self._on_scene_loaded)
        self.addObserver(self._scene, events.NodeAddedEvent, self._on_node_added)
        self.addObserver(self._scene, events.NodeRemovedEvent, self._on_node_removed)

    def _on_scene_closing(self, caller: Any, event: str) -> None:
        self.logic.scene_closing()
        self._drop_parameters()
        self.refresh()

    def _on_scene_closed(self, caller: Any, event: str) -> None:
        self.editing.scene_closed()
        self._take_parameters()
        self.refresh()

    def _on_scene_loaded(self, caller: Any, event: str) -> None:
        self.logic.scene_loaded()
        self._take_parameters()
        self.refresh()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_added(self, caller: Any, event: str, node: Any) -> None:
        if node.GetClassName() == VOLUME_CLASS and not self._scene.IsBatchProcessing():
            self._choose_first_volume()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_removed(self, caller: Any, event: str, node: Any) -> None:
        if not self._scene.IsClosing():
            self.logic.node_removed(node)
            self.refresh()

    def _take_parameters(self) -> None:
        """The scene's parameters."""
        self._drop_parameters()
        self._parameters = Parameters(self._parameter_node())
        self._choose_first_volume()
        self._gui_tag = self._parameters.connectGui(self.ui)
        self._parameter_tag = self._parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_parameters)

    def _choose_first_volume(self) -> None:
        """Where none is chosen; label maps are volumes too, and no CTs."""
        if self._parameters is None or self._parameters.inputVolume is not None:
            return
        for number in range(self._scene.GetNumberOfNodesByClass(VOLUME_CLASS)):
            node = self._scene.GetNthNodeByClass(number, VOLUME_CLASS)
            if node.GetClassName() == VOLUME_CLASS and not node.GetHideFromEditors():
                self._parameters.inputVolume = node
                return

    def _drop_parameters(self) -> None:
        if self._parameters is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self._parameters.RemoveObserver(self._parameter_tag)
            self._parameters = None

    def _on_parameters(self, caller: Any, event: str) -> None:
        self.ui.exportedLabel.text = ""
        self.refresh()

    # Annotating

    def _make_annotating(self, annotating: Callable[..., Any] | None) -> Any:
        from OpportunisticBMDPanel.annotating import AnnotatingSection, Surroundings
        from OpportunisticBMDPanel.annotating_dicom import subject_of

        around = Surroundings(
            scene=self._scene,
            logic=self.logic,
            dialogs=self._dialogs,
            views=self._views,
            packages=RequiredPackages(Path(self._resource("annotating-requirements.txt"))),
            store=qt.QSettings(),
            header=header_of,
            subject=subject_of,
            current_volume=lambda: self._parameters.inputVolume if self._parameters else None,
            select_volume=self.ui.inputSelector.setCurrentNode,
            models=lambda: self.logic.settings.models,
            use_models=self._use_models,
            python=python_executable(),
        )
        make = annotating or AnnotatingSection
        return make(self.ui.annotatingSection, self._resource("UI/Annotating.ui"), around)

    def _use_models(self, folder: Path) -> None:
        from dataclasses import replace

        self._on_settings(replace(self.logic.settings, models=folder))
