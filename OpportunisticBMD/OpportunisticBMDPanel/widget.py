"""The panel: its sections joined to the logic and to the scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from OpportunisticBMDPanel.batch.runner import Batch
from OpportunisticBMDPanel.batch.view import BatchView
from OpportunisticBMDPanel.comparing.view import ComparingView
from OpportunisticBMDPanel.correcting.editors import Editors
from OpportunisticBMDPanel.correcting.segment_editing import SegmentEditing
from OpportunisticBMDPanel.correcting.steps_view import StepsView
from OpportunisticBMDPanel.correcting.view import CorrectingView
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.measuring.installing_view import InstallingView
from OpportunisticBMDPanel.measuring.openvino_offer import OpenVINOOffer
from OpportunisticBMDPanel.measuring.view import MeasuringView
from OpportunisticBMDPanel.scanners.view import ScannersView
from OpportunisticBMDPanel.session import Session
from OpportunisticBMDPanel.settings.settings import Settings, SettingsStore
from OpportunisticBMDPanel.settings.view import SettingsView
from OpportunisticBMDPanel.slicer.chosen_volume import VOLUME_CLASS, ChosenVolume
from OpportunisticBMDPanel.slicer.dialogs import SlicerDialogs
from OpportunisticBMDPanel.slicer.dicom import header_of
from OpportunisticBMDPanel.slicer.installer import Installer
from OpportunisticBMDPanel.slicer.nodes import Nodes
from OpportunisticBMDPanel.slicer.packages import RequiredPackages
from OpportunisticBMDPanel.slicer.protocols import Dialogs, Packages, Views
from OpportunisticBMDPanel.slicer.python import python_executable
from OpportunisticBMDPanel.slicer.shortcuts import Shortcuts, show_keys
from OpportunisticBMDPanel.slicer.terminology import TERMINOLOGY, load_terminology
from OpportunisticBMDPanel.slicer.views import SlicerViews

TICK_MS = 50


class PanelWidget(VTKObservationMixin):
    """Everything between the reader and the logic.

    Args:
        panel: the widget that was loaded from OpportunisticBMD.ui.
        resource: a file's path in the module's Resources.
        parameter_node: the module's vtkMRMLScriptedModuleNode; made anew for each scene.
        logic, nodes, dialogs, views, packages, faster, dicom, store, batch: collaborators, the real ones where none is
            given.
        annotating: fills the annotating section; `annotating.section.AnnotatingSection` where none is given.
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
        faster: Packages | None = None,
        dicom: Packages | None = None,
        store: SettingsStore | None = None,
        batch: Batch | None = None,
        annotating: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__()
        self.ui = slicer.util.childWidgetVariables(panel)
        self._panel, self._resource = panel, resource
        self._scene = scene or slicer.mrmlScene
        self._store = store or SettingsStore(qt.QSettings())
        self._nodes = nodes or Nodes(self._scene)
        self.logic = logic or PanelLogic(self._nodes, self._store.load(), header=header_of)
        self._dialogs = dialogs or SlicerDialogs()
        self._views = views or SlicerViews(self._scene)
        self._packages = packages or RequiredPackages(Path(resource("requirements.txt")))
        self._faster = faster or RequiredPackages(Path(resource("openvino-requirements.txt")))
        self._dicom = dicom or RequiredPackages(Path(resource("dicom-requirements.txt")))
        self._installer = Installer(self._dialogs)
        self.batch = batch or Batch(python_executable())
        self._volume = ChosenVolume(self._scene, self.ui.inputSelector, parameter_node, self._on_parameters)
        self._is_entered = False
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self._on_tick)
        panel.setMRMLScene(self._scene)
        load_terminology(resource(TERMINOLOGY))
        self._make_sections()
        self._observe_logic()
        self._observe_scene()
        self._volume.connect()
        self.logic.scene_loaded()
        self._annotating = self._make_annotating(annotating)
        self.refresh()

    # What Slicer tells the module

    def enter(self) -> None:
        """The reader turns to the module."""
        self._is_entered = True
        self._volume.connect()
        self._offer.look()
        self.logic.enter()
        self._expect()
        self._editors.enter()
        self._shortcuts.install()
        self._timer.start()
        self.refresh()

    def exit(self) -> None:
        """The reader turns to another module: what runs goes on."""
        self._is_entered = False
        self.logic.leave()
        self._editors.exit()
        self._shortcuts.remove()
        self._views.leave()

    def cleanup(self) -> None:
        """Leaves nothing running and nothing observed."""
        self._timer.stop()
        self._editors.exit()
        self._shortcuts.remove()
        self._views.leave()
        self._batch_view.cleanup()
        if self._annotating is not None:
            self._annotating.cleanup()
        self._volume.disconnect()
        self.removeObservers()
        self.logic.scene_closing()
        self.logic.close()
        self.editing.cleanup()

    # What is shown

    @property
    def session(self) -> Session | None:
        """What is known of the chosen volume."""
        return self.logic.session(self._volume.node)

    def refresh(self) -> None:
        """Shows the state of the chosen volume."""
        session = self.session
        self._offer.show(self.logic.settings, can_install=not self.logic.is_running)
        self._measuring.show(session, self._panel.width)
        self._comparing.show(session, self._panel.width)
        self._correcting.show(session)
        self._steps.show(session)
        self._settings.show(self.logic.settings, can_change=not self.logic.is_running)
        self._scanners.show()

    def _make_sections(self) -> None:
        self._installing = InstallingView(self.ui, self._panel, self._installer)
        self._offer = OpenVINOOffer(
            self.ui, self._installer, self._packages, self._faster, self._store.store, self._on_faster
        )
        self._measuring = MeasuringView(
            self.ui,
            self.logic,
            self._dialogs,
            self._views,
            session=self._chosen_session,
            has_packages=self._has_packages,
            has_mended_packages=self._has_mended_packages,
            has_dicom_packages=lambda: self._installer.has(self._dicom),
        )
        self.results = self._measuring.results
        self._comparing = ComparingView(self.ui, self.logic, self._dialogs, self._chosen_session)
        self._settings = SettingsView(self.ui, self.logic.settings, self._on_settings)
        self._scanners = ScannersView(
            self.ui, self.logic, self._dialogs, session=lambda: self.session, has_packages=self._has_packages
        )
        self._editors = Editors()
        self.editing = SegmentEditing(self.ui.editorContainer, self._scene, self._editors)
        self._correcting = CorrectingView(
            self.ui, self.logic, self._nodes, self._dialogs, self.editing, self._chosen_session
        )
        self._steps = StepsView(self.ui, self.logic, self._dialogs, self._chosen_session)
        self._shortcuts = Shortcuts(self._panel, self._button)
        show_keys(self.ui)
        self._batch_view = BatchView(
            self.ui,
            self.batch,
            settings=lambda: self.logic.settings,
            has_packages=self._has_packages,
            on_start=self._timer.start,
        )

    def _make_annotating(self, annotating: Callable[..., Any] | None) -> Any:
        from OpportunisticBMDPanel.annotating.section import AnnotatingSection
        from OpportunisticBMDPanel.annotating.surroundings import Surroundings
        from OpportunisticBMDPanel.slicer.dicom_subject import subject_of

        around = Surroundings(
            scene=self._scene,
            logic=self.logic,
            dialogs=self._dialogs,
            views=self._views,
            editors=self._editors,
            packages=RequiredPackages(Path(self._resource("annotating-requirements.txt"))),
            installer=self._installer,
            store=qt.QSettings(),
            header=header_of,
            subject=subject_of,
            current_volume=lambda: self._volume.node,
            select_volume=self.ui.inputSelector.setCurrentNode,
            models=lambda: self.logic.settings.models,
            use_models=lambda folder: self._on_settings(replace(self.logic.settings, models=folder)),
            python=python_executable(),
        )
        make = annotating or AnnotatingSection
        return make(self.ui.annotatingSection, self._resource("UI/Annotating.ui"), around)

    def _button(self, name: str) -> Any:
        """Of the panel, or of the annotating section once that was opened; None where it is in neither."""
        return next((getattr(ui, name) for ui in (self.ui, self._annotating.ui) if hasattr(ui, name)), None)

    def _chosen_session(self) -> Session:
        session = self.session
        if session is None:
            raise RuntimeError("no volume is chosen")
        return session

    def _has_packages(self) -> bool:
        return self._installer.has(self._packages)

    def _has_mended_packages(self) -> bool:
        return self._installer.mended(self._packages)

    def _on_faster(self) -> None:
        """A worker that begins now finds the engine that was installed."""
        if not self.logic.is_active:
            self.logic.close()
        self._expect()
        self.refresh()

    def _on_settings(self, settings: Settings) -> None:
        self.logic.apply(settings)
        self._store.save(settings)
        self.refresh()

    # What the logic tells

    def _observe_logic(self) -> None:
        self.logic.changed.connect(self._on_session_changed)
        self.logic.computed.connect(self._on_computed)
        self.logic.noted.connect(self._on_noted)
        self.logic.awake.connect(self._timer.start)

    def _on_tick(self) -> None:
        is_active = self.logic.tick()
        is_active = self.batch.tick() or is_active
        self._measuring.keep_up(self._panel.width)
        self._comparing.fit(self._panel.width)
        if not is_active and not self._is_entered and not self.logic.has_worker:
            self._timer.stop()

    def _expect(self) -> None:
        """With a CT to compute, the models are loaded soon, if that needs nothing to be installed."""
        can_compute = self._is_entered and self._volume.node is not None and not self.logic.has_worker
        if can_compute and not self._installer.is_busy and not self._packages.missing():
            self.logic.expect()

    def _on_session_changed(self, session: Session) -> None:
        if session is self.session:
            self.refresh()

    def _on_computed(self, session: Session) -> None:
        if session is self.session:
            self._measuring.navigation.start(session)

    def _on_noted(self, note: str) -> None:
        self._measuring.note = note
        self.refresh()

    # What the scene tells

    def _observe_scene(self) -> None:
        events = slicer.vtkMRMLScene
        self.addObserver(self._scene, events.StartCloseEvent, self._on_scene_closing)
        self.addObserver(self._scene, events.EndCloseEvent, self._on_scene_closed)
        self.addObserver(self._scene, events.EndImportEvent, self._on_scene_loaded)
        self.addObserver(self._scene, events.NodeAddedEvent, self._on_node_added)
        self.addObserver(self._scene, events.NodeRemovedEvent, self._on_node_removed)

    def _on_scene_closing(self, caller: Any, event: str) -> None:
        self.logic.scene_closing()
        self._views.leave()
        self._volume.disconnect()
        self.refresh()

    def _on_scene_closed(self, caller: Any, event: str) -> None:
        self._volume.connect()
        self.refresh()

    def _on_scene_loaded(self, caller: Any, event: str) -> None:
        self.logic.scene_loaded()
        self._volume.connect()
        self.refresh()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_added(self, caller: Any, event: str, node: Any) -> None:
        if node.GetClassName() == VOLUME_CLASS and not self._scene.IsBatchProcessing():
            self._volume.choose_first()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_removed(self, caller: Any, event: str, node: Any) -> None:
        if not self._scene.IsClosing():
            self.logic.node_removed(node)
            self.refresh()

    def _on_parameters(self) -> None:
        self._expect()
        self.refresh()
