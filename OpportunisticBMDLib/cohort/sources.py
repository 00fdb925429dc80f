"""Where the CTs of a cohort come from."""

from __future__ import annotations

from pathlib import Path

from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.in_archive import cases_archived, is_archive
from OpportunisticBMDLib.cohort.in_folder import cases_in
from OpportunisticBMDLib.cohort.in_list import LISTS, cases_listed
from OpportunisticBMDLib.core.errors import BadInput


def cases_of(source: str) -> list[Case]:
    """The CTs of a folder, a list or an archive.

    Raises:
        BadInput: it is none of these, cannot be read, or has none.
    """
    cases = cases_archived(source) if is_archive(source) else _on_disk(Path(source).absolute())
    if not cases:
        raise BadInput(f"There is no CT in {source}: name a folder of image files, zips or DICOM folders, or a list.")
    return cases


def _on_disk(source: Path) -> list[Case]:
    try:
        return cases_in(source) if source.is_dir() else _listed(source)
    except OSError as error:
        raise BadInput(
            f"{source} cannot be read ({error.strerror or error}); name a folder or a list of CTs."
        ) from error


def _listed(source: Path) -> list[Case]:
    if source.suffix.lower() not in LISTS or not source.exists():
        what = "is neither a folder nor a list of CTs" if source.exists() else "does not exist"
        raise BadInput(f"{source} {what}; name a folder, or a CSV or Parquet file with a column named path.")
    return cases_listed(source)
