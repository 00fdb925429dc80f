"""What is found out about a volume once, for as long as it is there: edits of masks change no voxel of the CT."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from OpportunisticBMDLib.core.volume import Volume

Found = TypeVar("Found")


def remembered(find: Callable[[Volume], Found]) -> Callable[[Volume], Found]:
    """The same function, which looks at each volume once. Nobody may change its voxels, as nobody does here."""
    known: WeakKeyDictionary[Volume, Found] = WeakKeyDictionary()

    @wraps(find)
    def once(volume: Volume) -> Found:
        if volume not in known:
            known[volume] = find(volume)
        return known[volume]

    return once
