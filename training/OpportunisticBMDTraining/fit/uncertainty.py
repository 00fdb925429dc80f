"""Fits how sure a mean density is to the errors of evaluations: how much each cause counts, intervals, probabilities.

`opportunistic-bmd-lab calibrate-uncertainty CASES.csv [CASES.csv ...] -o MODELS --judge CASES.csv ...`, with cases that
`evaluate -o` wrote for the same models: fitted on the first, judged on those of other patients. Run it again whenever
the lines' SDs, the corrections of contrast or the BMD model change.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import save_card
from OpportunisticBMDLib.stages.uncertainty import GROUPS, NORMAL_SDS, NORMAL_STEEPNESS, SCALES, Scales
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, load_comparisons
from OpportunisticBMDTraining.evaluate.trust import WAYS, Mean, means_of, probability_table, trust_table
from OpportunisticBMDTraining.fit.spread import card_of

COVERED = 0.95
LEAST_CASES = 40  # of a group: fewer say little about one case in twenty
FITTED_ON = "uncertainty_fitted_on"  # of a card's figures
DISTANCES = np.arange(-3.0, 3.01, 0.25)  # in SDs from the mean, at which probabilities are fitted


def weights_of(cases: Sequence[Comparison]) -> tuple[float, float, float]:
    """How much network, noise and mask count for errors on the scanner's true line.

    Their shares are those that make the errors likeliest, were they normal. They are not: a few patients are far off.
    So all three are widened until 1.96 SD hold 95 % in each cohort: easy patients do not narrow what hard ones need.

    Args:
        cases: those with a contrast agent tell nothing: what it adds is another cause.

    Raises:
        BadInput: too few cases.
    """
    known = [c for c in cases if c.facts.contrast is False and np.isfinite(_error_and_causes(c)).all()]
    if len(known) < LEAST_CASES:
        raise BadInput(
            f"{len(known)} cases without contrast agent have truth and causes on the scanner's line, and {LEAST_CASES} "
            "are needed; evaluate more virtual patients."
        )
    rows = np.array([_error_and_causes(c) for c in known]) ** 2
    errors, causes = rows[:, 0], rows[:, 1:]

    def unlikely(squares: np.ndarray) -> float:
        variance = causes @ squares + 1e-4
        return float(np.mean(errors / variance + np.log(variance)))

    starts = [np.eye(3)[n] + 0.05 for n in range(3)]
    found = [minimize(unlikely, start, bounds=[(0, None)] * 3, method="L-BFGS-B") for start in starts]
    squares = min(found, key=lambda one: one.fun).x
    distances, cohorts = np.sqrt(errors / (causes @ squares + 1e-4)), np.array([c.cohort for c in known])
    apart = [distances[cohorts == cohort] for cohort in set(cohorts)]
    far = max(conformal(group) for group in (distances, *apart) if len(group) >= LEAST_CASES) / NORMAL_SDS
    network, noise, mask = np.sqrt(squares) * max(far, 1.0)
    return float(network), float(noise), float(mask)


def _error_and_causes(case: Comparison) -> tuple[float, float, float, float]:
    """On the scanner's true line."""
    error = case.calibrated_mg_cm3 - case.truth_mg_cm3
    return error, case.network_sd_mg_cm3, case.noise_sd_mg_cm3, case.mask_sd_mg_cm3


def conformal(distances: np.ndarray) -> float:
    """Within which 95 % of the next cases lie, too: a case beyond the quantile of those at hand (split conformal)."""
    return float(np.quantile(distances, min(COVERED * (1 + 1 / len(distances)), 1.0), method="higher"))


def scales_of(cases: Sequence[Comparison]) -> Scales:
    """All scales; a group of too few cases takes those of all cases, and none is surer than a normal distribution.

    Raises:
        BadInput: too few cases.
    """
    network, noise, mask = (round(weight, 3) for weight in weights_of(cases))
    scales = Scales(network, noise, mask)
    means = [mean for way in WAYS for mean in means_of(cases, way)]
    interval, steepness = {}, {}
    for group in GROUPS:
        own = [mean for mean in means if mean.causes.group == group]
        errors = _in_sds(own if len(own) >= LEAST_CASES else means, scales)
        interval[group] = round(max(conformal(np.abs(errors)), NORMAL_SDS), 3)
        steepness[group] = round(min(steepness_of(errors), NORMAL_STEEPNESS), 3)
    return replace(scales, interval=interval, steepness=steepness)


def _in_sds(means: Sequence[Mean], scales: Scales) -> np.ndarray:
    """(N,) truth less mean, in SDs."""
    sd = [scales.uncertainty(mean.bmd_mg_cm3, mean.causes).sd for mean in means]
    return -np.array([mean.error_mg_cm3 for mean in means]) / sd


def steepness_of(errors: np.ndarray) -> float:
    """Of the logistic curve through (0, 50 %) that tells how many truths lie below so many SDs from the mean.

    Args:
        errors: (N,) truth less mean, in SDs.
    """
    distance, error = (grid.reshape(-1) for grid in np.meshgrid(DISTANCES, errors))
    fit = LogisticRegression(fit_intercept=False, C=1e6).fit(distance[:, None], error < distance)
    return float(fit.coef_[0, 0])


def described(cases: Sequence[Comparison]) -> str:
    """ "60 of many-scanners, seeds 930000 to 930059"."""
    told = []
    for cohort in sorted({c.cohort for c in cases}):
        seeds = [c.seed for c in cases if c.cohort == cohort and c.seed is not None]
        count = sum(c.cohort == cohort for c in cases)
        told.append(f"{count} of {cohort}" + (f", seeds {min(seeds)} to {max(seeds)}" if seeds else ""))
    return "; ".join(told)


def calibrate(models: Path, cases: Sequence[Comparison]) -> Scales:
    """Writes the scales into the BMD model's card, with what they were fitted on, and returns them.

    Raises:
        BadInput: too few cases, another model's cases, or no model.
    """
    card = card_of(models, cases)
    scales = scales_of(cases)
    outputs = {**card.outputs, SCALES: scales.as_output()}
    save_card(models, replace(card, outputs=outputs, figures={**card.figures, FITTED_ON: described(cases)}))
    return scales


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the scales and how they do on the cases to judge; returns the exit status, 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="opportunistic-bmd-lab calibrate-uncertainty", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("cases", type=Path, nargs="+", help="cases.csv of an evaluation of these models (repeatable)")
    parser.add_argument("--judge", type=Path, nargs="+", default=[], help="cases.csv of other patients")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder whose BMD card is changed")
    options = parser.parse_args(arguments)

    def work() -> None:
        fitted, judged = (_all_of(paths) for paths in (options.cases, options.judge))
        _check_apart(fitted, judged)
        scales = calibrate(options.output, fitted)
        print(f"fitted on {described(fitted)}\n{json.dumps(scales.as_output(), indent=1)}")
        if judged:
            print(f"\njudged on {described(judged)}\n\n{trust_table(judged, scales)}")
            print(f"\n{probability_table(judged, scales, before=Scales())}")

    return exit_status(work)


def _all_of(paths: Sequence[Path]) -> list[Comparison]:
    return [comparison for path in paths for comparison in load_comparisons(path)]


def _check_apart(fitted: Sequence[Comparison], judged: Sequence[Comparison]) -> None:
    twice = {(c.cohort, c.id) for c in fitted} & {(c.cohort, c.id) for c in judged}
    if twice:
        raise BadInput(f"{len(twice)} cases are both to fit and to judge on; judge on others.")


if __name__ == "__main__":
    sys.exit(main())
