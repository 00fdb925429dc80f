"""The window that radiologists look at bone with, and the way back to what was there."""

from __future__ import annotations

from typing import Any

# Of the spine's bone, as https://radiopaedia.org/articles/windowing-ct lists it.
WIDTH_HU, LEVEL_HU = 1800.0, 400.0


class BoneWindow:
    """Turns a volume's window for bone on and off. Whether it is on is read from the volume: the reader may drag it."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[bool, float, float]] = {}  # by display node: automatic, width and level in HU

    def is_on(self, volume_node: Any) -> bool:
        display = volume_node.GetDisplayNode()
        return display is not None and (display.GetWindow(), display.GetLevel()) == (WIDTH_HU, LEVEL_HU)

    def turn_on(self, volume_node: Any) -> None:
        volume_node.CreateDefaultDisplayNodes()
        display = volume_node.GetDisplayNode()
        automatic = bool(display.GetAutoWindowLevel())
        self._before[display.GetID()] = automatic, display.GetWindow(), display.GetLevel()
        _set(display, False, WIDTH_HU, LEVEL_HU)

    def turn_off(self, volume_node: Any) -> None:
        """Brings back what was there; where that is not known, as after loading a scene, Slicer's automatic window."""
        display = volume_node.GetDisplayNode()
        _set(display, *self._before.pop(display.GetID(), (True, display.GetWindow(), display.GetLevel())))


def _set(display: Any, automatic: bool, width_hu: float, level_hu: float) -> None:
    modified = display.StartModify()
    display.SetAutoWindowLevel(automatic)
    display.SetWindowLevel(width_hu, level_hu)
    display.EndModify(modified)
