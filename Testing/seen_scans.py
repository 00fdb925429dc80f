"""Scans for checks: three bodies with their readings, as the pipeline hands them over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from example_results import acquisition, grid_of, synthetic_case
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import SeenScan, cautions
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import read_region


def seen(ct: Volume | None = None, labels: Volume | None = None, **changes: object) -> SeenScan:
    """The synthetic patient, or another CT and other masks of it; header values and fields of the scan by name."""
    case, segmentation = synthetic_case(grid_of("straight"))
    ct, labels = ct or case.volume, labels or segmentation.labels
    regions = {name: place_region(labels, name) for name in VERTEBRAE}
    readings = {name: read_region(ct, labels, name, region) for name, region in regions.items() if region}
    fields = {name: changes.pop(name) for name in ("box", "levels", "around", "readings") if name in changes}
    scan = SeenScan(ct, Segmentation(labels, {}), acquisition(**changes), readings=readings, whole=ct)
    return replace(scan, **fields)


def told(scan: SeenScan, code: str) -> list[Reason]:
    """The reasons of one code."""
    return [reason for reason in cautions(scan) if reason.code == code]


def stretched(factor: float | tuple[float, float, float]) -> tuple[Volume, Volume]:
    """CT and masks on a grid that is stretched along right, front and head, as a wrong spacing does."""
    case, segmentation = synthetic_case(grid_of("straight"))
    grid = case.volume.grid
    affine = grid.affine.copy()
    affine[:3, :3] = np.diag(np.broadcast_to(factor, 3)) @ affine[:3, :3]
    other = Grid(grid.size, affine)
    return Volume(case.volume.array, other), Volume(segmentation.labels.array, other)
