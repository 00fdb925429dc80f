"""Which CT the panel shows: the scene's parameters, joined to the widgets."""

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
        ui: the widgets, some of which name a parameter.
        parameter_node: the module's vtkMRMLScriptedModuleNode; made anew for each scene.
        changed: called when a parameter was changed.
    """

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        ui: Any,
        parameter_node: Callable[[], Any],
        changed: Callable[[], None],
    ) -> None:
        self._scene, self._ui, self._parameter_node, self._changed = scene, ui, parameter_node, changed
        self._parameters: Any = None
        self._gui_tag: Any = None
        self._observer_tag: Any = None

    @property
    def node(self) -> Any:
        """The chosen volume, or None."""
        return self._parameters.inputVolume if self._parameters is not None else None

    @property
    def shows_box(self) -> bool:
        """Whether the reader wants to see the localizer's box."""
        return self._parameters is not None and bool(self._parameters.showBox)

    def connect(self) -> None:
        """Takes the scene's parameters, in place of those of an earlier scene."""
        self.disconnect()
        self._parameters = Parameters(self._parameter_node())  # type: ignore[call-arg]  # the wrapper takes the node
        self.choose_first()
        self._gui_tag = self._parameters.connectGui(self._ui)
        self._observer_tag = self._parameters.AddObserver(
            vtk.vtkCommand.ModifiedEvent, lambda caller, event: self._changed()
        )

    def disconnect(self) -> None:
        """Separates the widgets from the parameters, before their scene closes."""
        if self._parameters is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self._parameters.RemoveObserver(self._observer_tag)
            self._parameters = None

    def choose_first(self) -> None:
        """Chooses the first CT where none is chosen; label maps are volumes too, and no CTs."""
        if self._parameters is None or self._parameters.inputVolume is not None:
            return
        for number in range(self._scene.GetNumberOfNodesByClass(VOLUME_CLASS)):
            node = self._scene.GetNthNodeByClass(number, VOLUME_CLASS)
            if node.GetClassName() == VOLUME_CLASS and not node.GetHideFromEditors():
                self._parameters.inputVolume = node
                return
