"""A study of an archive measured, and its results sent back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.measuring import measure_file
from OpportunisticBMDLib.pacs.archive import Archive
from OpportunisticBMDLib.pacs.choose import FEWEST_SLICES, ct_series
from OpportunisticBMDLib.pacs.fetch import fetched
from OpportunisticBMDLib.pacs.found import Series
from OpportunisticBMDLib.results.dicom_files import DICOM_FILES, MEASUREMENTS
from OpportunisticBMDLib.results.folder import RESULT
from OpportunisticBMDLib.system.progress import Progress, silent

if TYPE_CHECKING:
    from OpportunisticBMDLib.core.result import Result
    from OpportunisticBMDLib.pipeline import Pipeline

SENDING = "send"


def measure_study(
    archive: Archive,
    study: Sequence[Series],
    pipeline: Pipeline,
    directory: Path,
    place: Path,
    progress: Progress = silent,
) -> Result:
    """Fetches the CT series of a study, measures the one that shows the spine best, and writes its results.

    Args:
        study: all its series.
        directory: see `write_results`.
        place: the folder in which the CT lies meanwhile, hidden.

    Raises:
        ArchiveError: the archive does not send all.
        BadInput: the study holds no CT that can be measured, or the results cannot be written.
        OSError: the place cannot be written.
    """
    wanted = ct_series(archive, study)
    if not wanted:
        raise BadInput(f"The study holds no CT series of {FEWEST_SLICES} slices or more: choose another one.")
    with fetched(place, archive, wanted, progress) as folder:
        try:
            return measure_file(pipeline, folder, directory, as_dicom=True, progress=progress)
        except BadInput as error:
            raise BadInput(_without_place(str(error), folder)) from error.__cause__


def are_measured(directory: Path) -> bool:
    """Whether a folder holds all results: `result.json` is the last to come."""
    return (directory / RESULT).is_file()


def send_results(archive: Archive, directory: Path) -> None:
    """Sends the DICOM objects of a result, the report last: where that is, the others are.

    Raises:
        ArchiveError: the archive refuses one, or cannot be reached.
    """
    files = [*(name for name in DICOM_FILES if name != MEASUREMENTS), MEASUREMENTS]
    archive.send([directory / name for name in files if (directory / name).is_file()])


def _without_place(message: str, folder: Path) -> str:
    """Names files by their place in the study: the hidden folder is gone when this is read."""
    return message.replace(f"{folder}{os.sep}", "").replace(str(folder), "the study")
