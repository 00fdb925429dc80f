"""Small annotated cases that a check finds no fault in: three bodies of cancellous bone with cortex in soft tissue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.cases import Case, CaseInfo, write_case
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume

BMD = {"T12": 118.0, "L1": 105.0, "L2": 96.0}
INFO = CaseInfo(
    reference_bmd_mg_cm3=BMD,
    reference_method="QCT",
    sex="female",
    age_band="60-69",
    scanner="GE Discovery",
    kvp=120,
    kernel="STANDARD",
    annotator="radiologist A",
    history=("read by radiologist A",),
    contrast=False,
    slice_thickness_mm=2.0,
)
GRID = Grid.axis_aligned((60, 50, 64), (2.0, 2.0, 2.0), (5.0, -20.0, 300.0))
CENTRES = {"T12": 30.0, "L1": 0.0, "L2": -30.0}  # mm above the middle
HALF_MM = (16.0, 13.0, 10.0)
CORTEX_MM = 3.0


def body(centre: float, grow: float = 0.0) -> np.ndarray:
    """The voxels of an upright elliptic cylinder whose middle lies `centre` mm above the grid's."""
    ras = GRID.ras_of(np.stack(np.meshgrid(*map(np.arange, GRID.size), indexing="ij"), axis=-1))
    r, a, s = np.moveaxis(ras - GRID.bounds_ras.mean(axis=1), -1, 0)
    across, along, half = (h + grow for h in HALF_MM)
    return (r / across) ** 2 + (a / along) ** 2 + 0 * s < np.where(np.abs(s - centre) < half, 1, 0)


def annotated_case(case_id: str = "case-0001", info: CaseInfo = INFO, bmd: dict[str, float] | None = None) -> Case:
    """A case whose masks are filled with the HU that their density has at 120 kVp; `bmd` also changes the reference."""
    rng = np.random.default_rng(3)
    hu = np.full(GRID.size, 45.0)
    hu[:4], hu[-4:] = -1000, -1000
    labels = np.zeros(GRID.size, np.uint8)
    for name in VERTEBRAE:
        hu[body(CENTRES[name], CORTEX_MM)] = 450
        inside = body(CENTRES[name])
        hu[inside] = line_for(120).hu((bmd or BMD)[name])
        labels[inside] = LABELS[name]
    hu = np.rint(hu + rng.normal(0, 12, GRID.size)).astype(np.int16)
    if bmd:
        info = replace(info, reference_bmd_mg_cm3=bmd)
    return Case(case_id, Volume(hu, GRID), Volume(labels, GRID), info)


def write_annotated(directory: Path, *cases: Case, **options: object) -> Path:
    """Writes cases into a dataset and gives its folder."""
    for case in cases or (annotated_case(),):
        write_case(directory, case, **options)
    return directory
