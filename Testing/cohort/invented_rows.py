"""Rows of a cohort that nobody measured: as many as one likes, with scanners, ages, months, and faults to be found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from OpportunisticBMDLib.cohort.row import FAILED, MEASURED, REFUSED, REVIEW, Row
from OpportunisticBMDLib.core.thresholds import Thresholds

SCANNERS = ("ACME Scanner 64", "ACME Scanner 128", "Other Volume CT", "Other Spectral CT")
DRIFTING, DEPARTING = SCANNERS[2], SCANNERS[3]
KERNELS = ("STANDARD", "B30f", "Br40d")
PHASES = ("none", "portal venous", "arterial", None)


def rows(count: int, seed: int = 1) -> list[Row]:
    """Of them 5 % are refused and 2 % failed; one scanner drifts, and patients of another read too much."""
    rng = np.random.default_rng(seed)
    return [_row(f"ct{number:05}", rng) for number in range(count)]


def measured(name: str = "ct", bmd: float = 120.0, **changes: object) -> Row:
    """A row with a density and nothing unusual."""
    known = Row(
        name,
        MEASURED,
        bmd_mg_cm3=bmd,
        bmd_sd_mg_cm3=6.0,
        bmd_low_95_mg_cm3=bmd - 12,
        bmd_high_95_mg_cm3=bmd + 12,
        category=Thresholds().category(bmd),
        t12_mg_cm3=bmd + 5,
        l1_mg_cm3=bmd + 1,
        l2_mg_cm3=bmd - 1,
        vertebrae_used=("L1", "L2"),
        hu_region=1.28 * bmd,
        line="voltage",
        age_years=60,
        sex="female",
        scanner=SCANNERS[0],
        kernel=KERNELS[0],
        kvp=120.0,
        contrast_phase="none",
        slice_thickness_mm=1.25,
        month="2026-05",
        fingerprint=f"of {name}",
        seconds=4.0,
    )
    return replace(known, **changes)


def _row(name: str, rng: np.random.Generator) -> Row:
    kind = rng.random()
    if kind < 0.02:
        return Row(name, FAILED, message=f"{name}.nii.gz is damaged or no NIfTI file: copy it again.")
    age, sex = int(np.clip(rng.normal(62, 15), 20, 90)), ("female", "male")[rng.integers(2)]
    scanner = SCANNERS[rng.choice(4, p=(0.5, 0.3, 0.15, 0.05))]
    year = rng.uniform(0, 2.5)
    bmd = 190 - 1.35 * (age - 30) + (5 if sex == "male" else 0) + rng.normal(0, 24)
    bmd += -10.0 * year * (scanner == DRIFTING) + 25 * (scanner == DEPARTING)
    bmd, spread = round(max(5.0, bmd), 2), rng.normal(0, 5, 3)
    month = int(12 * year)
    kvp = float(rng.choice((100, 120)))
    known = measured(
        name,
        bmd,
        bmd_sd_mg_cm3=round(rng.gamma(9, 0.7), 2),
        t12_mg_cm3=bmd + 6 + spread[0],
        l1_mg_cm3=bmd + spread[1],
        l2_mg_cm3=bmd + spread[2],
        hu_region=round((1.28 if kvp == 120 else 1.45) * bmd + rng.normal(0, 1.5), 2),
        age_years=None if rng.random() < 0.05 else age,
        sex=sex,
        scanner=scanner,
        kernel=str(rng.choice(KERNELS)),
        kvp=kvp,
        contrast_phase=PHASES[rng.integers(4)],
        month=f"{2024 + month // 12}-{month % 12 + 1:02}",
        seconds=round(rng.gamma(16, 0.25), 2),
    )
    if kind < 0.07:
        refused = ("too_few_vertebrae", "metal") if kind < 0.04 else ("vertebrae_not_found",)
        densities = [key for key in vars(known) if key.endswith("mg_cm3")]
        nothing = dict.fromkeys([*densities, "category", "hu_region", "fingerprint"])
        return replace(known, status=REFUSED, **nothing, vertebrae_used=(), reasons=refused)
    if kind < 0.25:
        return replace(known, status=REVIEW, reasons=("thick_slices",), message="Slices are 5 mm thick.")
    return known
