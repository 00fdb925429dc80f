"""Series fetched into folders: all that the archive announced, or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.archive import Archive, ArchiveError
from OpportunisticBMDLib.pacs.found import Series
from OpportunisticBMDLib.pacs.inbox import Inbox
from OpportunisticBMDLib.system.progress import Progress, silent
from OpportunisticBMDLib.system.scratch import Scratch, clear_abandoned

SCRATCH_PREFIX = ".fetch-"  # of the hidden folder in which objects arrive
STAGE = "fetch"


def fetch_into(folder: Path, archive: Archive, wanted: Sequence[Series], progress: Progress = silent) -> None:
    """Makes a folder that holds a folder for each series, named after its UID; it appears when it is complete.

    Raises:
        BadInput: the folder is there, or cannot be made.
        ArchiveError: the archive does not send all.
    """
    if os.path.lexists(folder):
        raise BadInput(f"{folder} is there already: name a new folder.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with fetched(folder.parent, archive, wanted, progress) as arrived:
            os.rename(arrived, folder)
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error.strerror or error}.") from error


@contextmanager
def fetched(place: Path, archive: Archive, wanted: Sequence[Series], progress: Progress = silent) -> Iterator[Path]:
    """Fetches series into a hidden folder in a place, which lasts as long as the block.

    Raises:
        ArchiveError: the archive does not send all.
        OSError: the folder cannot be written.
    """
    clear_abandoned(place, SCRATCH_PREFIX)
    with Scratch(place, SCRATCH_PREFIX) as scratch:
        arrived = scratch / "study"
        for number, series in enumerate(wanted):
            progress(STAGE, number / len(wanted))
            _fetch(arrived / series.uid, archive, series)
        yield arrived


def _fetch(folder: Path, archive: Archive, series: Series) -> None:
    inbox = Inbox(folder, archive.instances(series))
    folder.mkdir(parents=True)
    archive.fetch(series, inbox)
    if inbox.missing or not inbox.awaited:
        raise ArchiveError(
            f"Of series {series.uid} {inbox.missing} of {len(inbox.awaited)} objects did not arrive: try again, or "
            "look at the study in the archive."
        )
