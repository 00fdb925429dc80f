"""Scales the BMD model's spread to the errors of an evaluation, so that its 95 % intervals hold the truth that often.

`opportunistic-bmd-lab spread CASES.csv [CASES.csv ...] -o MODELS`, with cases that `evaluate -o` wrote for the
same models, of other patients than those that the figures are given for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import ModelCard, load_card, save_card
from OpportunisticBMDLib.results.wording import INTERVAL_SDS
from OpportunisticBMDLib.stages.measure import SPREAD
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, load_comparisons
from OpportunisticBMDTraining.evaluate.figures import known

COVERED = 95.0  # percent
LEAST_CASES = 20  # fewer say nothing about one case in twenty


def scale_of(comparisons: Sequence[Comparison]) -> float:
    """What the predicted SDs have to be multiplied by for intervals that cover 95 % of the true densities.

    The densities are those with the scanner's own line given: how scanners differ is accounted for elsewhere.

    Raises:
        BadInput: too few cases with density, SD and truth.
    """
    found, truth, sd = known(comparisons, "calibrated_mg_cm3", "truth_mg_cm3", "calibrated_sd_mg_cm3")
    if len(found) < LEAST_CASES:
        raise BadInput(
            f"{len(found)} cases have a density, its SD and the truth with the scanner's line given, and {LEAST_CASES} "
            "are needed; evaluate more virtual patients."
        )
    return float(np.percentile(np.abs(found - truth) / sd, COVERED) / INTERVAL_SDS)


def card_of(models: Path, comparisons: Sequence[Comparison]) -> ModelCard:
    """The card of the BMD model that measured the cases.

    Raises:
        BadInput: another model measured them, or there is no model.
    """
    card = load_card("bmd", models)
    name = f"bmd: {card.name} {card.sha256[:12]}"
    if any(name not in c.models for c in comparisons if c.models):
        raise BadInput(f"The cases were not measured by the BMD model in {models} ({name}); evaluate that model.")
    return card


def rescale(models: Path, comparisons: Sequence[Comparison]) -> float:
    """Writes the new scale into the BMD model's card, and returns it.

    Raises:
        BadInput: too few cases, another model's cases, or no model.
    """
    card = card_of(models, comparisons)
    scale = round(card.outputs.get(SPREAD, 1.0) * scale_of(comparisons), 3)
    save_card(models, replace(card, outputs={**card.outputs, SPREAD: scale}))
    return scale


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the new scale; returns the exit status, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab spread", description=__doc__.partition("\n")[0])
    parser.add_argument("cases", type=Path, nargs="+", help="cases.csv of an evaluation of these models (repeatable)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder whose BMD card is changed")
    options = parser.parse_args(arguments)

    def work() -> None:
        comparisons = [comparison for path in options.cases for comparison in load_comparisons(path)]
        print(f"spread scale {rescale(options.output, comparisons):g}, from {len(comparisons)} cases")

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
