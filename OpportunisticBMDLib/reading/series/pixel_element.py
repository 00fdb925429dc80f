"""The element Pixel Data (7FE0,0010): where its value lies, and in it each frame (PS3.5, 8.2 and A.4)."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import islice, pairwise
from typing import BinaryIO, Literal

from OpportunisticBMDLib.reading.series.dicom_file import Part
from OpportunisticBMDLib.reading.series.stored_pixels import StoredPixels

UNDEFINED = 0xFFFFFFFF
END = b"\xfe\xff\xdd\xe0"  # tag of the sequence delimitation item; compressed pixels are little-endian
_ITEM = b"\xfe\xff\x00\xe0"
_GROUP_OF_PIXELS = 0x7FE0
_TAIL = 64  # bytes after the pixels that are looked at
_HEAD = 8  # bytes of an item before its value: tag and length
_MOST_FRAGMENTS = 64  # a frame, on the average


def enter(file: BinaryIO, pixels: StoredPixels) -> int:
    """Goes to the first byte of the value and gives its length; UNDEFINED where it lies in fragments."""
    file.seek(pixels.at)
    start = file.read(8)
    has_vr = start[4:6] in (b"OW", b"OB", b"UN")
    return int.from_bytes(file.read(4) if has_vr else start[4:8], _order(pixels))


def check_end(file: BinaryIO, pixels: StoredPixels) -> None:
    """What follows the pixels is another element or fill: else bytes were lost or added before, and all are shifted.

    Raises:
        ValueError: something else follows.
    """
    tail = file.read(_TAIL)
    group = int.from_bytes(tail[:2], _order(pixels))
    if tail.strip(b"\0 \r\n") and group < _GROUP_OF_PIXELS:
        raise ValueError("they do not end where they should")


def frame_parts(file: BinaryIO, pixels: StoredPixels, frames: int) -> list[Part]:
    """Where each of many frames lies: its pixels, or its fragments with their heads.

    Raises:
        ValueError: they are not as many as the header says, or damaged.
    """
    length = enter(file, pixels)
    if not pixels.is_native:
        return _compressed_parts(file, frames)
    parts = _native_parts(file.tell(), length, pixels.bytes, frames)
    file.seek(length, 1)
    check_end(file, pixels)
    return parts


def only_frame(content: bytes) -> bytes:
    """The compressed frame in the value of a file that has one.

    Raises:
        ValueError: damaged, or the end is missing.
    """
    fragments, end = _fragments(content)
    if len(fragments) < 2 or content[end - 4 : end] != END:
        raise ValueError("they are cut off")
    return b"".join(fragments[1:])  # after the offset table


def joined(content: bytes) -> bytes:
    """The compressed frame in its own fragments; ValueError where they are damaged."""
    return b"".join(_fragments(content)[0])


def _order(pixels: StoredPixels) -> Literal["little", "big"]:
    return "little" if pixels.is_little_endian else "big"


def _fragments(content: bytes) -> tuple[list[bytes], int]:
    """And where they end."""
    from pydicom.encaps import generate_fragments

    source = BytesIO(content)
    try:
        return list(generate_fragments(source)), source.tell()
    except ValueError as error:
        raise ValueError("they are damaged, or not compressed as the header says") from error


def _native_parts(start: int, length: int, size: int, frames: int) -> list[Part]:
    if length == UNDEFINED:
        raise ValueError("they are compressed although the header says not")
    if length not in (frames * size, frames * size + 1):  # lengths are even
        raise ValueError(f"{length} bytes instead of {frames * size}")
    return [Part(start + k * size, size) for k in range(frames)]


def _compressed_parts(file: BinaryIO, frames: int) -> list[Part]:
    """A fragment a frame, as with every extended offset table; else by the offsets that the first item tells."""
    items = list(islice(_items(file), 1 + _MOST_FRAGMENTS * frames))
    if len(items) < 2:
        raise ValueError("they are cut off")
    table, fragments = items[0], items[1:]
    starts = [fragment.start for fragment in fragments]
    if len(fragments) != frames:
        file.seek(table.start + _HEAD)
        told = _offsets(file.read(min(table.length - _HEAD, 4 * frames)), table.start + table.length)
        if len(told) != frames or told != sorted(set(told) & set(starts)) or told[0] != starts[0]:
            raise ValueError(f"nothing tells which of {len(fragments)} fragments belong to which of {frames} frames")
        starts = told
    end = fragments[-1].start + fragments[-1].length
    return [Part(start, after - start) for start, after in pairwise([*starts, end])]


def _offsets(table: bytes, first: int) -> list[int]:
    """Where each frame begins in the file."""
    return [first + int.from_bytes(table[k : k + 4], "little") for k in range(0, len(table), 4)]


def _items(file: BinaryIO) -> Iterator[Part]:
    """The items from here on, up to the end of the sequence."""
    while True:
        start, tag, length = file.tell(), file.read(4), int.from_bytes(file.read(4), "little")
        if tag == END:
            return
        if tag != _ITEM or length == UNDEFINED:
            raise ValueError("they are cut off or damaged")
        yield Part(start, _HEAD + length)
        file.seek(length, 1)
