"""Scans to compare, from the result.json of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.followup.scan import Scan
from OpportunisticBMDLib.results.json_file import result_from_text
from OpportunisticBMDLib.system.files import open_regular

RESULT = "result.json"
MOST_BYTES = 2**24  # of a result.json; one with a whole spine and its ribs is far smaller


def read_scans(paths: Sequence[Path], days: Sequence[str] = ()) -> list[Scan]:
    """The scans of some results, in the order in which they are named.

    Args:
        paths: of files result.json, or of the folders that hold them.
        days: of the CTs, as many as results, or none: a result may tell the month itself.

    Raises:
        BadInput: a file cannot be read or compared, or is named twice; the days are not as many, or one is no day.
    """
    if days and len(days) != len(paths):
        raise BadInput(f"There are {len(paths)} results and {len(days)} dates; give one for each, in the same order.")
    known: Sequence[str | None] = days or [None] * len(paths)
    scans = [read_scan(path, day) for path, day in zip(paths, known)]
    for (path, one), (other_path, other) in combinations(zip(paths, scans), 2):
        if one.is_of_same_file(other):
            raise BadInput(f"{path} and {other_path} are the same file; name an earlier and a later result.")
    return scans


def read_scan(path: Path, day: str | None = None) -> Scan:
    """The scan of one result.

    Raises:
        BadInput: it cannot be read or compared, or the day is none.
    """
    file = path / RESULT if path.is_dir() else path
    name = (file.absolute().parent if file.name == RESULT else file).name  # the folders above may tell the patient
    result = _read(file)
    place = file.resolve()
    return Scan.of(name, result, place) if day is None else Scan.on(name, result, day, place)


def _read(file: Path) -> Result:
    try:
        with open_regular(file) as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        why = error.strerror or error
        raise BadInput(f"{file} cannot be read ({why}); name a result.json, or a folder that holds one.") from error
    try:
        if len(content) > MOST_BYTES:
            raise BadInput("This is no result.json: it is too large.")
        return result_from_text(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is no result.json; name one that this program wrote.") from error
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from error
