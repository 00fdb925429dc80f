"""Compressed pixels of DICOM slices. Decoders in C++ run in a process of their own, which a damaged file may end.

They see a file that holds the compressed pixels and nothing else of what came in.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from io import BytesIO
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.reading.series.stored_pixels import StoredPixels
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX
from OpportunisticBMDLib.system.processes import end_tree, finding, in_own_group
from OpportunisticBMDLib.system.scratch import Scratch

_END = b"\xfe\xff\xdd\xe0"  # tag of the sequence delimitation item
# A decoder that takes longer than these together, so far, hangs.
_START_S, _SLICE_S = 30.0, 2.0
# Pixels of a scan do not shrink as much as this; small scans may hold nothing.
_MOST_GROWTH, _SMALL_BYTES = 200, 2**28
_LIBRARY = Path(__file__).resolve().parents[3]


class Decoder:
    """Decodes one slice after another; the child process is started with the first."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._scratch: Scratch | None = None
        self._left_s = _START_S
        self._packed, self._unpacked = 0, 0

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            end_tree(self._child)
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        if self._scratch is not None:
            self._scratch.close()

    def stored(self, content: bytes, pixels: StoredPixels) -> np.ndarray:
        """The stored values of a slice, in order.

        Args:
            content: of the element Pixel Data: one frame in fragments.

        Raises:
            ValueError: damaged, or compressed in a way that is not known.
            OSError: the child process cannot be started.
        """
        frame = _frame(content)
        self._packed, self._unpacked = self._packed + len(frame), self._unpacked + pixels.bytes
        if self._unpacked > max(_SMALL_BYTES, _MOST_GROWTH * self._packed):
            raise ValueError(f"they would grow {self._unpacked // max(self._packed, 1)} times")
        child, path = self._running()
        try:
            _write_minimal(path, frame, pixels)
            answer = self._asked(child, pixels)
        finally:
            path.unlink(missing_ok=True)
        if len(answer) != 4 * pixels.size[0] * pixels.size[1]:
            raise ValueError(f"damaged, or compressed in an unknown way, transfer syntax {pixels.transfer_syntax}")
        return np.frombuffer(answer, "<i4")

    def _asked(self, child: subprocess.Popen[bytes], pixels: StoredPixels) -> bytes:
        """What the child answers; less than all pixels where it died, or hung and was ended."""
        assert child.stdin is not None and child.stdout is not None  # both are pipes
        start = time.monotonic()
        timer = threading.Timer(self._left_s, end_tree, [child])
        timer.start()
        try:
            child.stdin.write(b"%d %d\n" % pixels.size)
            child.stdin.flush()
            return child.stdout.read(4 * pixels.size[0] * pixels.size[1])
        except OSError:  # it is gone
            return b""
        finally:
            timer.cancel()
            self._left_s += _SLICE_S - (time.monotonic() - start)

    def _running(self) -> tuple[subprocess.Popen[bytes], Path]:
        """The child and the file that it reads."""
        if self._child is None or self._scratch is None:
            self._scratch = Scratch(Path(tempfile.gettempdir()), TEMPORARY_PREFIX)
            self._child = _started(self._scratch.folder / "slice.dcm")
        return self._child, self._scratch.folder / "slice.dcm"


def _started(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "OpportunisticBMDLib.reading.series.decoder", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=finding([_LIBRARY]),
        cwd=_LIBRARY,
        **in_own_group(),
    )


def _frame(content: bytes) -> bytes:
    """The fragments after the offset table, joined; ValueError where the end is missing."""
    from pydicom.encaps import generate_fragments

    source = BytesIO(content)
    try:
        fragments = list(generate_fragments(source))
    except ValueError as error:
        raise ValueError("they are damaged, or not compressed as the header says") from error
    end = source.tell()
    if len(fragments) < 2 or content[end - 4 : end] != _END:
        raise ValueError("they are cut off")
    return b"".join(fragments[1:])


def _write_minimal(path: Path, frame: bytes, pixels: StoredPixels) -> None:
    """A DICOM file with one compressed frame and what decoding it needs."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, SecondaryCaptureImageStorage

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(pixels.transfer_syntax or "")
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = UID("2.25.1")
    data.Columns, data.Rows = pixels.size
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = (
        pixels.bits_allocated,
        pixels.bits_stored,
        pixels.bits_stored - 1,
    )
    data.PixelRepresentation = int(pixels.is_signed)
    data.PixelData = encapsulate([frame])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=True)
