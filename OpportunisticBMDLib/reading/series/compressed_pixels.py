"""Compressed pixels of DICOM slices. Decoders in C++ run in processes of their own, which a damaged file may end.

They see a file that holds the compressed pixels and nothing else of what came in.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.reading.series.pixel_element import END
from OpportunisticBMDLib.reading.series.stored_pixels import StoredPixels
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX
from OpportunisticBMDLib.system.processes import end_tree, in_own_group, usable_cores
from OpportunisticBMDLib.system.scratch import Scratch

# A decoder that takes longer than these together, so far, hangs.
_START_S, _SLICE_S = 30.0, 2.0
# Pixels of a scan do not shrink as much as this; small scans may hold nothing.
_MOST_GROWTH, _SMALL_BYTES = 200, 2**28
# While a process starts, another one decodes so many slices; more processes than these would wait for their parent.
_WORTH_A_PROCESS, _MOST_PROCESSES = 32, 8
_EACH = 2  # slices that a process is given at once, so that it need not wait for the next
_KINDS = {np.dtype(kind).str.encode(): np.dtype(kind) for kind in ("|i1", "|u1", "<i2", "<u2", "<i4", "<u4")}
_KIND_LENGTH = 3  # bytes


class Decoders:
    """Decodes slices on all cores, in the order in which they are begun; processes start when they are needed.

    Args:
        slices: how many there will be, at most.
    """

    def __init__(self, slices: int) -> None:
        count = min(usable_cores(), _MOST_PROCESSES, 1 + slices // _WORTH_A_PROCESS)
        self._children: list[_Child | None] = [None] * count
        self._scratch: Scratch | None = None
        self._begun = 0
        self._packed, self._unpacked = 0, 0

    def __enter__(self) -> Decoders:
        return self

    def __exit__(self, *_: object) -> None:
        for child in filter(None, self._children):
            child.end()
        if self._scratch is not None:
            self._scratch.close()

    @property
    def at_once(self) -> int:
        """How many slices may be begun before the first of them is asked for."""
        return _EACH * len(self._children)

    def begin(self, frame: bytes, pixels: StoredPixels) -> Callable[[], np.ndarray]:
        """Has a slice decoded.

        Returns:
            What waits for the stored values and gives them, in order; to be called in the order of `begin`. It raises
            ValueError where the slice is damaged, or compressed in a way that is not known.

        Raises:
            ValueError: damaged.
            OSError: a process cannot be started.
        """
        self._packed, self._unpacked = self._packed + len(frame), self._unpacked + pixels.bytes
        if self._unpacked > max(_SMALL_BYTES, _MOST_GROWTH * self._packed):
            raise ValueError(f"they would grow {self._unpacked // max(self._packed, 1)} times")
        if self._scratch is None:
            self._scratch = Scratch(Path(tempfile.gettempdir()), TEMPORARY_PREFIX)
        file = self._scratch.folder / str(self._begun)
        child = self._next_child(self._scratch.folder)
        _write_minimal(file, frame, pixels)
        child.ask(self._begun, pixels)
        self._begun += 1
        return partial(_answered, child, file, pixels)

    def _next_child(self, folder: Path) -> _Child:
        turn = self._begun % len(self._children)
        child = self._children[turn]
        if child is None:
            child = self._children[turn] = _Child(folder)
        return child


def _answered(child: _Child, file: Path, pixels: StoredPixels) -> np.ndarray:
    stored = child.answer(pixels)
    file.unlink(missing_ok=True)
    if stored is None:
        raise ValueError(f"damaged, or compressed in an unknown way, transfer syntax {pixels.transfer_syntax}")
    return stored


class _Child:
    """One process; `folder` holds the files that it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("decoder.py")), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **in_own_group(),
        )
        self._left_s = _START_S

    def ask(self, number: int, pixels: StoredPixels) -> None:
        """For the file of this number."""
        assert self._process.stdin is not None  # it is a pipe
        with contextlib.suppress(OSError):  # it is gone, and will not answer
            self._process.stdin.write(b"%d %d %d\n" % (number, *pixels.size))
            self._process.stdin.flush()

    def answer(self, pixels: StoredPixels) -> np.ndarray | None:
        """The stored values of the slice that was asked for first; None where it died, or hung and was ended."""
        answers: Any = self._process.stdout
        start = time.monotonic()
        timer = threading.Timer(self._left_s, end_tree, [self._process])
        timer.start()
        try:
            kind = _KINDS.get(answers.read(_KIND_LENGTH))
            if kind is None:
                return None
            stored = np.empty(pixels.size[0] * pixels.size[1], kind)
            return stored if answers.readinto(stored.view(np.uint8)) == stored.nbytes else None
        finally:
            timer.cancel()
            self._left_s += _SLICE_S - (time.monotonic() - start)

    def end(self) -> None:
        end_tree(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _write_minimal(path: Path, frame: bytes, pixels: StoredPixels) -> None:
    """A DICOM file with one compressed frame and what decoding it needs."""
    from pydicom.encaps import encapsulate

    path.write_bytes(_minimal_header(replace(pixels, at=0, part=None)) + encapsulate([frame]) + END + bytes(4))


@lru_cache
def _minimal_header(pixels: StoredPixels) -> bytes:
    """What comes before the fragments: most slices of a scan share it."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, SecondaryCaptureImageStorage

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(pixels.transfer_syntax or "")
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = UID("2.25.1")
    data.Columns, data.Rows = pixels.size
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored = pixels.bits_allocated, pixels.bits_stored
    data.HighBit = pixels.bits_stored - 1
    data.PixelRepresentation = int(pixels.is_signed)
    file = BytesIO()
    data.save_as(file, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return file.getvalue() + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
