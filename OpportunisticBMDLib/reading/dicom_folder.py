"""A folder of DICOM files, of one series or many."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.dicom_header import Excluded, SliceHeader, read_header
from OpportunisticBMDLib.reading.dicom_stack import misplaced_in, read_stack
from OpportunisticBMDLib.reading.selection import best_stack
from OpportunisticBMDLib.reading.slice_stack import SliceStack
from OpportunisticBMDLib.reading.stacking import stacks_of


def read_dicom_folder(folder: Path, series_uid: str | None = None) -> CT:
    """Reads the CT series asked for, or the one that suits best, from all DICOM files below a folder.

    Raises:
        BadInput: no CT series, the series asked for is not there, or it cannot be read rightly.
    """
    slices, others = _headers(folder)
    if not slices and not others:
        raise BadInput(f"{folder} holds no DICOM files: name a folder with a CT, or the image file itself.")
    chosen = [s for s in slices if series_uid in (None, s.series_uid)]
    if not chosen:
        raise BadInput(_why_nothing(folder, slices, others, series_uid))
    return read_stack(_readable(stacks_of(chosen)), str(folder))


def _readable(stacks: Sequence[SliceStack]) -> SliceStack:
    """The best of those without missing slices; the gap is named where all others are too small to matter."""
    whole = [stack for stack in stacks if misplaced_in(stack) is None]
    largest = max(stacks, key=lambda stack: stack.extent_mm)
    if not whole or max(stack.extent_mm for stack in whole) < min(100.0, largest.extent_mm / 2):
        raise BadInput(misplaced_in(largest) or f"{largest.first.path} belongs to no volume.")
    return best_stack(whole)


def _headers(folder: Path) -> tuple[list[SliceHeader], list[Excluded]]:
    headers = [header for path in _files(folder) if (header := read_header(path)) is not None]
    slices = {h.sop_uid: h for h in reversed(headers) if isinstance(h, SliceHeader)}
    return list(slices.values()), [h for h in headers if isinstance(h, Excluded)]


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder in a fixed order, hidden ones and links to folders left out."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if not name.startswith(".") and name != "DICOMDIR")


def _why_nothing(
    folder: Path, slices: Sequence[SliceHeader], others: Sequence[Excluded], series_uid: str | None
) -> str:
    if series_uid is None:
        return f"{folder} holds no CT slices, only {_counted(others)}: name a folder with a CT series."
    asked = [other for other in others if other.series_uid == series_uid]
    if asked:
        return f"Series {series_uid} in {folder} holds no CT slices, only {_counted(asked)}: pick a CT series."
    found = ", ".join(sorted({s.series_uid for s in slices})) or "none"
    return f"{folder} holds no series {series_uid}: the CT series found are {found}."


def _counted(others: Sequence[Excluded]) -> str:
    kinds = Counter(other.kind for other in others)
    first = {kind: next(o.path.name for o in others if o.kind == kind) for kind in kinds}
    return ", ".join(f"{count} x {kind} (e.g. {first[kind]})" for kind, count in sorted(kinds.items()))
