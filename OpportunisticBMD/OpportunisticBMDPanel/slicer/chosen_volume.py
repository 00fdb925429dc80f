"""Which CT the panel shows: the scene's parameters, joined to the box that chooses it.

Not by the parameters' `connectGui`: Slicer 5.10 leaves an observer behind when that is undone, and crashes at the next
change of the node once Python has cleared the observer away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk

from OpportunisticBMDPanel.slicer.parameters import Parameters

VOLUME_CLASS = "vtkMRMLScalarVolumeNode"


class ChosenVolume:
    """The parameters of one scene after another.

    Args:
        selector: the box, a qMRMLNodeComboBox.
        parameter_node: the module's vtkMRMLScriptedModuleNode; made anew for each scene.
        changed: called when a parameter was changed.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        selector: Any,
        parameter_node: Callable[[], Any],
        changed: Callable[[], None],
    ) -> None:
        self._scene, self._selector, self._parameter_node, self._changed = scene, selector, parameter_node, changed
        self._parameters: Any = None
        self._observer_tag: Any = None

    @property
    def node(self) -> Any:
        """The chosen volume, or None."""
        return self._parameters.inputVolume if self._parameters is not None else None

    def connect(self) -> None:
        """Takes the scene's parameters, in place of those of an earlier scene."""
        self.disconnect()
        self._parameters = Parameters(self._parameter_node())  # type: ignore[call-arg]  # the wrapper takes the node
        self.choose_first()
        self._show()
        self._selector.connect("currentNodeChanged(vtkMRMLNode*)", self._on_chosen)
        self._observer_tag = self._parameters.AddObserver(
            vtk.vtkCommand.ModifiedEvent, lambda caller, event: self._on_modified()
        )

    def disconnect(self) -> None:
        """Separates the box from the parameters, before their scene closes."""
        if self._parameters is not None:
            self._selector.disconnect("currentNodeChanged(vtkMRMLNode*)", self._on_chosen)
            self._parameters.RemoveObserver(self._observer_tag)
            self._parameters = None

    def _on_chosen(self, node: Any) -> None:
        self._parameters.inputVolume = node

    def _on_modified(self) -> None:
        self._show()
        self._changed()

    def _show(self) -> None:
        """Shows the parameter in the box, which does not answer: it knows no nodes that are hidden."""
        was_blocked = self._selector.blockSignals(True)
        self._selector.setCurrentNode(self._parameters.inputVolume)
        self._selector.blockSignals(was_blocked)

    def choose_first(self) -> None:
        """Chooses the first CT where none is chosen; label maps are volumes too, and no CTs."""
        if self._parameters is None or self._parameters.inputVolume is not None:
            return
        for number in range(self._scene.GetNumberOfNodesByClass(VOLUME_CLASS)):
            node = self._scene.GetNthNodeByClass(number, VOLUME_CLASS)
            if node.GetClassName() == VOLUME_CLASS and not node.GetHideFromEditors():
                self._parameters.inputVolume = node
                return
