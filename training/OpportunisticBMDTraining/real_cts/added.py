"""Known hydroxyapatite is added to the cancellous bone of real CTs: is the change measured?

The change is made on the CT as it is, then the CT is shown as another scan would, then it is segmented in the box of
the bone and measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.known_levels import write_picture
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.real_cts.chain import Outcome
from OpportunisticBMDTraining.real_cts.degraded import within
from OpportunisticBMDTraining.real_cts.density import with_added
from OpportunisticBMDTraining.real_cts.plan import LABELLED, UNLABELLED, Trial, TrialPlan
from OpportunisticBMDTraining.real_cts.response import GOAL, TOLERANCE, SlopeSpread, slope_of, spread_of
from OpportunisticBMDTraining.real_cts.variants import VARIANTS, changes

TITLE = "Hydroxyapatite added to cancellous bone"
ADDED_MG_CM3 = (-60.0, 0.0, 60.0)
LEAST_VERTEBRAE = 2
HEADER = ("CT", "variant", "slope, network", "slope, DenseNet", "BMD at 0", "DenseNet at 0", "vertebrae", "remarks")
SUMMARY = ("variant", "reading", "CTs", f"within {GOAL:.0f} ± {TOLERANCE}", "mean", "SD", "min", "max")


@dataclass(frozen=True, eq=False)
class Response:
    """The results of one CT in one variant, in the order of `ADDED_MG_CM3`."""

    ct: str
    variant: str
    results: tuple[Result, ...]

    @property
    def shown(self) -> list[float]:
        """The reading, mg/cm3; NaN where it was refused."""
        return [np.nan if r.bmd_mg_cm3 is None else r.bmd_mg_cm3 for r in self.results]

    @property
    def network(self) -> list[float]:
        """What the network would read of the same vertebrae, mg/cm3; NaN where it was refused."""
        return [np.nan if r.network_bmd_mg_cm3 is None else r.network_bmd_mg_cm3 for r in self.results]

    @property
    def slopes(self) -> dict[str, float]:
        """Of both readings."""
        readings = {"reading": self.shown, "DenseNet": self.network}
        return {name: slope_of(ADDED_MG_CM3, reading) for name, reading in readings.items()}

    @property
    def remarks(self) -> str:
        """Where it was refused, and why."""
        refused = [
            f"refused at {words.number(added, 0, sign=True)}: "
            + ", ".join(reason.code for reason in result.reasons if reason.severity == "refusal")
            for added, result in zip(ADDED_MG_CM3, self.results)
            if result.status == "refused"
        ]
        return "; ".join(refused)


def trials(plan: TrialPlan) -> list[Trial]:
    """Every CT once, with the models for all: where its cancellous bone is, and the box in which it is segmented."""
    return [Trial(scan, plan.models) for group in (LABELLED, UNLABELLED) for scan in plan.scans(group)]


def report(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> str:
    """A row for every CT and variant, then the spread of the slopes."""
    asked = trials(plan)
    masks = {trial: labels for trial in asked if (labels := _masks(runs[trial])) is not None}
    parts = []
    if masks:
        responses = _responses(plan, masks)
        parts = [markdown(HEADER, map(_row, responses)), markdown(SUMMARY, _summary(responses))]
    missing = [trial.scan.name for trial in asked if trial not in masks]
    if missing:
        parts.append(f"Left out, since fewer than two vertebrae are found on them: {', '.join(missing)}.")
    return "\n\n".join(parts)


def _masks(outcome: Outcome) -> Volume | None:
    """Of a run that found enough vertebrae."""
    if not isinstance(outcome, Run) or outcome.segmentation is None:
        return None
    labels = outcome.segmentation.labels
    return labels if np.count_nonzero(np.unique(labels.array)) >= LEAST_VERTEBRAE else None


def _responses(plan: TrialPlan, masks: Mapping[Trial, Volume]) -> list[Response]:
    kinds = [(trial, v) for trial, labels in masks.items() for v in VARIANTS if changes(v, labels.grid)]
    tasks = [
        (trial, masks[trial], variant, added, _picture(plan, trial, variant, added))
        for trial, variant in kinds
        for added in ADDED_MG_CM3
    ]
    results = iter(each(_run, tasks, jobs=plan.jobs, title="added", unit="run"))
    # One iterator three times over: the results are taken in threes, as the tasks were laid out.
    found = zip(*[results] * len(ADDED_MG_CM3), strict=True)
    return [Response(trial.scan.name, variant, three) for (trial, variant), three in zip(kinds, found)]


@lru_cache(maxsize=1)
def _read(path: Path) -> CT:
    """All runs of a CT follow each other."""
    return read_ct(path)


def _run(trial: Trial, labels: Volume, variant: str, added: float, picture: Path | None) -> Result:
    ct = _read(trial.scan.path)
    centre = labels.grid.ras_of(np.argwhere(labels.array)).mean(axis=0)
    volume = with_added(ct.volume, labels, added, line_for(ct.acquisition.kvp))
    changed = CT(VARIANTS[variant](volume, centre), ct.acquisition)
    run = within(pipeline(trial.models), changed, labels, line_for(ct.acquisition.kvp))
    if picture:
        write_picture(changed, run, picture)
    return run.result


def _picture(plan: TrialPlan, trial: Trial, variant: str, added: float) -> Path | None:
    sign = "minus" if added < 0 else "plus"
    return plan.picture(trial.scan.name.partition(".")[0], trial.title, variant, f"{sign}-{abs(added):.0f}-mg")


def _row(response: Response) -> tuple[str, ...]:
    at_zero = ADDED_MG_CM3.index(0.0)
    used = dict.fromkeys("+".join(result.vertebrae_used) for result in response.results if result.vertebrae_used)
    return (
        response.ct,
        response.variant,
        *(words.number(slope, 3) for slope in response.slopes.values()),
        words.number(response.shown[at_zero], 1),
        words.number(response.network[at_zero], 1),
        ", ".join(used),
        response.remarks,
    )


def _summary(responses: Sequence[Response]) -> list[tuple[str, ...]]:
    rows = []
    for variant in VARIANTS:
        slopes = [response.slopes for response in responses if response.variant == variant]
        for reading in ("reading", "DenseNet"):
            rows.append((variant, reading, *_spread(spread_of([s[reading] for s in slopes]))))
    return rows


def _spread(spread: SlopeSpread) -> tuple[str, ...]:
    figures = (spread.mean, spread.sd, spread.least, spread.most)
    return str(spread.n), str(spread.reached), *(words.number(figure, 3) for figure in figures)
