"""One DICOM file's elements, whatever is wrong with it: nothing is read, unpacked or descended into without a limit."""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Iterator, Mapping, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from OpportunisticBMDLib.system.files import open_regular

DEFLATED = "1.2.840.10008.1.2.1.99"
# More than any header and, where it was deflated, than any slice.
MOST_BYTES = 2**26
_MOST_READS = 2**17  # three an element at most
_MOST_READS_OF_FRAMES = 2**22
_UNDEFINED = 0xFFFFFFFF
_PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_FRAMES = 0x5200  # group of what describes the many frames of one file
_ITEMS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_DEEPEST = 64
_START = 2048  # the file meta information lies here
_KVP = 0x00180060  # some write the voltages of both tubes here
_NUMBERS = ("DS", "FD", "FL", "IS", "SL", "SS", "UL", "US", "US or SS")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
# The slices of a scan have most values in common: so many are kept, up to so many bytes each.
_MOST_KEPT, _LONGEST_KEPT = 4096, 1024


@dataclass(frozen=True)
class Part:
    """So many bytes of a file."""

    start: int
    length: int


@dataclass(frozen=True, eq=False)
class DicomFile:
    """What was read of a file.

    Args:
        data: keyword -> value of the wanted elements, as pydicom gives it.
        broken: keywords of the wanted elements that cannot be understood; `data` is without them.
        transfer_syntax: its UID; None where the file does not say, or was deflated.
        pixels_at: where the element Pixel Data (7FE0,0010) begins, in the inflated file if `is_deflated`; None where
            the file ends before.
        is_little_endian: of all numbers.
        frame: which one of many in it these are the elements of, from 1; None where it has only one.
        part: where the pixels of that frame lie.
        is_too_deep: sequences lie in each other deeper than anything needs; a reader that descends would crash.
    """

    data: Mapping[str, Any]
    broken: tuple[str, ...]
    transfer_syntax: str | None
    pixels_at: int | None
    is_little_endian: bool
    is_deflated: bool
    is_too_deep: bool
    frame: int | None = None
    part: Part | None = None


class DamagedFileError(ValueError):
    """A DICOM file whose elements cannot be told from each other; `start` holds its first bytes."""

    def __init__(self, start: bytes) -> None:
        super().__init__("damaged")
        self.start = start


def has_preamble(path: Path) -> bool:
    """Whether a file begins as DICOM files should (PS3.10, 7.1). Raises OSError where it cannot be read."""
    with open_regular(path) as file:
        return file.read(132)[128:] == b"DICM"


def read_elements(path: Path, keywords: tuple[str, ...]) -> DicomFile | None:
    """Reads those of these elements that the file has, without its pixels; None where the file is not DICOM.

    What describes many frames is read only where it is wanted: else the file ends before.

    Raises:
        OSError: it cannot be opened or is no ordinary file.
        ImportError: pydicom is missing.
        DamagedFileError: damaged.
    """
    with open_regular(path) as file:
        start = file.read(_START)
        if not _is_dicom(start):
            return None
        from pydicom import filereader  # here, because image files can be read where pydicom is missing

        tags, is_deflated = _tags(keywords), DEFLATED.encode() in start
        has_frames = any(tag >> 16 == _FRAMES for tag in tags)
        try:
            with _quiet():
                whole = BytesIO(inflated(file)) if is_deflated else file
                source: Any = _Bounded(whole, _MOST_READS_OF_FRAMES if has_frames else _MOST_READS)
                source.seek(0)
                at_end = _End(source, has_frames)
                data = filereader.read_partial(source, at_end, force=True, specific_tags=list(tags))
                pixels_at = source.tell()
                is_little_endian = bool(data.original_encoding[1])
                values, broken = elements_of(data, keywords)
                syntax = data.file_meta.get("TransferSyntaxUID")
        except Exception as error:  # pydicom raises many kinds on damaged files
            raise DamagedFileError(start) from error
        at_pixels = _begins_with_pixels(source, pixels_at)
    return DicomFile(
        data=values,
        broken=tuple(broken),
        transfer_syntax=str(syntax) if syntax else None,
        pixels_at=pixels_at if at_pixels else None,
        is_little_endian=is_little_endian,
        is_deflated=is_deflated,
        is_too_deep=at_end.is_too_deep,
    )


def inflated(file: BinaryIO) -> bytes:
    """A deflated file's elements, without its file meta information, as explicit little-endian.

    Raises:
        ValueError: damaged, or more than `MOST_BYTES`.
    """
    from pydicom.filereader import read_dataset

    source: Any = _Bounded(file)
    source.seek(0)
    source.seek(132 if source.read(132)[128:] == b"DICM" else 0)
    read_dataset(source, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = unpacking.decompress(file.read(MOST_BYTES), MOST_BYTES)
    except zlib.error as error:
        raise ValueError("damaged") from error
    if not unpacking.eof:
        raise ValueError("cut off or too large")
    return content


def _is_dicom(start: bytes) -> bool:
    """Old archives left out the preamble; such files begin with group 0002 or 0008, the latter in any byte order."""
    little, big = (start[:2] in (b"\x02\x00", b"\x08\x00"), start[:2] == b"\x00\x08")
    is_low = len(start) > 8 and (start[3] == 0 if little else start[2] == 0)  # the groups' first elements
    has_vr = start[4:6].isalpha() and start[4:6].isupper()
    is_short = little and start[6:8] == b"\x00\x00"  # implicit: the length of a value that is no picture
    return start[128:132] == b"DICM" or ((little or big) and is_low and (has_vr or is_short))


def _begins_with_pixels(file: Any, position: int) -> bool:
    file.seek(position)
    return file.read(4) in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")


@cache
def _tags(keywords: tuple[str, ...]) -> dict[Any, str]:
    """pydicom's tag -> keyword."""
    from pydicom.tag import Tag

    return {Tag(keyword): keyword for keyword in keywords}


def elements_of(data: Any, keywords: tuple[str, ...]) -> tuple[dict[str, Any], list[str]]:
    """Has pydicom convert every value of a data set now; the keywords of those that it cannot are told apart."""
    tags, values, broken = _tags(keywords), dict[str, Any](), []
    for tag in filter(tags.__contains__, data.keys()):
        try:
            values[tags[tag]] = _value(data, tag)
        except Exception:  # pydicom raises many kinds
            broken.append(tags[tag])
    return values, broken


def _value(data: Any, tag: Any) -> Any:
    """Any error where there is no value that makes sense."""
    from pydicom.datadict import dictionary_VR
    from pydicom.dataelem import RawDataElement

    raw, vr = data.get_item(tag), dictionary_VR(tag)
    if vr == "SQ":
        return data[tag].value
    if not isinstance(raw, RawDataElement) or " or " in vr:  # what it is depends on other elements
        return _sound(tag, vr, data[tag].value)
    characters = data.original_character_set
    encodings = characters if isinstance(characters, MutableSequence) else filter(None, (characters,))
    converted = _converted if raw.length <= _LONGEST_KEPT else _converted.__wrapped__
    return converted(raw._replace(value_tell=0), vr, tuple(encodings))


@lru_cache(_MOST_KEPT)
def _converted(raw: Any, vr: str, encodings: tuple[str, ...]) -> Any:
    """The same for the same bytes, wherever they lie in a file."""
    from pydicom.dataelem import convert_raw_data_element

    return _sound(raw.tag, vr, convert_raw_data_element(raw, encoding=list(encodings)).value)


def _sound(tag: int, vr: str, value: Any) -> Any:
    """Numbers as numbers, and one where there is one; any error where that cannot be."""
    from pydicom.datadict import dictionary_VM

    written = list(value) if isinstance(value, MutableSequence) else [value]
    if any(isinstance(value, bytes) for value in written):
        raise ValueError("bytes")
    values = [_number(value) for value in written] if vr in _NUMBERS else written
    if len(values) > 1 and tag != _KVP and dictionary_VM(tag) == "1" and vr in (*_NUMBERS, "CS", "UI"):
        if len(set(values)) > 1:
            raise ValueError("several values")
        values = values[:1]
    if values == written:
        return value
    return values if len(values) > 1 else values[0]


def _number(value: Any) -> Any:
    """Texts as numbers, also with a decimal comma; ValueError where it may stand between thousands."""
    if not isinstance(value, str):
        return value
    if _THOUSANDS.fullmatch(value.strip()):
        raise ValueError("a comma of unknown meaning")
    return float(value.replace(",", ".")) if value.strip() else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without pydicom's warnings, which show the file's texts as they are; what matters is said as an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _End:
    """Tells pydicom where to stop: where pixels begin, or what describes many frames, unless it is wanted.

    On the way there it looks into sequences whose length is stated, which pydicom passes over.
    """

    def __init__(self, file: Any, has_frames: bool) -> None:
        self._file, self._has_frames = file, has_frames
        self.is_too_deep = False

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        if vr in ("SQ", None) and 16 * _DEEPEST < length < _UNDEFINED:
            self.is_too_deep |= self._depth() > _DEEPEST
        return tag in _PIXELS or (tag >> 16 == _FRAMES and not self._has_frames)

    def _depth(self) -> int:
        """How many sequences begin in each other here, counted only just beyond what is allowed."""
        place, depth = self._file.tell(), 1
        header = self._file.read(20)  # of the item, and of the first element in it
        while depth <= _DEEPEST and header[:4] in _ITEMS:
            if header[12:14] == b"SQ":
                header = self._file.read(20)
            elif header[16:] in _ITEMS:  # implicit: the element's header was shorter
                header = header[16:] + self._file.read(16)
            else:
                break
            depth += 1
        self._file.seek(place)
        return depth


class _Bounded:
    """A file of which no more is read than a header may need: pydicom believes the lengths that it finds."""

    def __init__(self, file: BinaryIO, most_reads: int = _MOST_READS) -> None:
        self._read, self.seek, self.tell = file.read, file.seek, file.tell
        self._bytes_left, self._reads_left = MOST_BYTES, most_reads

    def read(self, size: int = -1) -> bytes:
        self._bytes_left -= size
        self._reads_left -= 1
        if size < 0 or self._bytes_left < 0 or self._reads_left < 0:
            raise ValueError("longer than any header")
        return self._read(size)
