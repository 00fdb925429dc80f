"""Which slices belong together: one series may hold several acquisitions, phases, kernels and reformats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from itertools import combinations
from typing import TypeVar

import numpy as np

from OpportunisticBMDLib.reading.dicom_header import SliceHeader
from OpportunisticBMDLib.reading.slice_stack import SliceStack

Key = TypeVar("Key", bound=Hashable)

# What may tell apart the acquisitions of a series; scanners differ in which of them they fill, and some count
# every rotation of the tube as an acquisition, so that splitting has to prove itself (see `stacks_of`).
_SPLITS: dict[str, Callable[[SliceHeader], Hashable]] = {
    "acquisition": lambda s: s.acquisition_number,
    "phase": lambda s: s.temporal_position,
    "acquisition time": lambda s: s.acquisition_time,
    "content time": lambda s: s.content_time,
    "tube voltage": lambda s: s.kvp,
    "contrast agent": lambda s: s.contrast_agent,
}


def stacks_of(slices: Iterable[SliceHeader]) -> list[SliceStack]:
    """Groups slices into stacks.

    Slices that differ in series, grid, orientation, kernel or image type never share a stack. Of the other
    differences, the one is used to split a group that leaves the fewest slices in irregular stacks; a group that
    is regular as a whole stays whole.
    """
    return [stack for group in _grouped(slices, _certain_key).values() for stack in _best_split(group)]


def _certain_key(s: SliceHeader) -> Hashable:
    orientation = tuple(np.round(s.axes, 3).ravel() + 0.0)
    spacing = tuple(round(mm, 4) for mm in s.spacing)
    return (s.series_uid, s.frame_of_reference, s.size, spacing, orientation, s.kernel, s.image_type, s.thickness_mm)


def _best_split(group: list[SliceHeader]) -> list[SliceStack]:
    whole = [SliceStack.sorted_by_position(group)]
    splits = [(name,) for name in _SPLITS] + list(combinations(_SPLITS, 2))
    candidates = (whole, *(_split(group, names) for names in splits)) if _badness(whole) else (whole,)
    return min(candidates, key=_badness)


def _split(group: list[SliceHeader], names: tuple[str, ...]) -> list[SliceStack]:
    parts = _grouped(group, lambda s: tuple(_SPLITS[name](s) for name in names))
    keys = sorted(parts, key=lambda key: [(len(str(value)), str(value)) for value in key])
    return [
        SliceStack.sorted_by_position(parts[key], _label(names, key, rank, len(keys)))
        for rank, key in enumerate(keys, 1)
    ]


def _label(names: tuple[str, ...], key: tuple, rank: int, count: int) -> str:
    """E.g. "acquisition 4, one of 3"; what is no short number is told by its rank, since a date may identify."""
    if len(names) == 1 and key[0] is not None and str(key[0]).isdecimal() and len(str(key[0])) < 4:
        return f"{names[0]} {key[0]}, one of {count}"
    return f"{' and '.join(names)} no. {rank} of {count}"


def _badness(stacks: list[SliceStack]) -> int:
    """Number of slices in stacks that are uneven, doubled or too small: a sign of acquisitions that were mixed."""
    return sum(len(stack.slices) for stack in stacks if not stack.is_regular)


def _grouped(slices: Iterable[SliceHeader], key: Callable[[SliceHeader], Key]) -> dict[Key, list[SliceHeader]]:
    groups: dict[Key, list[SliceHeader]] = defaultdict(list)
    for s in slices:
        groups[key(s)].append(s)
    return groups
