"""Masks of the vertebral bodies on a CT's own grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
