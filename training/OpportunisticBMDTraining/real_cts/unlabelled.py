"""Centroids against the slices of T12, L1 and L2 that a person has named."""

from __future__ import annotations

from collections.abc import Mapping

from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.known_levels import HEADER, TOLERANCE, in_place, level_rows
from OpportunisticBMDTraining.real_cts.chain import Outcome
from OpportunisticBMDTraining.real_cts.plan import UNLABELLED, Trial, TrialPlan

TITLE = "CTs whose levels were read by eye"
COLUMNS = ("models", *HEADER)
NONE_AT_HAND = (
    "Left out: no CTs whose levels were read by eye are at hand; give their folder, with levels.csv, as --unlabelled."
)


def trials(plan: TrialPlan) -> list[Trial]:
    """Every CT of levels.csv with all models that there are for it."""
    return [trial for scan in plan.scans(UNLABELLED) for trial in plan.trials(scan)]


def report(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> str:
    """A row for every vertebra, and how many centroids are in place."""
    if plan.unlabelled is None:
        return NONE_AT_HAND
    expected = plan.levels
    rows = [
        (trial.title, *row)
        for trial in trials(plan)
        for row in level_rows(trial.scan.name, expected[trial.scan.name], runs[trial])
    ]
    if not rows:
        return "Left out: none of these CTs is among those that were asked for."
    inside = sum(len(in_place(expected[trial.scan.name], runs[trial])) for trial in trials(plan))
    total = sum(len(expected[trial.scan.name]) for trial in trials(plan))
    return f"{markdown(COLUMNS, rows)}\n\n{inside} of {total} centroids lie within {TOLERANCE} slices of their body."
