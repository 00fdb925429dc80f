"""What a reader should know before trusting the number: a file a check, each of which registers itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from math import nan
from statistics import median_high

import numpy as np

from OpportunisticBMDLib.core.heights import BodyHeights
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality.body import Body
from OpportunisticBMDLib.quality.not_a_trunk import unlike_a_trunk
from OpportunisticBMDLib.quality.registry import (
    SeenMask,
    SeenMean,
    SeenRegion,
    SeenScan,
    of_masks,
    of_means,
    of_regions,
    of_scans,
)

__all__ = ["Body", "SeenMean", "SeenScan", "cautions", "differences", "measurability", "readable", "unlike_a_trunk"]

for _module in pkgutil.iter_modules(__path__):
    if not _module.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_module.name}")


def measurability(
    ct: Volume, segmentation: Segmentation, heights: Mapping[str, BodyHeights] | None = None
) -> list[Reason]:
    """A warning for each vertebra whose mask cannot be measured, naming it.

    Args:
        ct: HU, the masks' part of the scan.
        segmentation: on the same grid.
        heights: vertebra -> its heights, of those where they can be told; None where fractures are not asked for.
    """
    masks = {name: segmentation.labels.array == LABELS[name] for name in VERTEBRAE}
    usual = median_high([int(np.count_nonzero(mask)) for mask in masks.values() if mask.any()] or [0])
    return [r for name, mask in masks.items() for r in of_masks.first(SeenMask(name, ct, mask, usual, heights or {}))]


def readable(
    vertebra: str,
    reading: Reading | None,
    height_mm: float,
    bmd_mg_cm3: float = nan,
    in_body: float = 1.0,
    body: Body | None = None,
) -> list[Reason]:
    """A warning where the middle of a body cannot be read, and a note where much of it was left out.

    Args:
        reading: None where the mask holds no body.
        height_mm: of the body's cancellous bone.
        bmd_mg_cm3: what it reads; NaN where nothing was read.
        in_body: share of it that lies in a vertebral body, as the CT shows it, 0..1.
        body: its bone; None where lesions are not looked for.
    """
    return of_regions.first(SeenRegion(vertebra, reading, height_mm, bmd_mg_cm3, in_body, body))


def cautions(scan: SeenScan) -> list[Reason]:
    """What does not prevent a measurement, yet bears on how far to trust it; a refusal where the masks are not those
    of T12, L1 and L2."""
    return of_scans.all(scan)


def differences(mean: SeenMean) -> list[Reason]:
    """What the densities themselves say."""
    return of_means.all(mean)
