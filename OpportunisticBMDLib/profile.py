"""What the calibration line gives for a vertebra, from the edge of its mask to the core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.bone import extent, grown
from OpportunisticBMDLib.models import is_number
from OpportunisticBMDLib.result import Calibration
from OpportunisticBMDLib.vertebrae import LABELS
from OpportunisticBMDLib.volume import Volume

CORE_DEPTH_MM = 1.6  # more than a voxel of the reading's spacing: cortex and a mask's inexact edge do not reach so far
DEEPER_MM = (2.2, 3.1, 4.6)


class Profile(NamedTuple):
    """Densities of parts of a vertebra and how they are spread, mg/cm3, all but the last beside the core's mean.

    Cortex that blurs into a mask shows in `whole`; the denser bone beneath the endplates in what lies deeper and in the
    medians; density itself in the spread, for trabeculae are the coarser the denser they are. Mineral that is added
    everywhere changes none of them.
    """

    whole: float
    deeper: float
    deep: float
    deepest: float
    median: float
    core_median: float
    lower_quartile: float
    upper_quartile: float
    core_sd: float


def core_and_profile(ct: Volume, labels: Volume, vertebra: str, calibration: Calibration) -> tuple[float, Profile]:
    """The mean of a vertebra's core, mg/cm3, and the profile beside it.

    Parts that a small mask does not have are as dense as its core.
    """
    density, depth = _density_and_depth(ct, labels, vertebra, calibration)
    core = _core(density, depth)
    mean = core.mean(dtype=float)
    deeper = (density[depth > d] if (depth > d).any() else core for d in DEEPER_MM)
    parts = [part.mean(dtype=float) - mean for part in (density, *deeper)]
    medians = [np.median(part) - mean for part in (density, core)]
    quartiles = np.percentile(density, (25, 75)) - mean
    return float(mean), Profile(*parts, *medians, *quartiles, core.std(dtype=float))


def core_bmd(ct: Volume, labels: Volume, vertebra: str, calibration: Calibration) -> float:
    """The mean of a vertebra's core, which lies deeper in its mask than `CORE_DEPTH_MM`, mg/cm3.

    Neither the cortex nor a mask drawn too large shows in it. A mask that is nowhere so deep counts as a whole.
    """
    return float(_core(*_density_and_depth(ct, labels, vertebra, calibration)).mean(dtype=float))


@dataclass(frozen=True)
class ProfileLine:
    """A density from the core's and the profile: the mean that a whole mask would have without blur.

    Args:
        weights: of each figure of a profile, by name.
        offset: mg/cm3.

    Raises:
        ValueError: weights of what is no figure of a profile, or a number that is none.
    """

    weights: Mapping[str, float]
    offset: float

    def __post_init__(self) -> None:
        if not isinstance(self.weights, Mapping) or not set(self.weights) <= set(Profile._fields):
            raise ValueError(f"weights are {self.weights!r}, not of {', '.join(Profile._fields)}")
        if not all(map(is_number, (self.offset, *self.weights.values()))):
            raise ValueError("a weight or the offset is no number")

    def __call__(self, ct: Volume, labels: Volume, vertebra: str, calibration: Calibration) -> float:
        """mg/cm3."""
        core, figures = core_and_profile(ct, labels, vertebra, calibration)
        correction = sum(weight * getattr(figures, name) for name, weight in self.weights.items())
        return core + self.offset + float(correction)


def _density_and_depth(
    ct: Volume, labels: Volume, vertebra: str, calibration: Calibration
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) of a mask's voxels: density, mg/cm3, and distance from the nearest voxel outside, mm."""
    whole = labels.array == LABELS[vertebra]
    around = grown(extent(whole), whole.shape)
    mask = whole[around]
    depth = ndimage.distance_transform_edt(mask, sampling=labels.grid.spacing)
    return calibration.bmd(ct.array[around][mask].astype(float)), depth[mask]


def _core(density: np.ndarray, depth: np.ndarray) -> np.ndarray:
    return density[depth > CORE_DEPTH_MM] if (depth > CORE_DEPTH_MM).any() else density
