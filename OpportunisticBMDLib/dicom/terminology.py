"""Which vertebra a segment of 3D Slicer stands for: the terminology that is written, and how it is recognized."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from OpportunisticBMDLib.dicom.codes import ANATOMICAL_STRUCTURE, VERTEBRA_CODES

# The list of terms that comes with the module: 3D Slicer's own have no vertebra. Without it, Slicer shows what an entry
# says by itself, and looks for its codes in the lists that it has. Earlier files name another list.
TYPE_CONTEXT = "Segmentation category and type - Opportunistic BMD vertebrae"
REGION_CONTEXT = "Anatomic codes - DICOM master list"
_NO_CODE = "^^"
_TYPE, _REGION = 2, 5  # places in an entry
# How programs and people name vertebrae: T12, Th12, D12 and BWK12 are one (dorsal; Brustwirbelkörper).
_BODY = r"(?:vertebrae?|vertebral?|vert|body|bodies|corpus|wirbel(?:körper|koerper)?|label|segment|seg|mask)"
_REGION_NAME = r"(?P<region>th|t|d|l|bwk|lwk|bw|lw|thoracic|thoracal|dorsal|lumbar)"
_SPELLED = re.compile(rf"(?:{_BODY} )*{_REGION_NAME} ?(?:{_BODY} )*(?P<number>0?[1-9]|1[0-3])(?: {_BODY})*")
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "tenth": 10, "eleventh": 11, "twelfth": 12}
_COUNTED = re.compile(
    rf"(?P<number>(?:0?[1-9]|1[0-3])(?:st|nd|rd|th)?|{'|'.join(_ORDINALS)}) {_REGION_NAME}(?: {_BODY})*"
)


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
    """The places in `segments` of those that stand for a vertebra: by its name, its other spellings, else its code."""
    named = [place for place, s in enumerate(segments) if s.name.strip().upper() == vertebra]
    spelled = named or [place for place, s in enumerate(segments) if spelled_vertebra(s.name) == vertebra]
    return spelled or [place for place, s in enumerate(segments) if VERTEBRA_CODES[vertebra].triple[:2] in s.codes]


def spelled_vertebra(name: str) -> str | None:
    """The vertebra that a name stands for, however it is spelled; None where it says anything else.

    >>> [spelled_vertebra(name) for name in ("Th12", "vertebrae_L1", "LWK 2", "12th thoracic vertebra", "T12-L1 disc")]
    ['T12', 'L1', 'L2', 'T12', None]
    """
    words = re.sub(r"[\s_.:-]+", " ", name).strip().lower()
    found = _SPELLED.fullmatch(words) or _COUNTED.fullmatch(words)
    if not found:
        return None
    region, number = found["region"], _ORDINALS.get(found["number"]) or int(re.sub(r"\D", "", found["number"]))
    return f"{'L' if region.startswith('l') else 'T'}{number}"
