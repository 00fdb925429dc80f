"""The voxels of an image file, exactly as many as its header promises: unpacking stops there."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.headers.header import ImageHeader
from OpportunisticBMDLib.system.files import open_regular

_CHUNK = 2**22
# zlib and gzip cannot pack closer; CT packs 2 to 10 times, a noise-free phantom some hundred times.
_CLOSEST_PACKING = 1032
_MOST_EXPANSION = 500
_SMALL_BYTES = 2**30
_MOST_BYTES = 5 * 2**29  # 1,200 slices of 512 x 512 in double precision
_MOST_TEXT, _MOST_NUMBERS = 64, 2**24  # bytes a number, and numbers


def read_voxels(header: ImageHeader) -> np.ndarray:
    """Values as the header scales them.

    Returns:
        Indexed [i, j, k], or [layer, i, j, k] for several layers; a type of number in the machine's own byte order,
        float32 where integers are scaled.

    Raises:
        BadInput: the file holds fewer or more voxels than its header says, is damaged, or unpacks beyond all measure.
        OSError: it cannot be read, or is no ordinary file.
    """
    block = header.voxels
    _check_promise(header)
    try:
        values = _read_text(header) if block.encoding == "text" else _read_binary(header)
        values = values.astype(block.dtype.newbyteorder("="), copy=False)
        values = _scaled(values, block.slope, block.intercept)
    except MemoryError as error:
        needed = header.byte_count / 2**30
        raise BadInput(f"{header.path} needs {needed:.1f} GiB of memory: free some and try again.") from error
    layers = () if header.layers == 1 else (header.layers,)
    return values.reshape((*layers, *header.size), order="F")


def _check_promise(header: ImageHeader) -> None:
    """The voxels that the header promises against the bytes that are there."""
    block = header.voxels
    if header.byte_count > _MOST_BYTES or (block.encoding == "text" and header.voxel_count > _MOST_NUMBERS):
        raise BadInput(f"{header.path} holds {header.voxel_count} {block.dtype} voxels: export it as 16 bit integers.")
    share = header.voxel_count // len(block.files)
    promised = share * block.dtype.itemsize
    for file in block.files:
        with open_regular(file) as opened:
            there = opened.seek(0, io.SEEK_END) - block.offset
        least, most = {
            "raw": (promised, promised),
            "text": (2 * share - 1, _MOST_TEXT * share),
            "bzip2": (1, np.inf),
        }.get(block.encoding, (promised / _CLOSEST_PACKING, np.inf))
        if share * len(block.files) != header.voxel_count or there < least:
            raise BadInput(_too_few(header, file))
        if there > most:
            raise BadInput(_too_many(header, file))
        if promised > _SMALL_BYTES and promised > _MOST_EXPANSION * there:
            growth = f"{promised // there} times, to {promised / 2**30:.1f} GiB,"
            raise BadInput(
                f"{header.path} would grow {growth} when unpacked: save it as 16 bit integers, if you trust it."
            )


def _too_few(header: ImageHeader, file: Path) -> str:
    return f"{_promise(header, file, 'fewer')}; copy or export it again."


def _too_many(header: ImageHeader, file: Path) -> str:
    return f"{_promise(header, file, 'more')}; copy or export it again."


def _promise(header: ImageHeader, file: Path, compared: str) -> str:
    size = " x ".join(map(str, header.size))
    where = "it" if file == header.path else f"its file {file.name}"
    return f"{header.path} is damaged: {where} holds {compared} than the {size} voxels of its header"


def _read_binary(header: ImageHeader) -> np.ndarray:
    block = header.voxels
    values = np.empty(header.voxel_count, block.dtype)
    share = header.voxel_count // len(block.files)
    for number, file in enumerate(block.files):
        part = values[number * share : (number + 1) * share]
        with open_regular(file) as opened:
            opened.seek(block.offset)
            try:
                stream = _unpacked(opened, block.encoding)
                _skip(stream, block.skipped)
                _fill(part, stream)
                is_more = bool(stream.read(1))  # has gzip verify its checksum
            except EOFError as error:
                raise BadInput(_too_few(header, file)) from error
            except (OSError, zlib.error) as error:
                if getattr(error, "errno", None) is not None:
                    raise  # of the disk; those of gzip and bzip2 have no number
                raise BadInput(f"{header.path} is damaged: its voxels cannot be unpacked; copy it again.") from error
        if is_more:
            raise BadInput(_too_many(header, file))
    return values


def _unpacked(file: BinaryIO, encoding: str) -> BinaryIO:
    """A stream of unpacked bytes; packed ones are read as they are asked for."""
    if encoding == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if encoding == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(file))
    return cast(BinaryIO, io.BufferedReader(_Inflated(file), 2**16)) if encoding == "zlib" else file


class _Inflated(io.RawIOBase):
    """What a zlib or gzip stream unpacks to, no more at once than is asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(2**16)
            unpacked = self._inflate.decompress(packed, len(target))
            if unpacked:
                target[: len(unpacked)] = unpacked
                return len(unpacked)
            if not packed:
                raise EOFError("the packed voxels are cut off")
        return 0


def _skip(stream: BinaryIO, count: int) -> None:
    while count:
        passed = len(stream.read(min(count, _CHUNK)))
        if not passed:
            raise EOFError("the file ends before its voxels")
        count -= passed


def _fill(part: np.ndarray, stream: BinaryIO) -> None:
    target = part.view(np.uint8)
    done = 0
    while done < len(target):
        read = stream.readinto(target[done : done + _CHUNK])  # type: ignore[attr-defined]  # all binary streams have it
        if not read:
            raise EOFError(f"{len(target) - done} bytes are missing")
        done += read


def _read_text(header: ImageHeader) -> np.ndarray:
    share = header.voxel_count // len(header.voxels.files)
    parts = []
    for file in header.voxels.files:
        with open_regular(file) as opened:
            opened.seek(header.voxels.offset)
            words = opened.read().split()
        if len(words) != share:
            raise BadInput((_too_few if len(words) < share else _too_many)(header, file))
        try:
            parts.append(np.array(words, float))
        except ValueError as error:
            raise BadInput(
                f"{header.path} is damaged: it holds text in place of voxels; copy or export it again."
            ) from error
    return np.concatenate(parts)


def _scaled(values: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """As ITK scales: integers become float32, each value is scaled in double precision and rounded once."""
    if (slope, intercept) == (1.0, 0.0):
        return values
    scaled = values.astype(np.float32) if values.dtype.kind in "iu" else values
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, scaled.size, _CHUNK):
            part = scaled[start : start + _CHUNK]
            part[...] = part.astype(float) * slope + intercept
    return scaled
