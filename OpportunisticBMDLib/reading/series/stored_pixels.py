"""How a DICOM slice's pixels are stored, as its header says, and what the stored numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from OpportunisticBMDLib.reading.series.dicom_file import DicomFile, Part

PIXEL_TAGS = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "RescaleSlope", "RescaleIntercept",
)  # fmt: skip
_NATIVE = (None, "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_MONOCHROME = ("MONOCHROME1", "MONOCHROME2", "")
# More columns or rows than any CT has; a wrong digit could ask for more memory than there is.
_MOST_PIXELS = 4096
_MOST_RESCALE = 1e6


@dataclass(frozen=True)
class StoredPixels:
    """Where and how those of a slice are stored.

    Args:
        at: where the element Pixel Data begins, in the inflated file if `is_deflated`.
        transfer_syntax: its UID; None for pixels as they are.
        bits_allocated, bits_stored, high_bit: DICOM (0028,0100) to (0028,0102).
        part: of the file, where they belong to one of many frames in it; its fragments with their heads if compressed.
        slope, intercept: HU = stored value x slope + intercept.
    """

    at: int
    part: Part | None
    transfer_syntax: str | None
    is_deflated: bool
    is_little_endian: bool
    size: tuple[int, int]
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    slope: float
    intercept: float

    @property
    def is_native(self) -> bool:
        """Whether they are not compressed one by one."""
        return self.transfer_syntax in _NATIVE

    @property
    def dtype(self) -> np.dtype:
        """Of one stored value in the file."""
        order, kind = "<" if self.is_little_endian else ">", "i" if self.is_signed else "u"
        return np.dtype(f"{order}{kind}{self.bits_allocated // 8}")

    @property
    def bytes(self) -> int:
        """Of all pixels, not compressed."""
        return self.size[0] * self.size[1] * self.dtype.itemsize

    def hounsfield(self, stored: np.ndarray) -> np.ndarray:
        """Stored values in HU: whole numbers where slope and intercept are whole, else float64."""
        if self.slope.is_integer() and self.intercept.is_integer():
            largest = abs(self.slope) * 2.0**self.bits_allocated + abs(self.intercept)
            wide = stored.astype(np.int32 if largest < 2**31 else np.int64)
            if self.slope != 1:
                wide *= int(self.slope)
            wide += int(self.intercept)
            return wide
        return stored.astype(np.float64) * self.slope + self.intercept


def stored_pixels(file: DicomFile) -> StoredPixels:
    """Raises ValueError with the words for what is wrong, e.g. "a RescaleSlope of 0"."""
    data = file.data
    allocated = _whole(data, "BitsAllocated")
    stored = _whole(data, "BitsStored", allocated)
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated:
        raise ValueError(f"{stored} bits in {allocated} per pixel")
    if (data.get("RescaleSlope") is None) != (data.get("RescaleIntercept") is None):
        raise ValueError("only one of RescaleSlope and RescaleIntercept")
    slope, intercept = _number(data, "RescaleSlope", 1.0), _number(data, "RescaleIntercept", 0.0)
    if not 0 < abs(slope) < _MOST_RESCALE or not abs(intercept) < _MOST_RESCALE:
        raise ValueError(f"a RescaleSlope of {slope:g} and a RescaleIntercept of {intercept:g}")
    if str(data.get("PhotometricInterpretation") or "").strip() not in _MONOCHROME:
        raise ValueError("colours instead of grey values")
    if file.pixels_at is None:
        raise ValueError("no pixels")
    return StoredPixels(
        at=file.pixels_at,
        part=file.part,
        transfer_syntax=file.transfer_syntax,
        is_deflated=file.is_deflated,
        is_little_endian=file.is_little_endian,
        size=(_size(data, "Columns"), _size(data, "Rows")),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_whole(data, "HighBit", stored - 1),
        is_signed=_whole(data, "PixelRepresentation", 0) == 1,
        slope=slope,
        intercept=intercept,
    )


def _size(data: Any, keyword: str) -> int:
    pixels = _whole(data, keyword)
    if not 1 <= pixels <= _MOST_PIXELS:
        raise ValueError(f"{pixels} {keyword}")
    return pixels


def _whole(data: Any, keyword: str, default: int | None = None) -> int:
    value = data.get(keyword)
    if value is None or value == "":
        if default is None:
            raise ValueError(f"no {keyword}")
        return default
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a {keyword} that is no number") from error


def _number(data: Any, keyword: str, default: float) -> float:
    value = data.get(keyword)
    try:
        return default if value is None or value == "" else float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a {keyword} that is no number") from error
