"""Vertebra masks in files: written as .seg.nrrd for 3D Slicer, read from it, a DICOM segmentation or a label map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicerio

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.dicom.codes import ANATOMICAL_STRUCTURE, SEGMENT_COLOURS, VERTEBRA_CODES
from OpportunisticBMDLib.dicom.terminology import REGION_CONTEXT, TYPE_CONTEXT, naming
from OpportunisticBMDLib.reading.headers import read_header
from OpportunisticBMDLib.reading.image_file import is_segmentation, read_volume
from OpportunisticBMDLib.reading.series.dicom_file import has_preamble
from OpportunisticBMDLib.results.dicom_segmentation import read_dicom_segmentation
from OpportunisticBMDLib.results.segment_layers import SegmentLayers, read_segment_layers


def write_segmentation(labels: Volume, path: str | Path) -> None:
    """Writes a label map as a 3D Slicer segmentation with the segments T12, L1 and L2, empty ones too.

    Args:
        labels: indexed [i, j, k], values as in `vertebrae.LABELS`, on any grid.
        path: should end in .seg.nrrd, by which 3D Slicer knows a segmentation.

    Raises:
        ValueError: a voxel value other than 0, 1, 2, 3.
        OSError: the file cannot be written.
    """
    segmentation = {
        "voxels": _as_in_file(labels.array),
        "ijkToLPS": LPS_FROM_RAS @ labels.grid.affine,
        "containedRepresentationNames": ["Binary labelmap"],
        "masterRepresentation": "Binary labelmap",
        "segments": [_segment(name, labels.grid.size) for name in VERTEBRAE],
    }
    # Level 9, slicerio's default, takes several times as long for a few per cent.
    slicerio.write_segmentation(str(path), segmentation, compression_level=4)


def read_segmentation(path: str | Path, grid: Grid) -> Volume:
    """Reads vertebra masks and brings them onto a CT's grid, nearest neighbour where the grids differ.

    Args:
        path: a .seg.nrrd or a DICOM segmentation (segments found by their name, e.g. T12, Th12 or vertebrae_L1, or by
            their SNOMED code; where they overlap, the lower vertebra wins), or a NIfTI, NRRD or MetaImage label map
            with 1 = T12, 2 = L1, 3 = L2. The content tells which, not the name.
        grid: the CT's. The file may cover only a part of it, as 3D Slicer crops what it saves.

    Returns:
        A uint8 label map on `grid`.

    Raises:
        BadInput: no such file, not a segmentation, none of the vertebrae in it, all of them outside the CT, or masks
            of the CT's own size that lie in another place.
    """
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name the file that holds the masks.")
    if not path.is_file():
        raise BadInput(f"There is no segmentation file at {path}; check the path.")
    try:
        labels = _read(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from error
    if not labels.array.any():
        raise BadInput(f"The segments of {path} are all empty; draw at least two of T12, L1 and L2.")
    if labels.grid.is_close(grid):
        return Volume(labels.array, grid)
    _check_place(labels.grid, grid, path)
    moved = labels.resampled_labels(grid)
    if not moved.array.any():
        raise BadInput(f"The segments of {path} lie outside the CT; give the segmentation that belongs to this CT.")
    return Volume(moved.array, grid)


def labels_of(segmentation: SegmentLayers, path: Path) -> Volume:
    """The label map of T12, L1 and L2, on the segmentation's own grid.

    Args:
        segmentation: what was read.
        path: from where, for messages.

    Raises:
        BadInput: none of the vertebrae is in it, or one several times.
    """
    labels = np.zeros(segmentation.grid.size, np.uint8, order="F")  # as files have voxels
    names = [segment.name for segment in segmentation.segments]
    found = {name: naming(name, names) for name in VERTEBRAE}
    if not any(found.values()):
        listed = ", ".join(name.name for name in names[:20]) or "none"
        raise BadInput(f"The segmentation {path} has no segment T12, L1 or L2 (it has: {listed}); rename its segments.")
    for name, places in found.items():
        if len(places) > 1:
            raise BadInput(f"The segmentation {path} has {len(places)} segments for {name}; keep one of them.")
        for place in places:
            np.copyto(labels, LABELS[name], where=segmentation.mask(segmentation.segments[place]))
    return Volume(labels, segmentation.grid)


def _as_in_file(labels: np.ndarray) -> np.ndarray:
    """The same label map, uint8, in the file's order: bringing all of it there takes longer than the masks alone."""
    voxels = labels.astype(np.uint8, copy=False)
    if voxels.max(initial=0) > len(LABELS) or not np.array_equal(voxels, labels):
        raise ValueError(f"a label map holds 0 to {len(LABELS)} only, got {np.unique(labels).tolist()[:10]}")
    in_order = np.zeros(labels.shape, np.uint8, order="F")
    filled = extent(voxels)
    if filled is not None:
        in_order[filled] = voxels[filled]
    return in_order


def _segment(name: str, size: tuple[int, int, int]) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "nameAutoGenerated": False,
        "color": list(SEGMENT_COLOURS[name]),
        "colorAutoGenerated": False,
        "labelValue": LABELS[name],
        "layer": 0,
        # The whole grid: older versions of 3D Slicer crop all segments of a layer to the first one's extent.
        "extent": [0, size[0] - 1, 0, size[1] - 1, 0, size[2] - 1],
        "terminology": {
            "contextName": TYPE_CONTEXT,
            "category": list(ANATOMICAL_STRUCTURE.triple),
            "type": list(VERTEBRA_CODES[name].triple),
            "anatomicContextName": REGION_CONTEXT,
        },
    }


def _read(path: Path) -> Volume:
    """The label map of a file, on the file's own grid."""
    if has_preamble(path):
        return labels_of(read_dicom_segmentation(path), path)
    header = read_header(path)
    if is_segmentation(header):
        return labels_of(read_segment_layers(header), path)
    return _label_map(read_volume(path), path)


def _label_map(volume: Volume, path: Path) -> Volume:
    voxels = volume.array.ravel(order="K")
    others = np.setdiff1d(voxels[voxels != 0], tuple(LABELS.values()))
    # Other programs number organs from 1: taking their 1, 2, 3 for vertebrae would measure the wrong tissue.
    if others.size:
        raise BadInput(
            f"The label map {path} holds other values than 1 = T12, 2 = L1, 3 = L2 ({_shortened(others)}); renumber it."
        )
    return Volume(volume.array.astype(np.uint8, copy=False), volume.grid)


def _check_place(masks: Grid, ct: Grid, path: Path) -> None:
    """Masks of the CT's very size were drawn on it: lying elsewhere, they have lost their place, not been moved.

    Their axes may run in another order, as some programs store them: then both still fill the same space.
    """
    if sorted(masks.size) != sorted(ct.size):
        return
    apart = max(np.linalg.norm(_corners(ct) - corner, axis=1).min() for corner in _corners(masks))
    if apart > ct.spacing.max():
        size = " x ".join(map(str, ct.size))
        raise BadInput(
            f"{path} has the size of the CT ({size} voxels) but lies in another place, up to {apart:.0f} mm off: its "
            "header was lost; save it again with the CT's geometry."
        )


def _corners(grid: Grid) -> np.ndarray:
    """(8, 3): RAS of the voxels at the corners, in mm."""
    return grid.ras_of(np.array(np.meshgrid(*((0, n - 1) for n in grid.size))).reshape(3, -1).T)


def _shortened(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values[:5]) + (", ..." if values.size > 5 else "")
