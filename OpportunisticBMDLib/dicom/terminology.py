"""Which vertebra a segment of 3D Slicer stands for: the terminology that is written, and how it is recognized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from OpportunisticBMDLib.dicom.codes import ANATOMICAL_STRUCTURE, VERTEBRA_CODES

# 3D Slicer shows a segment's terminology only together with the names of the lists that it knows.
TYPE_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
REGION_CONTEXT = "Anatomic codes - DICOM master list"
_NO_CODE = "^^"
_TYPE, _REGION = 2, 5  # places in an entry


@dataclass(frozen=True)
class SegmentName:
    """What a segment says that it is.

    Args:
        name: as the user reads it.
        codes: (scheme, value) of its terminology's type and region.
    """

    name: str
    codes: frozenset[tuple[str, ...]]


def entry(vertebra: str) -> str:
    """A segment's "TerminologyEntry" tag as 3D Slicer writes it."""
    category, type_ = ("^".join(code.triple) for code in (ANATOMICAL_STRUCTURE, VERTEBRA_CODES[vertebra]))
    return "~".join((TYPE_CONTEXT, category, type_, _NO_CODE, REGION_CONTEXT, _NO_CODE, _NO_CODE))


def codes_in(terminology: str) -> frozenset[tuple[str, ...]]:
    """The (scheme, value) pairs of type and region in a "TerminologyEntry" tag; none where there are none."""
    parts = [tuple(part.split("^")[:2]) for part in terminology.rstrip("|").split("~")]
    return frozenset(parts[place] for place in (_TYPE, _REGION) if len(parts) > place and all(parts[place]))


def naming(vertebra: str, segments: Sequence[SegmentName]) -> list[int]:
    """The places in `segments` of those that stand for a vertebra: by its name, else by its SNOMED code."""
    named = [place for place, s in enumerate(segments) if s.name.strip().upper() == vertebra]
    return named or [place for place, s in enumerate(segments) if VERTEBRA_CODES[vertebra].triple[:2] in s.codes]
