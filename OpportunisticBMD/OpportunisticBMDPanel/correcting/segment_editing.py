"""Slicer's Segment Editor inside the panel, with an editor node of its own."""

from __future__ import annotations

from typing import Any, Protocol

import slicer
import vtk

from OpportunisticBMDPanel.correcting.editors import Editors

EDITOR_TAG = "OpportunisticBMD"
EFFECTS = ("Paint", "Erase", "Draw", "Scissors", "Islands", "Smoothing", "Grow from seeds", "Margin")
UNDO_STATES = 20


class Masked(Protocol):
    """A volume with its masks: a `Session`, or a case in work."""

    @property
    def volume_node(self) -> Any: ...
    @property
    def segmentation_node(self) -> Any: ...


class SegmentEditing:
    """The editor for the volume that is shown.

    Args:
        container: a widget with a layout; where it is greyed out, nothing can be edited.
        scene: vtkMRMLScene.
        editors: the panel's, of which this becomes one.
        tag: of the editor node; each tag keeps choices of its own.
    """

    def __init__(self, container: Any, scene: slicer.vtkMRMLScene, editors: Editors, tag: str = EDITOR_TAG) -> None:
        self._container, self._scene, self._editors, self._tag = container, scene, editors, tag
        self.editor = slicer.qMRMLSegmentEditorWidget()
        self.editor.setMRMLScene(scene)
        self.editor.setSegmentationNodeSelectorVisible(False)
        self.editor.setSourceVolumeNodeSelectorVisible(False)
        self.editor.setSpecifyGeometryButtonVisible(False)
        self.editor.setSwitchToSegmentationsButtonVisible(False)
        self.editor.setAddRemoveSegmentButtonsVisible(False)
        self.editor.setEffectNameOrder(list(EFFECTS))
        self.editor.unorderedEffectsVisible = False
        self.editor.setMaximumNumberOfUndoStates(UNDO_STATES)
        container.layout().addWidget(self.editor)
        self._is_open = False
        self._shown_id = ""  # of the masks
        self._node: Any = None  # the editor's choices in the scene
        self._observer = 0
        editors.add(self)

    @property
    def can_edit(self) -> bool:
        """Whether there are masks, and the reader may change them now."""
        return self._masks is not None and bool(self._container.enabled)

    def show(self, shown: Masked | None) -> None:
        """Takes masks and their volume; L1 unless the reader chose another segment of them."""
        node = shown.segmentation_node if shown is not None else None
        if node is not None or self._node is not None:
            self._ensure_editor_node()
            self._take(node, shown.volume_node if shown is not None and node is not None else None)
        self._editors.settle()

    def open(self) -> None:
        """Lets effects and keyboard shortcuts work in the views. For `Editors` alone, as `close` is."""
        if not self._is_open:
            self.editor.setupViewObservations()
            self.editor.installKeyboardShortcuts()
            self._is_open = True

    def close(self) -> None:
        """Ends the active effect and the keyboard shortcuts, when the reader turns to something else."""
        if self._node is not None and self._node.GetActiveEffectName():
            self.editor.setActiveEffectByName("")
        if self._is_open:
            self.editor.uninstallKeyboardShortcuts()
            self.editor.removeViewObservations()
            self._is_open = False

    def cleanup(self) -> None:
        """Leaves the editor node to the editor that is made after a reload."""
        self.show(None)
        self._editors.remove(self)
        self._forget_editor_node()
        self.editor.setMRMLScene(None)

    @property
    def _masks(self) -> Any:
        """The segmentation node that is shown; None where the reader deleted it."""
        return self._scene.GetNodeByID(self._shown_id) if self._shown_id else None

    def _take(self, node: Any, volume_node: Any) -> None:
        is_new = node is not self._masks
        self._shown_id = node.GetID() if node is not None else ""
        self.editor.setSegmentationNode(node)
        self.editor.setSourceVolumeNode(volume_node)
        if is_new and node is not None:
            segment = node.GetSegmentation().GetSegmentIdBySegmentName("L1")
            if segment:
                self.editor.setCurrentSegmentID(segment)
            self._editors.use(self)

    def _ensure_editor_node(self) -> None:
        if self._node is not None and self._scene.IsNodePresent(self._node):
            return
        self._forget_editor_node()
        node = self._scene.GetSingletonNode(self._tag, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.vtkMRMLSegmentEditorNode()
            node.SetSingletonTag(self._tag)
            node = self._scene.AddNode(node)
        self._node = node
        self.editor.setMRMLSegmentEditorNode(node)
        self.editor.setMaskingSectionVisible(False)  # an error without an editor node
        self._observer = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: self._on_choice())
        self._on_choice()

    def _forget_editor_node(self) -> None:
        if self._node is not None:
            self._node.RemoveObserver(self._observer)
        self._node = None
        self.editor.setMRMLSegmentEditorNode(None)

    def _on_choice(self) -> None:
        """The reader, a key, a scene that was loaded, or the editor itself chose something."""
        node, masks = self._node, self._masks
        if node.GetSegmentationNode() is not masks:
            # Its hidden selector takes any segmentation that comes into the scene.
            self.editor.setSegmentationNode(masks)
        _unmask(node)
        if node.GetActiveEffectName():
            self._editors.use(self)


def _unmask(node: Any) -> None:
    """Strokes go everywhere: what limits them is hidden, but a key or a scene that was loaded may turn it on."""
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere)
    node.SetSourceVolumeIntensityMask(False)
    node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteAllSegments)
