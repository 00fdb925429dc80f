"""A mask beside the whole vertebra and the vertebral body that another program labelled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent, grown
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.cancellous import SPINAL_CORD, TOTALSEGMENTATOR, body_labels

FINE_MM = 1.0  # voxels are divided into parts no larger than this
DEEP_MM = 2.0  # what lies deeper in the body than this is its inside


@dataclass(frozen=True, eq=False)
class LabelledVertebrae:
    """What is known of the vertebrae of a CT, all on its grid.

    Args:
        whole: whole vertebrae, numbered as `vertebrae.LABELS`.
        bodies: their bodies with the cortex, numbered alike.
    """

    whole: Volume
    bodies: Volume

    @classmethod
    def load(cls, path: Path) -> LabelledVertebrae:
        """From the file of such labels."""
        return cls.of(Volume.from_sitk(sitk.ReadImage(str(path))))

    @classmethod
    def of(cls, labels: Volume) -> LabelledVertebrae:
        """From a label map with TotalSegmentator's numbers of vertebrae and spinal cord."""
        whole = np.zeros(labels.grid.size, np.uint8)
        for name, number in TOTALSEGMENTATOR.items():
            whole[labels.array == number] = LABELS[name]
        cord = Volume(labels.array == SPINAL_CORD, labels.grid)
        return cls(Volume(whole, labels.grid), body_labels(labels, TOTALSEGMENTATOR, cord))


@dataclass(frozen=True)
class MaskFit:
    """How well one mask fits its vertebra.

    Args:
        centroid_inside: whether the mask's centroid lies in the right vertebra.
        inside: share of the mask that lies in the vertebra, 0..1; NaN where there is no mask.
        covering: share of the body's inside (see `DEEP_MM`) that the mask covers, 0..1; NaN where there is no body.
    """

    centroid_inside: bool
    inside: float
    covering: float


def mask_fit(
    vertebra: str, masks: Volume, truth: LabelledVertebrae, centroid_ras: tuple[float, float, float] | None
) -> MaskFit:
    """The figures of one vertebra.

    Args:
        vertebra: "T12", "L1" or "L2".
        masks: cancellous bone that was found, numbered as `vertebrae.LABELS`.
        centroid_ras: of the mask as it was reported, in RAS mm; None where nothing was found.

    Raises:
        ValueError: the masks lie on another grid than the truth.
    """
    if not masks.grid.is_close(truth.whole.grid):
        raise ValueError("masks and labelled vertebrae have to lie on the same grid")
    number = LABELS[vertebra]
    mask, whole = masks.array == number, truth.whole.array == number
    return MaskFit(
        centroid_inside=centroid_ras is not None and _is_in(whole, masks.grid, centroid_ras),
        inside=_share(whole[mask]),
        covering=_weighted(mask, deep_inside(truth.bodies.array == number, masks.grid)),
    )


def deep_inside(body: np.ndarray, grid: Grid) -> np.ndarray:
    """(I, J, K) in 0..1: how much of each voxel of a mask lies deeper than `DEEP_MM` below its surface.

    The surface runs along the voxels' faces, so that thick voxels are divided before the depth is measured. Where the
    scan cuts the mask there is no surface.
    """
    deep = np.zeros(body.shape, np.float32)
    ranges = extent(body)
    if ranges is None:
        return deep
    ranges = grown(ranges, body.shape)
    parts = np.ceil(grid.spacing / FINE_MM).astype(int)
    fine = body[ranges]
    for axis, count in enumerate(parts):
        fine = np.repeat(fine, count, axis=axis)
    # From centre to centre; the surface is half a part nearer.
    depth = ndimage.distance_transform_edt(fine, sampling=grid.spacing / parts) - FINE_MM / 2
    blocks = (depth > DEEP_MM).reshape([n for pair in zip(body[ranges].shape, parts, strict=True) for n in pair])
    deep[ranges] = blocks.mean(axis=(1, 3, 5))
    return deep


def _is_in(mask: np.ndarray, grid: Grid, ras: tuple[float, float, float]) -> bool:
    index = np.rint(grid.index_of(np.array(ras))).astype(int)
    return bool((index >= 0).all() and (index < grid.size).all() and mask[tuple(index)])


def _weighted(mask: np.ndarray, weight: np.ndarray) -> float:
    return float(weight[mask].sum() / weight.sum()) if weight.any() else float("nan")


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if flags.size else float("nan")
