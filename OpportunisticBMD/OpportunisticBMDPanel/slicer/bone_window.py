"""The window that radiologists look at bone with, and the way back to what was there.

Whether it is on is read from the volume: the reader may drag it. What was there before is kept in the volume's display
node, so that it is saved and closed with the scene.
"""

from __future__ import annotations

from typing import Any

# Of the spine's bone, as https://radiopaedia.org/articles/windowing-ct lists it.
WIDTH_HU, LEVEL_HU = 1800.0, 400.0
BEFORE = "OpportunisticBMD.WindowBefore"  # "350 40", in HU; "" where Slicer chose the window by itself


def is_on(volume_node: Any) -> bool:
    display = volume_node.GetDisplayNode()
    return display is not None and (display.GetWindow(), display.GetLevel()) == (WIDTH_HU, LEVEL_HU)


def turn_on(volume_node: Any) -> None:
    volume_node.CreateDefaultDisplayNodes()
    display = volume_node.GetDisplayNode()
    before = "" if display.GetAutoWindowLevel() else f"{display.GetWindow()!r} {display.GetLevel()!r}"
    display.SetAttribute(BEFORE, before)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(WIDTH_HU, LEVEL_HU)


def turn_off(volume_node: Any) -> None:
    """Brings back what was there; where that is not known, Slicer's automatic window."""
    display = volume_node.GetDisplayNode()
    before = display.GetAttribute(BEFORE)
    display.RemoveAttribute(BEFORE)
    if before:
        display.SetWindowLevel(*map(float, before.split()))
    else:
        display.SetAutoWindowLevel(True)
