"""How the vertebrae of real CTs are named, how sure that is, and which ribs were seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.levels import Levels
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDLib.quality.levels import is_sure
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.known_levels import TOLERANCE, Spans, slice_from_feet
from OpportunisticBMDTraining.real_cts import labelled, unlabelled
from OpportunisticBMDTraining.real_cts.chain import Outcome
from OpportunisticBMDTraining.real_cts.mask_fit import LabelledVertebrae
from OpportunisticBMDTraining.real_cts.plan import UNLABELLED, Trial, TrialPlan

TITLE = "Which vertebrae these are"
RIBS_OF = ("T11", "T12", "L1")
HEADER = ("CT", "models", "named", "sure", *(f"ribs of {name} (right, left)" for name in RIBS_OF), "status")
RIGHT, WRONG, NOTHING = "right", "**wrong**", "–"


def trials(plan: TrialPlan) -> list[Trial]:
    """Every CT whose levels are known with all models that there are for it."""
    return labelled.trials(plan) + unlabelled.trials(plan)


def report(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> str:
    """A row for every CT, and how many are named right, or wrong without a word."""
    asked = trials(plan)
    if not asked:
        return "Left out: no CT whose levels are known is among those that were asked for."
    rows, right, silent = [], 0, 0
    for trial in asked:
        outcome = runs[trial]
        if isinstance(outcome, BadInput):
            rows.append((trial.scan.name, trial.title, *[""] * (len(HEADER) - 3), str(outcome)))
            continue
        named = _named(plan, trial, outcome)
        levels = outcome.result.levels
        right += named == RIGHT
        silent += named == WRONG and levels is not None and is_sure(levels)
        rows.append((trial.scan.name, trial.title, named, *_evidence(levels), outcome.result.status))
    return f"{markdown(HEADER, rows)}\n\n{right} of {len(asked)} named right, {silent} wrong without a word."


def _named(plan: TrialPlan, trial: Trial, run: Run) -> str:
    levels = run.result.levels
    if levels is None or run.segmentation is None:
        return NOTHING
    if trial.scan.group == UNLABELLED:
        return RIGHT if _on_slices(levels, run, plan.levels[trial.scan.name]) else WRONG
    return RIGHT if _in_labels(levels, trial.scan.path.parent) else WRONG


def _on_slices(levels: Levels, run: Run, expected: Spans) -> bool:
    grid = run.segmentation.labels.grid  # type: ignore[union-attr]  # not None: see `_named`
    seen = {name: levels.find(name) for name in expected}
    return all(
        vertebra is not None and first - TOLERANCE <= slice_from_feet(grid, vertebra.centre_ras_mm) <= last + TOLERANCE
        for (first, last), vertebra in zip(expected.values(), seen.values(), strict=True)
    )


def _in_labels(levels: Levels, folder: Path) -> bool:
    """Whether the middle of each body lies in the vertebra of its name."""
    whole = LabelledVertebrae.load(folder / "labels.nii.gz").whole
    middles = [(label, levels.find(name)) for name, label in LABELS.items()]
    return all(
        v is not None and whole.array[tuple(np.round(whole.grid.index_of(v.centre_ras_mm)).astype(int))] == label
        for label, v in middles
    )


def _evidence(levels: Levels | None) -> tuple[str, ...]:
    """How sure, and the ribs of three vertebrae."""
    if levels is None:
        return (NOTHING,) * (1 + len(RIBS_OF))
    seen = [levels.find(name) for name in RIBS_OF]
    ribs = [NOTHING if v is None else f"{v.right.state}, {v.left.state}" for v in seen]
    return words.percent(levels.probability), *ribs
