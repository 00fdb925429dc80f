"""The studies of an archive that speaks DICOMweb or DIMSE: each is fetched by the process that measures it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from OpportunisticBMDLib.cohort.case import Case, Study, safe
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.address import parsed_address
from OpportunisticBMDLib.pacs.archive import ArchiveError, Asked, Connection
from OpportunisticBMDLib.pacs.choose import ct_series
from OpportunisticBMDLib.pacs.connect import connect
from OpportunisticBMDLib.pacs.fetch import fetched

SCHEMES = ("https://", "http://", "dimse://", "dimse-tls://")
PAUSES_S = (10.0, 60.0)  # before an archive that did not do what it should is asked again


def is_archive(source: str) -> bool:
    """Whether a source is the address of an archive."""
    return source.lower().startswith(SCHEMES)


def cases_archived(address: str) -> list[Case]:
    """All studies with a CT, named by their UIDs.

    Raises:
        BadInput: the address cannot be used, or the archive does not answer.
    """
    where = str(parsed_address(address))  # without a user
    studies = connect(address, Connection()).studies(Asked())
    return [Case(safe(study.uid), Study(where, study.uid)) for study in studies]


@contextmanager
def arrived(study: Study) -> Iterator[Path]:
    """A folder with the CT series of a study, in the system's temporary folder, for as long as the block lasts.

    Raises:
        BadInput: the study has no CT series, or the archive does not send all, though it was asked several times.
    """
    with ExitStack() as stack:
        for pause_s in PAUSES_S:
            try:
                folder = _fetched(study, stack)
                break
            except ArchiveError:
                time.sleep(pause_s)
        else:
            folder = _fetched(study, stack)
        yield folder


def _fetched(study: Study, stack: ExitStack) -> Path:
    archive = connect(study.address, Connection())
    wanted = ct_series(archive, archive.series(study.uid))
    if not wanted:
        raise BadInput("The study holds no CT series with enough slices.")
    return stack.enter_context(fetched(Path(tempfile.gettempdir()), archive, wanted))
