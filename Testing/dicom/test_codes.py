"""The codes that this project made: each explained, each with one meaning, each as DICOM can write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from OpportunisticBMDLib.core.reason import ReasonCode
from OpportunisticBMDLib.dicom import codes
from OpportunisticBMDLib.dicom.codes import PRIVATE_SCHEME, Code

PAGE = Path(__file__).parents[2] / "docs" / "dicom.md"
LONGEST_VALUE, LONGEST_MEANING = 16, 64  # PS3.5, 6.2: SH and LO


def codes_in(values: Iterable[object]) -> Iterator[Code]:
    for value in values:
        if isinstance(value, Code):
            yield value
        elif isinstance(value, dict):
            yield from codes_in(value.values())
        elif isinstance(value, tuple):
            yield from codes_in(value)


ALL = list(codes_in(vars(codes).values()))
PRIVATE = [code for code in ALL if code.scheme == PRIVATE_SCHEME]


def test_every_code_is_explained():
    page = PAGE.read_text(encoding="utf-8")
    assert PRIVATE and not [code.value for code in PRIVATE if f"`{code.value}`" not in page]


def test_a_code_has_one_meaning():
    assert len({code.value for code in PRIVATE}) == len(PRIVATE)


def test_dicom_can_write_them():
    assert all(len(code.value) <= LONGEST_VALUE and 0 < len(code.meaning) <= LONGEST_MEANING for code in ALL)
    assert all(len(reason.value) <= LONGEST_MEANING and reason.value.isascii() for reason in ReasonCode)
