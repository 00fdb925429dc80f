"""Masks of the vertebral bodies on a CT's own grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Cancellous bone of the vertebral bodies.

    Args:
        labels: uint8 label map on the input's own grid (see `core.vertebrae.LABELS`).
        confidence: vertebra name -> mean probability of its voxels, 0..1; absent where nothing was found or where
            the masks were given by the user.
    """

    labels: Volume
    confidence: Mapping[str, float]


def centres_of(segmentation: Segmentation) -> dict[str, np.ndarray]:
    """Vertebra -> centre of its mask (RAS, mm), of those that have one."""
    labels = segmentation.labels
    found = extent(labels.array)
    if found is None:
        return {}
    part = labels.part(found)
    voxels = {name: np.argwhere(part.array == label) for name, label in LABELS.items()}
    return {name: part.grid.ras_of(indices.mean(axis=0)) for name, indices in voxels.items() if len(indices)}
