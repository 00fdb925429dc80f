"""Series and frames of reference that an anonymiser named anew for every slice, made one again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from OpportunisticBMDLib.reading.series.dicom_header import SliceHeader
from OpportunisticBMDLib.reading.series.slice_stack import SliceStack

_FEWEST = 3


def with_common_identifiers(slices: Sequence[SliceHeader]) -> list[SliceHeader]:
    """The slices in the same order.

    Where nearly every slice has a series of its own, those are one series that agree in study or frame of reference,
    size, kernel, number and description; where no identifier agrees, they have to lie as the slices of one scan do.
    Where nearly every slice of a series has a frame of reference of its own, none says anything; slices without one
    share that of the others. Whether what is brought together so is one stack is decided by the slices' places.
    """
    uids = _common_series(slices)
    slices = [replace(s, series_uid=uids[k]) if uids[k] != s.series_uid else s for k, s in enumerate(slices)]
    frames = _common_frames(slices)
    return [replace(s, frame_of_reference=frames.get(k, s.frame_of_reference)) for k, s in enumerate(slices)]


def _common_series(slices: Sequence[SliceHeader]) -> list[str]:
    uids = [s.series_uid for s in slices]
    for alike in _grouped(slices, range(len(slices)), lambda s: (s.size, s.kernel, s.series_number, s.description)):
        if not _is_one_each(uids[k] for k in alike):
            continue
        shared = _shared(slices, alike)
        for group in _grouped(slices, alike, shared) if shared else ():
            for k in group:
                uids[k] = min(slices[k].series_uid for k in group)
    return uids


def _shared(slices: Sequence[SliceHeader], alike: Sequence[int]) -> Callable[[SliceHeader], Hashable] | None:
    """What still tells which slices are of one patient: the study, else the frame of reference, else their places."""
    ways: tuple[Callable[[SliceHeader], Hashable], ...] = (lambda s: s.own.study_uid, lambda s: s.frame_of_reference)
    for way in ways:
        values = [way(slices[k]) for k in alike]
        if None not in values and not _is_one_each(values):
            return way
    is_one_scan = SliceStack.sorted_by_position(slices[k] for k in alike).is_regular
    return (lambda s: None) if is_one_scan else None


def _common_frames(slices: Sequence[SliceHeader]) -> dict[int, str | None]:
    """The number of a slice -> the frame of reference that it shares with the others of its series."""
    frames: dict[int, str | None] = {}
    for group in _grouped(slices, range(len(slices)), lambda s: s.series_uid):
        stated = {slices[k].frame_of_reference for k in group} - {None}
        without = [k for k in group if slices[k].frame_of_reference is None]
        if _is_one_each(slices[k].frame_of_reference for k in group):
            frames |= dict.fromkeys(group)
        elif len(stated) == 1 and len(without) < len(group) / 2:
            frames |= dict.fromkeys(without, stated.pop())
    return frames


def _is_one_each(values: Iterable[Hashable]) -> bool:
    values = list(values)
    return len(values) >= _FEWEST and len(set(values)) > len(values) / 2


def _grouped(
    slices: Sequence[SliceHeader], numbers: Iterable[int], key: Callable[[SliceHeader], Hashable]
) -> list[list[int]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for k in numbers:
        groups[key(slices[k])].append(k)
    return list(groups.values())
