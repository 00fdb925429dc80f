"""The pixels of DICOM slices in HU."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from typing import BinaryIO, NoReturn

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import AIR_HU
from OpportunisticBMDLib.reading.series.compressed_pixels import Decoders
from OpportunisticBMDLib.reading.series.dicom_file import inflated
from OpportunisticBMDLib.reading.series.dicom_header import SliceHeader
from OpportunisticBMDLib.reading.series.pixel_element import UNDEFINED, check_end, enter, joined, only_frame
from OpportunisticBMDLib.reading.series.stored_pixels import StoredPixels
from OpportunisticBMDLib.system.files import open_regular

# Compressed pixels that are this many times larger than they were before are no pixels.
_MOST_GROWTH = 2
_LEAST_LIMIT = 2**20


def read_slices(headers: Sequence[SliceHeader]) -> Iterator[np.ndarray]:
    """(rows, columns) of each slice in HU: rescaled with the file's own slope and intercept, padding set to air.

    Raises:
        BadInput: the pixels of a slice are cut off, or cannot be decoded; the first such slice is named.
    """
    compressed = sum(not header.pixels.is_native for header in headers)
    with Decoders(compressed) as decoders:
        begun: deque[Callable[[], np.ndarray]] = deque()
        for header in headers:
            begun.append(_begun(header, decoders))
            if not compressed or len(begun) == decoders.at_once:
                yield begun.popleft()()
        while begun:
            yield begun.popleft()()


def _begun(header: SliceHeader, decoders: Decoders) -> Callable[[], np.ndarray]:
    """Reads what is stored and has it decoded; the plane, or what is wrong with it, is what the function gives."""
    try:
        content, pixels = _content(header), header.pixels
        stored = partial(_native, content, pixels) if pixels.is_native else decoders.begin(content, pixels)
    except (OSError, ValueError) as error:
        stored = partial(_raise, error)
    return partial(_plane, header, stored)


def _raise(error: Exception) -> NoReturn:
    raise error


def _plane(header: SliceHeader, stored: Callable[[], np.ndarray]) -> np.ndarray:
    pixels, (columns, rows) = header.pixels, header.size
    try:
        plane = pixels.hounsfield(stored().reshape(rows, columns))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        how = "" if pixels.is_native else " without compression"
        raise BadInput(
            f"{header.where} has pixels that cannot be read ({why}): export the series again{how}."
        ) from error
    if header.padding:
        low, high = header.padding
        plane[(plane >= low - 1e-3) & (plane <= high + 1e-3)] = AIR_HU
    return plane


def _content(header: SliceHeader) -> bytes:
    """The pixels as they are stored, or the compressed frame: so much as the size of the slice allows."""
    pixels = header.pixels
    most = max(_MOST_GROWTH * pixels.bytes, _LEAST_LIMIT)
    with open_regular(header.path) as file:
        if pixels.part is not None:
            file.seek(pixels.part.start)
            content = file.read(min(pixels.part.length, most))
            return content if pixels.is_native else joined(content)
        source: BinaryIO = BytesIO(inflated(file)) if pixels.is_deflated else file
        length = enter(source, pixels)
        if pixels.is_native:
            if length == UNDEFINED:
                raise ValueError("they are compressed although the header says not")
            content = source.read(min(length, _MOST_GROWTH * pixels.bytes))
            # What follows the last pixel is fill, or less than a row: else the header names another size.
            row = max(2, pixels.bytes // pixels.size[1])
            if length < pixels.bytes or (length - pixels.bytes >= row and content[pixels.bytes :].strip(b"\0")):
                raise ValueError(f"{length} bytes instead of {pixels.bytes}")
            source.seek(length - len(content), 1)
            check_end(source, pixels)
            return content
        content = source.read(most)
        return only_frame(content if length == UNDEFINED else content[:length])


def _native(content: bytes, pixels: StoredPixels) -> np.ndarray:
    if len(content) < pixels.bytes:
        raise ValueError("they are cut off")
    if pixels.bits_allocated == 8 and not pixels.is_little_endian:
        raise ValueError("8 bits per pixel in big-endian words")
    stored = np.frombuffer(content, pixels.dtype, pixels.size[0] * pixels.size[1])
    unused = pixels.bits_allocated - pixels.bits_stored
    if unused == 0:
        return stored
    if pixels.high_bit != pixels.bits_stored - 1:
        return stored >> _bits_below(stored, pixels)
    stored = stored << unused  # what lies above the highest bit are overlays, or copies of the sign
    return stored >> unused


def _bits_below(stored: np.ndarray, pixels: StoredPixels) -> int:
    """Whether the value really ends at the high bit, or was written where it usually is: the data tell.

    Raises:
        ValueError: neither can be.
    """
    below = pixels.high_bit + 1 - pixels.bits_stored
    bound = 2 ** (pixels.bits_stored - pixels.is_signed)
    if stored.min() >= (-bound if pixels.is_signed else 0) and stored.max() < bound:
        return 0
    if pixels.high_bit == pixels.bits_allocated - 1 and not (stored & (2**below - 1)).any():
        return below
    raise ValueError(f"its {pixels.bits_stored} bits do not end at bit {pixels.high_bit}")
