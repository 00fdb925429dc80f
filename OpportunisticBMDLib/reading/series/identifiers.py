"""By what an archive knows a file: its SOP class and its unique identifiers, as the file itself says them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from OpportunisticBMDLib.reading.facts.header_values import text_of

IDENTIFIER_TAGS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


@dataclass(frozen=True)
class Identifiers:
    """DICOM (0008,0016), (0008,0018), (0020,000D), (0020,000E) and (0020,0052); None where a file does not say."""

    sop_class: str | None
    sop_uid: str | None
    study_uid: str | None
    series_uid: str | None
    frame_of_reference: str | None

    @classmethod
    def of(cls, data: Any) -> Identifiers:
        """Of a header, keyword -> value."""
        return cls(*(text_of(data, keyword) for keyword in IDENTIFIER_TAGS))
