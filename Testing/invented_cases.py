"""Invented records of an evaluation: no patient, virtual or real, and no model stands behind these numbers."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.cases import age_band_of
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, Facts, VertebraComparison


def invented_cases(n: int = 40, *, seed: int = 1, sd: float = 6.0, line_sd: float = 9.0) -> list[Comparison]:
    """Found densities are the true ones plus noise; the last of the patients was refused."""
    rng = np.random.default_rng(seed)
    ages = np.linspace(42, 88, n)
    truths = np.clip(108 + (61 - ages) * 1.75 + rng.normal(0, 28, n), 20, 260)
    cases = [_invented(number, ages[number], truths[number], rng, sd, line_sd) for number in range(n - 1)]
    refusal = Comparison(
        id=str(n - 1),
        status="refused",
        seed=n - 1,
        cohort="one-scanner",
        models="invented",
        reasons=("vertebrae_not_found",),
        message="Invented: the vertebrae were <not> found.",
        facts=Facts(sex="male", age_band="80-89"),
        truth_mg_cm3=70.0,
    )
    return [*cases, refusal]


def _invented(number: int, age: float, truth: float, rng: np.random.Generator, sd: float, line_sd: float) -> Comparison:
    bmd, line = truth + rng.normal(1, sd), truth + rng.normal(8, line_sd)
    return Comparison(
        id=str(number),
        status="review" if number % 5 == 0 else "measured",
        seed=number,
        cohort="one-scanner",
        models="invented",
        reasons=("contrast_agent",) if number % 5 == 0 else (),
        facts=Facts(
            sex="female" if number % 2 else "male",
            age_band=age_band_of(age),
            size=float(rng.normal(0.96, 0.05)),
            kvp=(100.0, 120.0, 140.0)[number % 3],
            slice_thickness_mm=(0.625, 1.25, 2.5, 5.0)[number % 4],
            contrast=number % 5 == 0,
            scanner="invented",
        ),
        vertebrae={name: _vertebra(truth, rng, sd) for name in VERTEBRAE},
        box_score=0.99,
        box_iou=float(rng.uniform(0.75, 0.95)),
        upper_edge_mm=float(rng.normal(0.5, 2)),
        lower_edge_mm=float(rng.normal(-0.5, 2)),
        in_crop=True,
        truth_mg_cm3=float(truth),
        true_mask_mg_cm3=float(bmd + rng.normal(0, 1)),
        bmd_mg_cm3=float(bmd),
        bmd_sd_mg_cm3=sd,
        network_mg_cm3=float(line),
        calibrated_mg_cm3=float(bmd - 1),
        calibrated_network_mg_cm3=float(line - 5),
        probability_osteoporosis=_below(80, bmd, sd),
        probability_abnormal=_below(120, bmd, sd),
        seconds=9.0,
    )


def _vertebra(truth: float, rng: np.random.Generator, sd: float) -> VertebraComparison:
    own = truth + rng.normal(0, 6)
    return VertebraComparison(
        dice=float(rng.uniform(0.88, 0.98)),
        surface_mm=float(rng.uniform(0.3, 1.0)),
        hausdorff95_mm=float(rng.uniform(1.0, 3.0)),
        labelled_right=True,
        truth_mg_cm3=float(own),
        bmd_mg_cm3=float(own + rng.normal(0, sd)),
        bmd_sd_mg_cm3=sd,
        network_mg_cm3=float(own + 8),
        confidence=0.97,
    )


def _below(threshold: float, bmd: float, sd: float) -> float:
    from scipy.stats import norm

    return float(norm.cdf(threshold, bmd, sd))
