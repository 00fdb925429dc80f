"""DICOM segmentations (SEG) as masks: binary frames or label maps, each at the place that it states."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid, triple
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.dicom.terminology import SegmentName, naming
from OpportunisticBMDLib.reading.headers.plausible import SPACING_MM, check_geometry, check_size
from OpportunisticBMDLib.results.segment_layers import Segment, SegmentLayers
from OpportunisticBMDLib.system.files import open_regular

_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_START = 2048  # the file meta information lies here
_MOST_BYTES = 2**30
# Of a step between frames: how far a frame may lie beside its place in the stack.
_OFF_STEP = 0.05
_SAVE = "save the masks as .seg.nrrd"


def read_dicom_segmentation(path: Path) -> SegmentLayers:
    """Reads the segments of T12, L1 and L2; the others are listed, without voxels.

    Raises:
        BadInput: no DICOM segmentation, damaged, packed, of probabilities, or of frames that do not make a stack.
        OSError: the file cannot be read.
    """
    with warnings.catch_warnings():  # pydicom's show texts of the file as they are
        warnings.simplefilter("ignore")
        return _read(path)


def _read(path: Path) -> SegmentLayers:
    data = _dataset(path)
    try:
        names = [_name(item) for item in data.SegmentSequence]
        numbers = [int(item.SegmentNumber) for item in data.SegmentSequence]
        frames = _frames(data)
        wanted = {place for vertebra in VERTEBRAE for place in naming(vertebra, names)}
        grid, heights = _stack(data, frames, path)
        layers = [np.broadcast_to(np.False_, grid.size)] * len(names)
        for place in wanted:
            layers[place] = _mask(data, frames, heights, numbers[place], grid)
    except BadInput:
        raise
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise BadInput(f"{path} is a damaged DICOM segmentation: {_SAVE}.") from error
    return SegmentLayers(tuple(Segment(name, n, 1) for n, name in enumerate(names)), layers, grid)


def _dataset(path: Path) -> Any:
    try:
        import pydicom  # here, because other masks can be read where pydicom is missing
    except ImportError as error:
        raise BadInput(f"{path} is DICOM, and pydicom is not installed: {_SAVE}, or install pydicom.") from error
    with open_regular(path) as file:
        if _DEFLATED in file.read(_START) or os.fstat(file.fileno()).st_size > _MOST_BYTES:
            raise BadInput(f"{path} is a packed or very large DICOM file: {_SAVE}.")
        file.seek(0)
        try:
            data = pydicom.dcmread(file)
            kind, syntax = str(data.get("SOPClassUID")), str(data.file_meta.get("TransferSyntaxUID"))
        except Exception as error:
            raise BadInput(f"{path} is a damaged DICOM file: {_SAVE}.") from error
    if kind not in _SEGMENTATIONS:
        raise BadInput(f"{path} is a DICOM file, but no segmentation: name a DICOM segmentation, or {_SAVE}.")
    if syntax not in _NATIVE or data.get("SegmentationType") not in ("BINARY", "LABELMAP"):
        raise BadInput(f"{path} is a DICOM segmentation that is packed or holds probabilities: {_SAVE}.")
    return data


def _name(item: Any) -> SegmentName:
    sequences = (item.get(f"{what}Sequence") for what in ("SegmentedPropertyTypeCode", "AnatomicRegion"))
    codes = [sequence[0] for sequence in sequences if sequence]
    pairs = frozenset((str(c.get("CodingSchemeDesignator")), str(c.get("CodeValue"))) for c in codes)
    return SegmentName(str(item.get("SegmentLabel", "")), pairs)


def _frames(data: Any) -> list[tuple[np.ndarray, int]]:
    """Position of the first voxel of each frame in LPS mm, and the number of its segment; 0 in label maps."""
    frames = []
    for group in data.PerFrameFunctionalGroupsSequence:
        position = np.array([float(x) for x in group.PlanePositionSequence[0].ImagePositionPatient])
        segment = group.get("SegmentIdentificationSequence") or _shared(data).get("SegmentIdentificationSequence")
        frames.append((position, int(segment[0].ReferencedSegmentNumber) if segment else 0))
    return frames


def _shared(data: Any) -> Any:
    return data.SharedFunctionalGroupsSequence[0]


def _of_all_frames(data: Any, sequence: str, keyword: str) -> list[float]:
    """Numbers that all frames share, wherever they are stated."""
    groups = [_shared(data), *data.PerFrameFunctionalGroupsSequence]
    stated = {tuple(float(x) for x in group[sequence][0][keyword].value) for group in groups if sequence in group}
    (values,) = stated
    return list(values)


def _stack(data: Any, frames: list[tuple[np.ndarray, int]], path: Path) -> tuple[Grid, list[int]]:
    """The grid of all frames, and where each of them lies in it."""
    orientation = _of_all_frames(data, "PlaneOrientationSequence", "ImageOrientationPatient")
    between_rows, between_columns = _of_all_frames(data, "PixelMeasuresSequence", "PixelSpacing")
    along_row, along_column = np.reshape(orientation, (2, 3))
    across = np.cross(along_row, along_column)
    positions = np.array([position for position, _ in frames])
    heights = positions @ across
    steps = np.diff(np.sort(heights))
    steps = steps[steps > SPACING_MM[0]]  # several segments have a frame at one height
    step = float(steps.min()) if steps.size else float(_shared(data).PixelMeasuresSequence[0].SliceThickness)
    lowest = positions[np.argmin(heights)]
    places = (heights - heights.min()) / step
    beside = np.abs(positions - lowest - np.outer(heights - heights.min(), across)).max()
    if np.abs(places - places.round()).max() > _OFF_STEP or beside > _OFF_STEP * step:
        raise BadInput(f"{path} holds frames that do not lie evenly on each other: {_SAVE}.")
    size = triple((int(data.Columns), int(data.Rows), int(places.max().round()) + 1))
    check_size(size, path)
    lps = np.eye(4)
    lps[:3, :3] = np.column_stack((along_row * between_columns, along_column * between_rows, across * step))
    lps[:3, 3] = lowest
    check_geometry(lps, size, path)
    return Grid(size, LPS_FROM_RAS @ lps), [int(place) for place in places.round()]


def _mask(data: Any, frames: list[tuple[np.ndarray, int]], heights: list[int], number: int, grid: Grid) -> np.ndarray:
    """bool, [i, j, k]: one segment."""
    mask = np.zeros(grid.size, bool, order="F")
    for place, (_, segment) in enumerate(frames):
        if segment in (0, number):
            mask[..., heights[place]] |= _plane(data, place, number)
    return mask


def _plane(data: Any, place: int, number: int) -> np.ndarray:
    """bool, [column, row]: the voxels of a segment in a frame."""
    rows, columns = int(data.Rows), int(data.Columns)
    first, last = place * rows * columns, (place + 1) * rows * columns
    if data.SegmentationType == "BINARY":
        packed = np.frombuffer(data.PixelData, np.uint8)[first // 8 : -(-last // 8)]
        values = np.unpackbits(packed, bitorder="little")[first % 8 :][: last - first] == 1
    else:
        values = np.frombuffer(data.PixelData, f"<u{int(data.BitsAllocated) // 8}")[first:last] == number
    return values.reshape(rows, columns).T
