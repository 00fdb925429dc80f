"""Which slices belong together: one series may hold several acquisitions, phases, kernels and reformats."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np

from OpportunisticBMDLib.reading.series.dicom_header import SliceHeader
from OpportunisticBMDLib.reading.series.slice_stack import LeftOut, SliceStack

Key = TypeVar("Key", bound=Hashable)

# What may tell apart the acquisitions of a series; scanners differ in which of them they fill, and some count
# every rotation of the tube as an acquisition, so that splitting has to prove itself (see `stacks_of`).
_SPLITS: dict[str, Callable[[SliceHeader], Hashable]] = {
    "series number": lambda s: s.series_number,
    "acquisition": lambda s: s.acquisition_number,
    "phase": lambda s: s.temporal_position,
    "stack": lambda s: s.stack_id,
    "acquisition time": lambda s: s.acquisition_time,
    "content time": lambda s: s.content_time,
    "tube voltage": lambda s: s.kvp,
    "contrast agent": lambda s: s.contrast_agent,
    "study": lambda s: s.own.study_uid,
}
# What slices that belong together may differ by: the last digits of a header. Over 512 pixels the tolerances of
# spacing and direction are half a pixel.
_SPACING_TOLERANCE = 1e-3  # of the spacing
_DIRECTION_TOLERANCE = 1e-3  # of a cosine
_THICKNESS_TOLERANCE_MM = 0.05
# Image types that tell how a slice came about, not what its values are: a few slices that an archive marked
# otherwise than the rest still belong to it.
_PROVENANCE = {"ORIGINAL", "DERIVED", "PRIMARY", "SECONDARY", "AXIAL", "REFORMATTED", "OTHER", ""}
_MOST_RETYPED = 0.1


def stacks_of(slices: Iterable[SliceHeader]) -> list[SliceStack]:
    """Groups slices into stacks.

    Slices that differ in series, grid, orientation, kernel or image type never share a stack, but for a few of another
    image type that fill the gaps of the rest. Of the other differences, the one is used to split a group that leaves
    the fewest slices in irregular stacks; a group that is regular as a whole stays whole.
    """
    return [stack for alike in _alike(list(slices)) for group in _with_retyped(alike) for stack in _best_split(group)]


def others_of_series(stack: SliceStack, slices: Iterable[SliceHeader]) -> list[LeftOut]:
    """The slices of a stack's series that differ from it in more than the acquisition, and by what."""
    within = {s.key for s in stack.slices}
    others = [s for s in slices if s.series_uid == stack.first.series_uid and s.key not in within]
    found = ((s, difference(stack.first, s)) for s in others)
    return [LeftOut(s.name, f"slice of another {what}", s.position) for s, what in found if what]


def difference(one: SliceHeader, other: SliceHeader) -> str | None:
    """What keeps two slices from sharing a stack, in words; None where nothing does but, maybe, the acquisition."""
    differences = {
        "size": one.size != other.size,
        "pixel spacing": not np.allclose(one.spacing, other.spacing, rtol=_SPACING_TOLERANCE, atol=0),
        "orientation": bool(np.abs(one.axes - other.axes).max() > _DIRECTION_TOLERANCE),
        "thickness": abs(_or(one.thickness_mm, other) - _or(other.thickness_mm, one)) > _THICKNESS_TOLERANCE_MM,
        "kernel": one.kernel != other.kernel,
        "image type": one.image_type != other.image_type,
        "frame of reference": one.frame_of_reference != other.frame_of_reference,
    }
    return " and ".join(name for name, is_there in differences.items() if is_there) or None


def _or(thickness_mm: float | None, other: SliceHeader) -> float:
    return thickness_mm if thickness_mm is not None else other.thickness_mm or 0.0


def _alike(slices: list[SliceHeader]) -> Iterator[list[SliceHeader]]:
    """Slices that surely belong together, but for their image type."""
    usual = _usual_thickness(slices)
    tolerances = [_SPACING_TOLERANCE] * 2 + [_DIRECTION_TOLERANCE] * 6 + [_THICKNESS_TOLERANCE_MM]
    for group in _grouped(slices, lambda s: (s.series_uid, s.frame_of_reference, s.size, s.kernel)).values():
        rows = np.array([[*np.log(s.spacing), *s.axes.ravel(), _thickness(s, usual)] for s in group])
        levels = np.stack([_levels(column, by) for column, by in zip(rows.T, tolerances)], axis=1)
        level = {s.key: tuple(numbers) for s, numbers in zip(group, levels.tolist())}
        yield from _grouped(group, lambda s: level[s.key]).values()  # noqa: B023 - used at once


def _levels(values: np.ndarray, tolerance: float) -> np.ndarray:
    """Numbers the different values: those within a tolerance of the least that has no number yet get the same."""
    numbers, level, least = np.zeros(len(values), int), 0, -np.inf
    for k in np.argsort(values, kind="stable"):
        if values[k] > least + tolerance:
            level, least = level + 1, values[k]
        numbers[k] = level
    return numbers


def _usual_thickness(slices: Sequence[SliceHeader]) -> dict[str, float]:
    """Of each series, mm."""
    stated = _grouped((s for s in slices if s.thickness_mm is not None), lambda s: s.series_uid)
    return {uid: Counter(s.thickness_mm or 0.0 for s in group).most_common(1)[0][0] for uid, group in stated.items()}


def _thickness(s: SliceHeader, usual: dict[str, float]) -> float:
    return s.thickness_mm if s.thickness_mm is not None else usual.get(s.series_uid, 0.0)


def _with_retyped(alike: list[SliceHeader]) -> list[list[SliceHeader]]:
    """One group an image type, but a few slices of another provenance go to the most where they fill its gaps."""
    first, *others = sorted(_grouped(alike, lambda s: s.image_type).values(), key=len, reverse=True)
    apart = []
    for few in others:
        is_few = len(few) <= max(1, _MOST_RETYPED * len(first))
        if is_few and set(first[0].image_type) ^ set(few[0].image_type) <= _PROVENANCE and _fill(few, first):
            first = first + few
        else:
            apart.append(few)
    return [first, *apart]


def _fill(few: list[SliceHeader], most: list[SliceHeader]) -> bool:
    apart = _badness(_best_split(most)) + len(few)
    return _badness(_best_split(most + few)) < apart


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
