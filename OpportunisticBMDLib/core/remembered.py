"""What is found out about a volume once, for as long as it is there: edits of masks change no voxel of the CT."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from OpportunisticBMDLib.core.volume import Volume

Asked = ParamSpec("Asked")
Found = TypeVar("Found")


def remembered(find: Callable[Concatenate[Volume, Asked], Found]) -> Callable[Concatenate[Volume, Asked], Found]:
    """The same function, which looks at each volume once for what else it is given; that is hashable and positional.

    Nobody may change its voxels, as nobody does here.
    """
    known: WeakKeyDictionary[Volume, dict[object, Found]] = WeakKeyDictionary()

    @wraps(find)
    def once(volume: Volume, /, *asked: Asked.args, **named: Asked.kwargs) -> Found:
        found = known.setdefault(volume, {})
        if asked not in found:
            found[asked] = find(volume, *asked, **named)
        return found[asked]

    return once
