# ruff: noqa: N801, N802, N805, N815 - Qt, CTK and Slicer chose these names
"""Slicer's own widgets, as far as the module uses them."""

from __future__ import annotations

import slicer
from PySide6 import QtCore, QtWidgets

from slicer_standins.pythonqt import PythonQt


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
    """A place holder: it remembers what it was told, and paints nothing into a segment."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor_node = None
        self._hidden: set[str] = set()
        self._order: list[str] = []
        self._effect, self._undo_states, self._unordered = "", 10, True
        self._shortcuts = self._observes_views = False
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        label = QtWidgets.QLabel("3D Slicer's Segment Editor appears here: Paint, Erase, Draw, Undo, ...")
        label.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        label.setMinimumHeight(64)
        label.setWordWrap(True)
        label.setStyleSheet("color: #5c6875; border: 1px dashed #b9c1ca; border-radius: 4px;")
        layout.addWidget(label)

    def setMRMLSegmentEditorNode(self, node: slicer.vtkMRMLSegmentEditorNode | None) -> None:
        self._editor_node = node

    def mrmlSegmentEditorNode(self) -> slicer.vtkMRMLSegmentEditorNode | None:
        return self._editor_node

    def setSegmentationNode(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        self._needs_editor_node()
        self._editor_node.SetAndObserveSegmentationNode(node)
        if node is not None and node.GetSegmentation().GetNumberOfSegments():
            self._editor_node.SetSelectedSegmentID(node.GetSegmentation().GetNthSegmentID(0))

    def setSourceVolumeNode(self, node: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        self._needs_editor_node()
        self._editor_node.SetAndObserveSourceVolumeNode(node)

    def segmentationNode(self) -> slicer.vtkMRMLSegmentationNode | None:
        return self._editor_node.GetSegmentationNode() if self._editor_node else None

    def sourceVolumeNode(self) -> slicer.vtkMRMLScalarVolumeNode | None:
        return self._editor_node.GetSourceVolumeNode() if self._editor_node else None

    def setCurrentSegmentID(self, identity: str) -> None:
        self._needs_editor_node()
        self._editor_node.SetSelectedSegmentID(identity)

    def currentSegmentID(self) -> str:
        return self._editor_node.GetSelectedSegmentID() or "" if self._editor_node else ""

    def setSegmentationNodeSelectorVisible(self, visible: bool) -> None:
        self._show("segmentation selector", visible)

    def setSourceVolumeNodeSelectorVisible(self, visible: bool) -> None:
        self._show("volume selector", visible)

    def setSwitchToSegmentationsButtonVisible(self, visible: bool) -> None:
        self._show("switch button", visible)

    def setAddRemoveSegmentButtonsVisible(self, visible: bool) -> None:
        self._show("add and remove buttons", visible)

    def setEffectNameOrder(self, names: list[str]) -> None:
        self._order = list(names)

    def setMaximumNumberOfUndoStates(self, states: int) -> None:
        self._undo_states = states

    def setActiveEffectByName(self, name: str) -> None:
        self._effect = name

    def installKeyboardShortcuts(self) -> None:
        self._shortcuts = True

    def uninstallKeyboardShortcuts(self) -> None:
        self._shortcuts = False

    def setupViewObservations(self) -> None:
        self._observes_views = True

    def removeViewObservations(self) -> None:
        self._observes_views = False

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


WIDGETS = {
    "qMRMLWidget": qMRMLWidget,
    "qMRMLNodeComboBox": qMRMLNodeComboBox,
    "qMRMLSegmentEditorWidget": qMRMLSegmentEditorWidget,
}
