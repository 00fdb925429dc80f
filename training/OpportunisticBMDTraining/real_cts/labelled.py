"""Masks against the vertebrae that another program labelled on public CTs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.real_cts.chain import Outcome
from OpportunisticBMDTraining.real_cts.mask_fit import LabelledVertebrae, MaskFit, mask_fit
from OpportunisticBMDTraining.real_cts.plan import LABELLED, Trial, TrialPlan

TITLE = "Labelled CTs"
HEADER = ("CT", "models", "vertebra", "centroid in it", "mask inside it", "body covered", "BMD (mg/cm³)", "status")
NOTHING = MaskFit(centroid_inside=False, inside=float("nan"), covering=0.0)


@dataclass(frozen=True)
class MaskGoal:
    """Least shares, 0..1, that every vertebra is to reach."""

    inside: float
    covering: float

    def is_reached(self, figures: MaskFit) -> bool:
        """Not by a vertebra that was not found."""
        return figures.centroid_inside and figures.inside >= self.inside and figures.covering >= self.covering


SEEN, LEFT_OUT = MaskGoal(0.97, 0.85), MaskGoal(0.95, 0.75)


def trials(plan: TrialPlan) -> list[Trial]:
    """Every labelled CT with all models that there are for it."""
    return [trial for scan in plan.scans(LABELLED) for trial in plan.trials(scan)]


def report(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> str:
    """A row for every vertebra, and how many reach their goal."""
    asked = trials(plan)
    if not asked:
        return "Left out: no labelled CT is among those that were asked for."
    folders = {trial.scan.path.parent for trial in asked}
    truths = {folder: LabelledVertebrae.load(folder / "labels.nii.gz") for folder in folders}
    rows: list[tuple[str, ...]] = []
    found: dict[MaskGoal, list[MaskFit]] = {SEEN: [], LEFT_OUT: []}
    for trial in asked:
        outcome = runs[trial]
        if isinstance(outcome, BadInput):
            rows.append((trial.scan.name, trial.title, "", "", "", "", "", str(outcome)))
            continue
        for vertebra in VERTEBRAE:
            figures = _figures(vertebra, outcome, truths[trial.scan.path.parent])
            found[LEFT_OUT if trial.is_left_out else SEEN].append(figures)
            rows.append(_row(trial, vertebra, figures, outcome))
    goals = [_goal_line(goal, figures) for goal, figures in found.items() if figures]
    return "\n\n".join([markdown(HEADER, rows), *goals])


def _figures(vertebra: str, run: Run, truth: LabelledVertebrae) -> MaskFit:
    found = run.result.vertebrae.get(vertebra)
    if run.segmentation is None or found is None or found.mask is None:
        return NOTHING
    return mask_fit(vertebra, run.segmentation.labels, truth, found.mask.centroid_ras_mm)


def _row(trial: Trial, vertebra: str, figures: MaskFit, run: Run) -> tuple[str, ...]:
    found = run.result.vertebrae.get(vertebra)
    bmd = found.bmd_mg_cm3 if isinstance(found, MeasuredVertebra) else None
    return (
        trial.scan.name,
        trial.title,
        vertebra,
        "yes" if figures.centroid_inside else "no",
        words.percent(figures.inside),
        words.percent(figures.covering),
        words.DASH if bmd is None else words.number(bmd, 1),
        run.result.status,
    )


def _goal_line(goal: MaskGoal, found: Sequence[MaskFit]) -> str:
    which = "left out of the fit" if goal is LEFT_OUT else "with the models for every CT"
    reached = sum(goal.is_reached(figures) for figures in found)
    return (
        f"Goal {which}: centroid in its vertebra, at least {goal.inside:.0%} of the mask inside it, at least "
        f"{goal.covering:.0%} of the body's inside covered; reached by {reached} of {len(found)} vertebrae."
    ).replace("%", " %")
