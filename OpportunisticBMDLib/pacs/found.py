"""What is looked for in an archive, and what is found there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

_UID = re.compile("[0-9][0-9.]{0,63}")  # laxer than PS3.5, 9.1, as old archives are, and safe as a file's name


@dataclass(frozen=True)
class Asked:
    """Which studies are meant: those to which all that is given applies, and that have a CT."""

    study_uid: str | None = None
    since: date | None = None
    until: date | None = None
    patient_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Study:
    """A study with a CT.

    Args:
        date: as DICOM has it, YYYYMMDD; "" where it is not known.
    """

    uid: str
    date: str


@dataclass(frozen=True)
class Series:
    """A series of a study.

    Args:
        description: as it was typed, which may say who the patient is: never shown.
        instances: how many objects the archive holds of it.
    """

    study_uid: str
    uid: str
    modality: str
    description: str = field(repr=False)
    instances: int


@dataclass(frozen=True)
class Instance:
    """An object of a series; `sop_class` is "" where the archive does not say."""

    uid: str
    sop_class: str


def is_uid(text: str) -> bool:
    """Whether a text may name an object, or a file."""
    return _UID.fullmatch(text) is not None
