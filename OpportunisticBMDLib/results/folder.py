"""The output folder: all files of a result appear together, or none does."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.results.dicom_files import DICOM_FILES, FOLDER, write_dicom
from OpportunisticBMDLib.results.json_file import as_json
from OpportunisticBMDLib.system.scratch import Scratch, clear_abandoned

if TYPE_CHECKING:
    from OpportunisticBMDLib.reading.series.source_slices import SourceSlices

RESULT, SEGMENTATION, PREVIEW, REPORT = "result.json", "segmentation.seg.nrrd", "preview.png", "report.html"
STAGING_PREFIX = ".obmd-"  # of the hidden folder in which a result is prepared
# In the order in which they are put into place: a result.json says that all the others are there.
FILES = (*DICOM_FILES, SEGMENTATION, PREVIEW, REPORT, RESULT)


def write_results(
    directory: str | Path,
    ct: CT,
    segmentation: Segmentation | None,
    result: Result,
    slices: SourceSlices | None = None,
) -> Result:
    """Writes result.json, segmentation.seg.nrrd (if there are masks), preview.png and report.html into a folder.

    Everything is prepared in a hidden folder first and moved into place when complete. An earlier result in the folder
    is replaced as a whole; other files there are left alone.

    Args:
        directory: made if need be.
        segmentation: on the CT's grid; None where a refused run has no masks.
        slices: what the CT was read from; given, the result is also written as DICOM objects of their study.

    Returns:
        The result as written: with the time that writing took.

    Raises:
        BadInput: the folder cannot be written, the disk is full, something that is not a file is in the way, or no
            object can refer to the slices.
    """
    directory = Path(directory)
    with _reasons_why_not(directory):
        _check_way(directory)
        if slices is not None and (directory / FOLDER).is_file():
            raise BadInput(f"A file named {FOLDER} is in the way in {directory}; move it or choose another folder.")
        directory.parent.mkdir(parents=True, exist_ok=True)
        with _staging(directory) as staging:
            result = _prepare(staging, ct, segmentation, result, slices)
            _move_into_place(staging, directory)
    return result


def prepare_folder(directory: str | Path) -> None:
    """Finds out before a long run whether results can be written there; removes what a killed run has left.

    Raises:
        BadInput: as `write_results`.
    """
    directory = Path(directory)
    with _reasons_why_not(directory):
        _check_way(directory)
        with _staging(directory):
            pass


def prepare_drawing() -> None:
    """Imports what draws and reads the page's template, which takes longer than drawing: for who can spare the time."""
    from OpportunisticBMDLib.results import preview, report, segmentation_file  # noqa: F401

    report.template()


@contextmanager
def _reasons_why_not(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = error.strerror or str(error)
        raise BadInput(
            f"The results cannot be written to {directory} ({cause}); choose another folder or make room."
        ) from error


def _check_way(directory: Path) -> None:
    first = next(path for path in (directory, *directory.parents) if os.path.lexists(path))
    if not first.is_dir():
        kind = "is a file" if first.exists() else "is a link to nothing"
        which = "which" if first == directory else f"as {first}"
        raise BadInput(f"The results cannot be written to {directory}, {which} {kind}; give a folder.")
    with suppress(FileNotFoundError):
        os.lstat(directory / f"{STAGING_PREFIX}{'x' * 8}" / "old" / SEGMENTATION)  # the longest name of all
    for name in FILES:
        if (directory / name).is_dir():
            raise BadInput(f"A folder named {name} is in the way in {directory}; move it or choose another folder.")


def _staging(directory: Path) -> Scratch:
    """Inside an existing folder, as its parent may be another disk or not writable; else above the new one."""
    for place in (directory, directory.parent):
        clear_abandoned(place, STAGING_PREFIX)
    return Scratch(next(path for path in (directory, *directory.parents) if path.is_dir()), STAGING_PREFIX)


def _prepare(
    staging: Path, ct: CT, segmentation: Segmentation | None, result: Result, slices: SourceSlices | None
) -> Result:
    started = time.perf_counter()
    with _written_meanwhile(segmentation, staging / SEGMENTATION):
        picture = _draw(staging, ct, segmentation, result)
        if slices is not None:
            write_dicom(staging, slices, ct, segmentation, result, picture)
    result = _with_writing_time(result, time.perf_counter() - started)
    text = json.dumps(as_json(result), indent=2, ensure_ascii=False, allow_nan=False)
    (staging / RESULT).write_text(text + "\n", encoding="utf-8")
    return result


@contextmanager
def _written_meanwhile(segmentation: Segmentation | None, path: Path) -> Iterator[None]:
    """Writes the masks, if there are any, while the block draws: packing them leaves Python to others."""
    from OpportunisticBMDLib.results.segmentation_file import write_segmentation

    if segmentation is None:
        yield
        return
    with ThreadPoolExecutor(1) as other:  # it is waited for in any case: nothing is written after this
        writing = other.submit(write_segmentation, segmentation.labels, path)
        yield
    writing.result()


def _draw(staging: Path, ct: CT, segmentation: Segmentation | None, result: Result) -> bytes:
    """Writes the picture and the report; the picture as PNG."""
    # Here, because it is slow to import: whoever writes nothing, or cannot, need not wait for it.
    from OpportunisticBMDLib.results.preview import as_png, draw_preview
    from OpportunisticBMDLib.results.report import render_report

    picture = as_png(draw_preview(ct, segmentation, result))
    (staging / PREVIEW).write_bytes(picture)
    (staging / REPORT).write_text(render_report(result, picture), encoding="utf-8")
    return picture


def _with_writing_time(result: Result, seconds: float) -> Result:
    stages = {name: value for name, value in result.timing_s.items() if name not in ("write", "total")}
    return replace(result, timing_s={**stages, "write": seconds, "total": sum(stages.values()) + seconds})


def _move_into_place(staging: Path, directory: Path) -> None:
    """Replaces the old files by the new ones, and puts the old ones back should a move fail."""
    needed = [directory, *([directory / FOLDER] if (staging / FOLDER).exists() else [])]
    made = [place for place in needed if not place.exists()]
    for place in made:
        place.mkdir()
    old = staging / "old"
    (old / FOLDER).mkdir(parents=True)
    moved, kept = [], []
    try:
        for name in reversed(FILES):
            if os.path.lexists(directory / name):
                os.replace(directory / name, old / name)
                kept.append(name)
        for name in FILES:
            if (staging / name).exists():
                os.replace(staging / name, directory / name)
                moved.append(name)
    except OSError:
        for name in moved:
            os.unlink(directory / name)
        for name in kept:
            os.replace(old / name, directory / name)
        for place in reversed(made):
            place.rmdir()
        raise
    if set(kept) & set(DICOM_FILES):
        with suppress(OSError):  # something else is in it, or new objects
            (directory / FOLDER).rmdir()
