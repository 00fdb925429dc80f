"""The bones around the spine, from label maps of TotalSegmentator."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.cancellous import SPINAL_CORD, body_labels

SACRUM, S1, HIPS = 25, 26, (77, 78)
VERTEBRAE = range(27, 51)  # L5 .. C1
RIBS = range(92, 116)
DISC_MM = 14.0  # no disc is higher


def skeleton_of(labels: Volume) -> Volume:
    """uint8 label map of `Bone` on the same grid; axes have to run along the patient's.

    Bodies are what lies in front of the cord, discs what lies between two of them.

    Args:
        labels: TotalSegmentator's numbers.
    """
    given = labels.array.astype(int)
    bones = np.zeros(given.shape, np.uint8)
    bones[np.isin(given, HIPS)] = Bone.HIP
    bones[np.isin(given, (SACRUM, S1))] = Bone.SACRUM
    bones[np.isin(given, RIBS)] = Bone.RIB
    bones[np.isin(given, VERTEBRAE)] = Bone.ARCH
    bodies = _bodies(Volume(given, labels.grid))
    bones[bodies & (bones == Bone.ARCH)] = Bone.BODY
    bones[_between(bones == Bone.BODY, labels.grid) & (bones == 0)] = Bone.DISC
    return Volume(bones, labels.grid)


def _bodies(labels: Volume) -> np.ndarray:
    cord = Volume(labels.array == SPINAL_CORD, labels.grid)
    bodies = np.zeros(labels.grid.size, bool)
    for number in VERTEBRAE:
        if (labels.array == number).any():
            try:
                bodies |= body_labels(labels, {"L1": number}, cord).array > 0
            except ValueError:  # the canal is not labelled as far as this: the cord ends, or the scan does
                bodies |= _front_half(labels, number)
    return bodies


def _front_half(labels: Volume, number: int) -> np.ndarray:
    """What lies in front of a vertebra's middle: its body, nearly."""
    mask: np.ndarray = labels.array == number
    points = np.argwhere(mask)
    front = labels.grid.ras_of(points)[:, 1]
    mask[tuple(points[front < (front.min() + front.max()) / 2].T)] = False
    return mask


def _between(bodies: np.ndarray, grid: Grid) -> np.ndarray:
    """Voxels with a body above and one below them, within the height of a disc."""
    axis = grid.axis_towards(2)
    reach = round(DISC_MM / grid.spacing[axis])
    mask = np.moveaxis(bodies, axis, 2)
    padded = np.pad(mask, ((0, 0), (0, 0), (reach, reach)))
    n = mask.shape[2]
    above, below = np.zeros_like(mask), np.zeros_like(mask)
    for step in range(1, reach + 1):
        above |= padded[:, :, reach + step : reach + step + n]
        below |= padded[:, :, reach - step : reach - step + n]
    return np.moveaxis(ndimage.binary_opening(above & below & ~mask, iterations=1), 2, axis)
