"""DICOM files of one series or many, in a folder or alone."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.series.common_identifiers import with_common_identifiers
from OpportunisticBMDLib.reading.series.dicom_header import Damaged, Excluded, SliceHeader, read_headers
from OpportunisticBMDLib.reading.series.dicom_stack import read_stack, wrong_in
from OpportunisticBMDLib.reading.series.selection import best_stack
from OpportunisticBMDLib.reading.series.slice_stack import LeftOut, SliceStack
from OpportunisticBMDLib.reading.series.source_slices import SourceSlices
from OpportunisticBMDLib.reading.series.stacking import others_of_series, stacks_of

MOST_FILES = 100_000


@dataclass(frozen=True, eq=False)
class _Found:
    """All DICOM files of a folder."""

    slices: list[SliceHeader]
    others: list[Excluded]
    damaged: list[Damaged]


def read_dicom(path: Path, series_uid: str | None = None, name: str | None = None) -> tuple[CT, SourceSlices]:
    """Reads the CT series asked for, or the one that suits best, from all DICOM files below a folder, or from one file.

    Args:
        name: of what the user asked for, where it is not this path.

    Returns:
        The CT, and the slices that it was read from.

    Raises:
        BadInput: no CT series, the series asked for is not there, or it cannot be read rightly.
    """
    stack = _chosen_stack(path, series_uid)
    slices = SourceSlices.of(stack, path)
    ct = read_stack(stack, str(path), name)
    return CT(ct.volume, replace(ct.acquisition, series_asked=series_uid is not None)), slices


def _chosen_stack(path: Path, series_uid: str | None) -> SliceStack:
    """Files that are no CT, and what cannot be read and does not say that it is a slice of that CT, are left out; links
    to folders are followed."""
    found = _found_in(path)
    if not found.slices and not found.others and not found.damaged:
        raise BadInput(f"{path} holds no DICOM files: name a folder with a CT, or the image file itself.")
    slices = with_common_identifiers(found.slices)
    # The series may have got a common name: what was asked for is the file's own.
    names = {old.series_uid: new.series_uid for old, new in zip(found.slices, slices)}
    chosen = [s for s in slices if series_uid is None or s.series_uid == names.get(series_uid)]
    if not chosen:
        raise BadInput(_why_nothing(path, found, series_uid))
    found = replace(
        found, damaged=[replace(file, series_uid=_common(file.series_uid, names)) for file in found.damaged]
    )
    stacks = [_with_left_out(stack, chosen, found) for stack in stacks_of(chosen)]
    return _readable(stacks, found.damaged)


def _common(series_uid: str | None, names: dict[str, str]) -> str | None:
    """The name of a damaged file's series; None where any may be meant, since each slice had its own."""
    has_renamed = any(old != new for old, new in names.items())
    return names.get(series_uid or "", None if has_renamed else series_uid)


def _with_left_out(stack: SliceStack, slices: Sequence[SliceHeader], found: _Found) -> SliceStack:
    uid = stack.first.series_uid
    others = [
        LeftOut(o.path.name, "file without slices", o.position, o.kind) for o in found.others if o.series_uid == uid
    ]
    unread = [LeftOut(d.path.name, d.kind) for d in found.damaged if d.series_uid in (None, uid)]
    return stack.without([*others_of_series(stack, slices), *others, *unread])


def _readable(stacks: Sequence[SliceStack], damaged: Sequence[Damaged]) -> SliceStack:
    """The best of the whole ones; what is wrong is named where all others are too small to matter."""
    whole = [stack for stack in stacks if _wrong_with(stack, damaged) is None]
    largest = max(stacks, key=lambda stack: (stack.extent_mm, len(stack.slices)))
    if not whole or max(stack.extent_mm for stack in whole) < min(100.0, largest.extent_mm / 2):
        raise BadInput(_wrong_with(largest, damaged) or f"{largest.first.where} belongs to no volume.")
    return best_stack(whole)


def _wrong_with(stack: SliceStack, damaged: Sequence[Damaged]) -> str | None:
    """The sentence that says which of its slices are damaged, missing, too many or astray."""
    of_stack = (file for file in damaged if file.is_slice and file.series_uid in (None, stack.first.series_uid))
    return next((file.why for file in of_stack), None) or wrong_in(stack)


def _found_in(path: Path) -> _Found:
    headers = [header for file in (files_below(path) if path.is_dir() else [path]) for header in read_headers(file)]
    return _Found(
        _without_copies([h for h in headers if isinstance(h, SliceHeader)]),
        [h for h in headers if isinstance(h, Excluded)],
        [h for h in headers if isinstance(h, Damaged)],
    )


def _without_copies(slices: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Without files of one SOP Instance UID, unless they lie at several places: then it tells nothing."""
    places: dict[tuple[str | None, int | None], set[bytes]] = defaultdict(set)
    for s in slices:
        places[s.own.sop_uid, s.frame].add(s.position.tobytes())
    kept, seen = [], set()
    for s in slices:
        uid = s.own.sop_uid, s.frame
        if s.own.sop_uid is None or uid not in seen or len(places[uid]) > 1:
            kept.append(s)
            seen.add(uid)
    return kept


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder in a fixed order, hidden ones left out; no folder twice, and none above it.

    Raises:
        BadInput: they are too many for a CT.
    """
    root, seen, count = Path(os.path.realpath(folder)), set(), 0
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        is_new = real not in seen and (root == Path(real) or not root.is_relative_to(real))
        folders[:] = [name for name in sorted(folders) if is_new and not name.startswith(".")]
        seen.add(real)
        for name in sorted(files) if is_new else ():
            count += 1
            if count > MOST_FILES:
                raise BadInput(f"{folder} holds more than {MOST_FILES} files: name the folder of one CT.")
            if not name.startswith(".") and name != "DICOMDIR":
                yield Path(place, name)


def _why_nothing(path: Path, found: _Found, series_uid: str | None) -> str:
    damaged = [file for file in found.damaged if series_uid in (None, file.series_uid)]
    damaged.sort(key=lambda file: not file.is_slice)
    others = [other for other in found.others if series_uid in (None, other.series_uid)]
    if damaged and (damaged[0].is_slice or not others):
        return damaged[0].why
    if series_uid is None:
        return f"{path} holds no CT slices, only {_counted(others)}: name a folder with a CT series."
    if others:
        return f"Series {series_uid} in {path} holds no CT slices, only {_counted(others)}: pick a CT series."
    uids = ", ".join(sorted({s.series_uid for s in found.slices})) or "none"
    return f"{path} holds no series {series_uid}: the CT series found are {uids}."


def _counted(others: Sequence[Excluded]) -> str:
    kinds = Counter(other.kind for other in others)
    first = {kind: next(o.path.name for o in others if o.kind == kind) for kind in kinds}
    return ", ".join(f"{count} x {kind} (e.g. {first[kind]})" for kind, count in sorted(kinds.items()))
