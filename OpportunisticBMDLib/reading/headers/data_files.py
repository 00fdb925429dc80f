"""Files of voxels that a header names: they lie beside it or under it. A header that came by mail could name any."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.headers.start import shown

MOST_FILES = 10_000
_PATTERN = re.compile(r"(?P<before>[^%]*)%0?(?P<width>\d?)d(?P<after>[^%]*)")


def data_file(header: Path, name: str) -> Path:
    """The file that a header names.

    Raises:
        BadInput: it is not there or no ordinary file, or lies elsewhere, links followed.
    """
    folder = header.resolve().parent
    try:
        found = (folder / name).resolve()
        inside, there = found.is_relative_to(folder), found.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, a link to itself, a zero in the name
        inside, there = True, False
    if not inside:
        raise BadInput(f"{header} names a file of voxels outside its folder ({shown(name)}): put both into one folder.")
    if not there:
        what = f"a file of voxels that is not there, or no ordinary file ({shown(name)})"
        raise BadInput(f"{header} names {what}: copy it beside its header.")
    return found


def data_files(header: Path, name: str, listed: Sequence[str]) -> tuple[Path, ...]:
    """All files that a header names: one, those of a list, or those of a pattern ("slice%03d.raw 1 90 1").

    Args:
        header: the file that names them.
        name: as it stands in the header; "LIST" where `listed` has the names.
        listed: the lines after it.

    Raises:
        BadInput: as `data_file`, or a list or pattern that cannot be understood.
    """
    words = name.split()
    if words and words[0].upper() == "LIST":
        names = [line.strip() for line in listed if line.strip()]
    elif "%" in name and len(words) > 1:
        names = _numbered(header, words)
    else:
        names = [name]
    if not 0 < len(names) <= MOST_FILES:
        raise BadInput(f"{header} names {len(names)} files of voxels: save the image as one file.")
    return tuple(data_file(header, one) for one in names)


def _numbered(header: Path, words: Sequence[str]) -> list[str]:
    pattern = _PATTERN.fullmatch(words[0])
    try:
        first, last, step = (int(word) for word in (*words[1:4], *("1" * max(0, 4 - len(words)))))
    except ValueError:
        pattern = None
    if pattern is None or step < 1 or not 0 <= last - first < MOST_FILES * step:
        raise BadInput(f"{header} names its files of voxels by a pattern that is none: save the image as one file.")
    before, width, after = pattern.group("before", "width", "after")
    return [f"{before}{number:0{width or 1}d}{after}" for number in range(first, last + 1, step)]
