"""Slicer's Segment Editor inside the panel, with an editor node of its own."""

from __future__ import annotations

from typing import Any, Protocol

import slicer

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
        container: a widget with a layout.
        scene: vtkMRMLScene.
        tag: of the editor node; each tag keeps choices of its own.
    """

    def __init__(self, container: Any, scene: slicer.vtkMRMLScene, tag: str = EDITOR_TAG) -> None:
        self._scene, self._tag = scene, tag
        self.editor = slicer.qMRMLSegmentEditorWidget()
        self.editor.setMRMLScene(scene)
        self.editor.setSegmentationNodeSelectorVisible(False)
        self.editor.setSourceVolumeNodeSelectorVisible(False)
        self.editor.setSwitchToSegmentationsButtonVisible(False)
        self.editor.setAddRemoveSegmentButtonsVisible(False)
        self.editor.setEffectNameOrder(list(EFFECTS))
        self.editor.unorderedEffectsVisible = False
        self.editor.setMaximumNumberOfUndoStates(UNDO_STATES)
        container.layout().addWidget(self.editor)
        self._is_open = False

    def show(self, shown: Masked | None) -> None:
        """Takes masks and their volume; L1 unless the reader chose another segment of them."""
        node = shown.segmentation_node if shown is not None else None
        if node is None and self.editor.mrmlSegmentEditorNode() is None:
            return
        self._ensure_editor_node()
        if self.editor.segmentationNode() == node:
            return
        self.editor.setSegmentationNode(node)
        self.editor.setSourceVolumeNode(shown.volume_node if shown is not None and node is not None else None)
        if node is not None:
            segment = node.GetSegmentation().GetSegmentIdBySegmentName("L1")
            if segment:
                self.editor.setCurrentSegmentID(segment)

    def open(self) -> None:
        """Lets effects and keyboard shortcuts work in the views."""
        if not self._is_open:
            self.editor.setupViewObservations()
            self.editor.installKeyboardShortcuts()
            self._is_open = True

    def close(self) -> None:
        """Ends the active effect and the keyboard shortcuts, when the reader turns to something else."""
        if self._is_open:
            self.editor.setActiveEffectByName("")
            self.editor.uninstallKeyboardShortcuts()
            self.editor.removeViewObservations()
            self._is_open = False

    def scene_closed(self) -> None:
        """Forgets the editor node, which went with the scene."""
        self.editor.setMRMLSegmentEditorNode(None)

    def _ensure_editor_node(self) -> None:
        known = self.editor.mrmlSegmentEditorNode()
        if known is not None and self._scene.IsNodePresent(known):
            return
        node = self._scene.GetSingletonNode(self._tag, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.vtkMRMLSegmentEditorNode()
            node.SetSingletonTag(self._tag)
            node = self._scene.AddNode(node)
        self.editor.setMRMLSegmentEditorNode(node)
