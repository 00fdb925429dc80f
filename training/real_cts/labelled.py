"""Masks against the vertebrae that another program labelled on public CTs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from training.evaluate import words
from training.markdown import markdown
from training.real_cts.chain import Outcome
from training.real_cts.figures import LabelledVertebrae, MaskFigures, mask_figures
from training.real_cts.plan import LABELLED, Plan, Trial

TITLE = "Labelled CTs"
HEADER = ("CT", "models", "vertebra", "centroid in it", "mask inside it", "body covered", "BMD (mg/cm³)", "status")
NOTHING = MaskFigures(centroid_inside=False, inside=float("nan"), covering=0.0)


@dataclass(frozen=True)
class Goal:
    """Least shares, 0..1, that every vertebra is to reach."""

    inside: float
    covering: float

    def is_reached(self, figures: MaskFigures) -> bool:
        """Not by a vertebra that was not found."""
        return figures.centroid_inside and figures.inside >= self.inside and figures.covering >= self.covering


SEEN, LEFT_OUT = Goal(0.97, 0.85), Goal(0.95, 0.75)


def trials(plan: Plan) -> list[Trial]:
    """Every labelled CT with all models that there are for it."""
    return [trial for scan in plan.scans(LABELLED) for trial in plan.trials(scan)]


def report(plan: Plan, runs: Mapping[Trial, Outcome]) -> str:
    """A row for every vertebra, and how many reach their goal."""
    asked = trials(plan)
    if not asked:
        return "Left out: no labelled CT is among those that were asked for."
    folders = {trial.scan.path.parent for trial in asked}
    truths = {folder: LabelledVertebrae.read(folder / "labels.nii.gz") for folder in folders}
    rows, found = [], {SEEN: [], LEFT_OUT: []}
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


def _figures(vertebra: str, run: Run, truth: LabelledVertebrae) -> MaskFigures:
    measurement = run.result.vertebrae.get(vertebra)
    if run.segmentation is None or measurement is None:
        return NOTHING
    return mask_figures(vertebra, run.segmentation.labels, truth, measurement.centroid_ras_mm)


def _row(trial: Trial, vertebra: str, figures: MaskFigures, run: Run) -> tuple[str, ...]:
    measurement = run.result.vertebrae.get(vertebra)
    bmd = measurement.bmd_mg_cm3 if measurement else None
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


def _goal_line(goal: Goal, found: Sequence[MaskFigures]) -> str:
    which = "left out of the fit" if goal is LEFT_OUT else "with the models for every CT"
    reached = sum(goal.is_reached(figures) for figures in found)
    return (
        f"Goal {which}: centroid in its vertebra, at least {goal.inside:.0%} of the mask inside it, at least "
        f"{goal.covering:.0%} of the body's inside covered; reached by {reached} of {len(found)} vertebrae."
    ).replace("%", " %")
