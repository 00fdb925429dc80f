"""A CT of a cohort: where it lies, and the name under which its results are kept."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from OpportunisticBMDLib.core.standing import Person, Sex

MOST_LETTERS = 100  # of a name, which becomes a folder's
MOST_BYTES = 220  # of it; systems know 255
_SAFE = re.compile(r"[^\W_](?:[\w .+=@-]*[\w+=@-])?")  # in a file name on every system
_DIGEST_LETTERS = 12  # of a million texts no two have the same, but for a chance of 1 in 500


@dataclass(frozen=True)
class Study:
    """A study of an archive.

    Args:
        address: of the archive; it holds no secret.
    """

    address: str
    uid: str


@dataclass(frozen=True)
class Case:
    """A CT to measure.

    Args:
        name: of its folder of results and its row; safe in a file name, and no other CT of the cohort has it.
        source: what is read (see `read_ct`), or fetched.
        series: the DICOM series to measure, where there are several.
        age_years, sex: of the patient, where a list tells them; they count before those of the file.
    """

    name: str
    source: Path | Study
    series: str | None = None
    age_years: int | None = None
    sex: Sex | None = None

    @property
    def person(self) -> Person | None:
        """Whom to look up in the reference curves; None where age or sex was not given."""
        return None if self.age_years is None or self.sex is None else Person(self.age_years, self.sex)


def is_safe(name: str) -> bool:
    """Whether a folder may have this name on every system, and nothing in it leads elsewhere."""
    return _SAFE.fullmatch(name) is not None and len(name) <= MOST_LETTERS and len(name.encode()) <= MOST_BYTES


def safe(name: str) -> str:
    """A name as it is where it is safe, else without what is not, and with a digest by which it stays unique."""
    if is_safe(name):
        return name
    kept = re.sub(r"[^\w.+=@-]+", "_", name).strip("._- ")[: MOST_LETTERS // 2]
    return f"{kept or 'ct'}-{digest(name)}"


def digest(text: str) -> str:
    """Some letters that stand for a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGEST_LETTERS]


def named_twice(names: Sequence[str]) -> set[str]:
    """Those of some names that would share a folder, also where small and capital letters are the same."""
    counts = Counter(name.casefold() for name in names)
    return {name for name in names if counts[name.casefold()] > 1}
