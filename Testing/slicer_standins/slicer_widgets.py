# ruff: noqa: N801, N802, N805, N815 - Qt, CTK and Slicer chose these names
"""Slicer's own widgets, as far as the module uses them."""

from __future__ import annotations

from typing import ClassVar
from weakref import WeakSet

import slicer
from PySide6 import QtCore, QtWidgets

from slicer_standins.pythonqt import PythonQt, in_pythonqt_manner


class qMRMLWidget(PythonQt, QtWidgets.QWidget):
    _qt_class = QtWidgets.QWidget
    CPP_SIGNALS = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}  # noqa: RUF012

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = None

    def setMRMLScene(self, scene: slicer.vtkMRMLScene | None) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> slicer.vtkMRMLScene | None:
        return self._scene


class qMRMLNodeComboBox(PythonQt, QtWidgets.QWidget):
    """Chooses a node of the scene; a node that is removed from the scene is not chosen any more."""

    _qt_class = QtWidgets.QWidget
    CPP_SIGNALS = {"currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged"}  # noqa: RUF012

    currentNodeChanged = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene, self._tags, self._ids = None, [], []
        self._options: dict[str, object] = {"noneDisplay": "None", "nodeTypes": [], "showChildNodeTypes": True}
        self._box = QtWidgets.QComboBox()
        self._box.currentIndexChanged.connect(lambda _: self.currentNodeChanged.emit(self.currentNode()))
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)

    def setMRMLScene(self, scene: slicer.vtkMRMLScene | None) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene, self._tags = scene, []
        if scene is not None:
            events = (slicer.vtkMRMLScene.NodeAddedEvent, slicer.vtkMRMLScene.NodeRemovedEvent)
            events += (slicer.vtkMRMLScene.EndCloseEvent, slicer.vtkMRMLScene.EndImportEvent)
            self._tags = [scene.AddObserver(event, lambda caller, name: self._fill()) for event in events]
        self._fill()

    def currentNode(self) -> slicer.vtkMRMLNode | None:
        index = self._box.currentIndex()
        identity = self._ids[index] if 0 <= index < len(self._ids) else ""
        return self._scene.GetNodeByID(identity) if identity and self._scene else None

    def setCurrentNode(self, node: slicer.vtkMRMLNode | None) -> None:
        self.setCurrentNodeID(node.GetID() if node else "")

    def setCurrentNodeID(self, identity: str) -> None:
        self._fill()
        self._box.setCurrentIndex(self._ids.index(identity or "") if (identity or "") in self._ids else 0)

    def _fill(self) -> None:
        known = self._ids[self._box.currentIndex()] if self._ids else None
        nodes = []
        if self._scene is not None:
            for kind in self._options["nodeTypes"]:
                found = self._scene.GetNodesByClass(kind)
                for number in range(found.GetNumberOfItems()):
                    node = found.GetItemAsObject(number)
                    exact = node.IsA(kind) if self._options["showChildNodeTypes"] else node.GetClassName() == kind
                    if exact and not node.GetHideFromEditors():
                        nodes.append(node)
        ids = [""] * bool(self._options.get("noneEnabled")) + [node.GetID() for node in nodes]
        names = [self._options["noneDisplay"]] * bool(self._options.get("noneEnabled"))
        self._box.blockSignals(True)
        self._ids = ids
        self._box.clear()
        self._box.addItems(names + [node.GetName() for node in nodes])
        self._box.setCurrentIndex(ids.index(known) if known in ids else (0 if ids else -1))
        self._box.blockSignals(False)
        now = ids[self._box.currentIndex()] if ids else None
        if now != known and (now or known):
            self.currentNodeChanged.emit(self.currentNode())

    def _option(name: str, kind: type | str) -> QtCore.Property:
        def read(self: qMRMLNodeComboBox) -> object:
            return self._options.get(name, [] if kind == "QStringList" else kind())

        def write(self: qMRMLNodeComboBox, value: object) -> None:
            self._options[name] = list(value) if kind == "QStringList" else value
            self._fill()

        return QtCore.Property(kind, read, write)

    def _current_id(self) -> str:
        node = self.currentNode()
        return node.GetID() if node else ""

    nodeTypes = _option("nodeTypes", "QStringList")
    addEnabled = _option("addEnabled", bool)
    removeEnabled = _option("removeEnabled", bool)
    renameEnabled = _option("renameEnabled", bool)
    editEnabled = _option("editEnabled", bool)
    noneEnabled = _option("noneEnabled", bool)
    showHidden = _option("showHidden", bool)
    showChildNodeTypes = _option("showChildNodeTypes", bool)
    selectNodeUponCreation = _option("selectNodeUponCreation", bool)
    noneDisplay = _option("noneDisplay", str)
    currentNodeID = QtCore.Property(str, _current_id, setCurrentNodeID)


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """A place holder: it chooses as Slicer's does, and paints nothing into a segment.

    What it refuses, or does unasked, and where Slicer shows it, in Modules/Loadable/Segmentations/Widgets/ and there in
    qMRMLSegmentEditorWidget.cxx where no other file is named:

    - installKeyboardShortcuts: keys are shortcuts of the main window. They stay when the
      widget goes, and a key that two editors installed does nothing: installing a second set is refused here.
    - setMRMLSegmentEditorNode: an editor follows every change of its node, so that two on one node act twice: refused.
    - setActiveEffect, setSegmentationNode, setSourceVolumeNode: an error without an editor node; a volume needs masks.
    - setActiveEffectByName: an unknown name ends the active effect without a word: refused here.
    - updateEffectsSectionFromMRML: an effect starts and ends with its name in the editor node, whoever wrote that; the
      views are observed meanwhile, and from `setupViewObservations` on. setMaskingSectionVisible calls this: an error
      without an editor node.
    - updateWidgetFromMRML: nothing is brought up to date while the scene closes or a batch is on, and not without an
      editor node: an effect that ends then ends when the scene is closed.
    - setSegmentationNode: other masks end the active effect. updateWidgetFromSegmentationNode: they select their first
      segment, and the volume that they were drawn on, if they have one already.
    - Resources/UI/qMRMLSegmentEditorWidget.ui: the selector of masks, unlike the volume's, offers no "None", and takes
      the first that come into the scene while it is empty. onSegmentationNodeChanged: the editor node follows it, but
      not in batches. onMRMLSceneEndBatchProcessEvent: after one, such as loading files, it follows both selectors.
    - toggleSourceVolumeIntensityMaskEnabled: the key I limits strokes by HU, whether masking is shown or not.
    - Modules/Scripted/SegmentEditor/SegmentEditor.py: Slicer's own module installs its keys when it is entered, and
      takes them off when it is left.
    """

    EFFECTS = (
        *("Threshold", "Paint", "Draw", "Erase", "Margin", "Hollow", "Smoothing", "Scissors", "Islands"),
        *("Level tracing", "Grow from seeds", "Fill between slices", "Logical operators", "Mask volume"),
    )
    _with_keys: ClassVar[list[qMRMLSegmentEditorWidget]] = []
    _alive: ClassVar[WeakSet[qMRMLSegmentEditorWidget]] = WeakSet()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor_node = self._masks = self._selected_masks = self._selected_volume = None
        self._scene_tags: list[int] = []
        self._node_tag = 0
        self._hidden: set[str] = set()
        self._order: list[str] = list(self.EFFECTS)
        self._effect, self._undo_states, self._unordered = "", 10, True
        self._observes_views = False
        self._alive.add(self)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        label = in_pythonqt_manner(QtWidgets.QLabel)("3D Slicer's Segment Editor appears here: Paint, Erase, Draw, ...")
        label.setObjectName("effectsInHere")
        label.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        label.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        label.setMinimumHeight(64)
        label.setWordWrap(True)
        label.setStyleSheet("border: 1px dashed palette(mid); border-radius: 4px;")
        layout.addWidget(label)

    def setMRMLScene(self, scene: slicer.vtkMRMLScene | None) -> None:
        for tag in self._scene_tags:
            self._scene.RemoveObserver(tag)
        super().setMRMLScene(scene)
        self._scene_tags = []
        self._selected_masks, self._selected_volume = _first_masks(scene), None
        if scene is not None:
            events = slicer.vtkMRMLScene
            self._scene_tags = [
                scene.AddObserver(event, lambda caller, name: self._on_nodes())
                for event in (events.NodeAddedEvent, events.NodeRemovedEvent)
            ] + [scene.AddObserver(events.EndBatchProcessEvent, lambda caller, name: self._on_batch())]
            self._scene_tags.append(scene.AddObserver(events.EndCloseEvent, lambda caller, name: self._update()))

    def setMRMLSegmentEditorNode(self, node: slicer.vtkMRMLSegmentEditorNode | None) -> None:
        if node is self._editor_node:
            return
        if node is not None and any(other._editor_node is node for other in self._alive if other is not self):
            raise RuntimeError("another segment editor widget still follows this editor node")
        if self._editor_node is not None:
            self._editor_node.RemoveObserver(self._node_tag)
        self._editor_node = node
        if node is not None:
            self._node_tag = node.AddObserver("ModifiedEvent", lambda caller, name: self._update())
            self._update()

    def mrmlSegmentEditorNode(self) -> slicer.vtkMRMLSegmentEditorNode | None:
        return self._editor_node

    def setSegmentationNode(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        if node is None and self._editor_node is None:
            return
        self._needs_editor_node()
        if self._editor_node.GetSegmentationNode() is not node:
            self._editor_node.SetAndObserveSegmentationNode(node)
            self.setActiveEffectByName("")

    def setSourceVolumeNode(self, node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        if node is not None:
            self._needs_editor_node()
            if self._editor_node.GetSegmentationNode() is None:
                raise RuntimeError("the segment editor widget has no masks yet: its volume would be lost")
        if self._editor_node is not None and self._editor_node.GetSegmentationNode() is not None:
            self._editor_node.SetAndObserveSourceVolumeNode(node)

    def segmentationNode(self) -> slicer.vtkMRMLSegmentationNode | None:
        return self._selected_masks

    def sourceVolumeNode(self) -> slicer.vtkMRMLScalarVolumeNode | None:
        return self._editor_node.GetSourceVolumeNode() if self._editor_node else None

    def setCurrentSegmentID(self, identity: str) -> None:
        if self._editor_node is not None:
            self._editor_node.SetSelectedSegmentID(identity)

    def currentSegmentID(self) -> str:
        return self._editor_node.GetSelectedSegmentID() or "" if self._editor_node else ""

    def setSegmentationNodeSelectorVisible(self, visible: bool) -> None:
        self._show("segmentation selector", visible)

    def setSourceVolumeNodeSelectorVisible(self, visible: bool) -> None:
        self._show("volume selector", visible)

    def setSpecifyGeometryButtonVisible(self, visible: bool) -> None:
        self._show("geometry button", visible)

    def setMaskingSectionVisible(self, visible: bool) -> None:
        self._needs_editor_node()
        self._show("masking section", visible)

    def setSwitchToSegmentationsButtonVisible(self, visible: bool) -> None:
        self._show("switch button", visible)

    def setAddRemoveSegmentButtonsVisible(self, visible: bool) -> None:
        self._show("add and remove buttons", visible)

    def setEffectNameOrder(self, names: list[str]) -> None:
        _check_effects(*names)
        self._order = list(names)

    def setMaximumNumberOfUndoStates(self, states: int) -> None:
        self._undo_states = states

    def setActiveEffectByName(self, name: str) -> None:
        _check_effects(*[name] * bool(name))
        if self._editor_node is None and not name:
            return
        self._needs_editor_node()
        if name and self._editor_node.GetSegmentationNode() is None:
            raise RuntimeError(f"{name} has no masks to work on")
        self._editor_node.SetActiveEffectName(name)

    def installKeyboardShortcuts(self) -> None:
        self.uninstallKeyboardShortcuts()
        if self._with_keys:
            raise RuntimeError("another segment editor has its keys installed: each key would be ambiguous, and dead")
        self._with_keys.append(self)

    def uninstallKeyboardShortcuts(self) -> None:
        if self in self._with_keys:
            self._with_keys.remove(self)

    def setupViewObservations(self) -> None:
        self._observes_views = True

    def removeViewObservations(self) -> None:
        self._observes_views = False

    @property
    def _shortcuts(self) -> bool:
        return self in self._with_keys

    @classmethod
    def _press(cls, key: str) -> None:
        """A key in the main window: 1 to 9 for an effect, I for masking by HU; nothing where no editor has keys."""
        for editor in cls._with_keys:
            if key == "I":
                editor._editor_node.SetSourceVolumeIntensityMask(not editor._editor_node.GetSourceVolumeIntensityMask())
            else:
                name = editor._order[int(key) - 1]
                editor.setActiveEffectByName("" if editor._effect == name else name)

    def _on_nodes(self) -> None:
        if self._selected_volume is not None and not self._scene.IsNodePresent(self._selected_volume):
            self._selected_volume = None
        if self._selected_masks is None or not self._scene.IsNodePresent(self._selected_masks):
            self._selected_masks = _first_masks(self._scene)
            if self._editor_node is not None and not self._scene.IsBatchProcessing():
                self.setSegmentationNode(self._selected_masks)

    def _on_batch(self) -> None:
        if self._editor_node is not None:
            self.setSegmentationNode(self._selected_masks)
        if self._selected_masks is not None:
            self.setSourceVolumeNode(self._selected_volume)
        self._update()

    def _update(self) -> None:
        """The widget shows what its editor node says."""
        if self._scene is None or self._scene.IsClosing() or self._scene.IsBatchProcessing():
            return
        node = self._editor_node
        if node is None:
            return
        masks = self._selected_masks = node.GetSegmentationNode()
        if masks is not self._masks:
            self._masks = masks
            if masks is not None:
                node.SetAndObserveSourceVolumeNode(masks.GetNodeReference("referenceImageGeometryRef"))
            if masks is not None and masks.GetSegmentation().GetNumberOfSegments():
                node.SetSelectedSegmentID(masks.GetSegmentation().GetNthSegmentID(0))
        if masks is not None:
            self._selected_volume = node.GetSourceVolumeNode()
        effect = node.GetActiveEffectName() or ""
        if effect != self._effect:
            self._effect, self._observes_views = effect, bool(effect)

    def _show(self, part: str, visible: bool) -> None:
        (self._hidden.discard if visible else self._hidden.add)(part)

    def _needs_editor_node(self) -> None:
        if self._editor_node is None:
            raise RuntimeError("the segment editor widget has no editor node yet: its selections would be lost")

    def _get_unordered(self) -> bool:
        return self._unordered

    def _set_unordered(self, visible: bool) -> None:
        self._unordered = visible

    unorderedEffectsVisible = QtCore.Property(bool, _get_unordered, _set_unordered)


def _first_masks(scene: slicer.vtkMRMLScene | None) -> slicer.vtkMRMLSegmentationNode | None:
    return scene.GetFirstNodeByClass("vtkMRMLSegmentationNode") if scene is not None else None


def _check_effects(*names: str) -> None:
    unknown = set(names) - set(qMRMLSegmentEditorWidget.EFFECTS)
    if unknown:
        raise ValueError(f"3D Slicer's Segment Editor has no effect {', '.join(sorted(unknown))}")


WIDGETS = {
    "qMRMLWidget": qMRMLWidget,
    "qMRMLNodeComboBox": qMRMLNodeComboBox,
    "qMRMLSegmentEditorWidget": qMRMLSegmentEditorWidget,
}
