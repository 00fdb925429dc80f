"""Real CTs as they are and as other scans would show them, against the reading of the untouched CT.

The masks that were reviewed give the reference, and the box in which AnatomyNet then draws masks of its own: what is
judged is the density, not the choice of levels. Densities are read through one line, whose uncertainty takes no part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.cases.reference import reference_of
from OpportunisticBMDLib.core.box import Box, box_ras
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Pipeline, Run
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.results.wording import INTERVAL_SDS
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.known_levels import Spans, segmented, write_picture
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.public_cts import labelled_ct
from OpportunisticBMDTraining.real_cts.chain import Outcome
from OpportunisticBMDTraining.real_cts.plan import LABELLED, UNLABELLED, Scan, Trial, TrialPlan
from OpportunisticBMDTraining.real_cts.variants import VARIANTS, changes

TITLE = "Real CTs as other scans would show them, against the untouched CT"
UNTOUCHED = "native"
GOALS = {UNTOUCHED: (1.5, 3.0), "all others": (2.0, 4.0)}  # |mean| and SD of the errors, mg/cm3
HEADER = ("variant", "n", "BMD − reference: mean / SD", "DenseNet − reference", "95 % interval covers")
OWN_HEADER = ("CT", "vertebra", "reference", "BMD", "DenseNet")
SINGLE, PAIRS = "Single vertebrae", "Means of the two vertebrae used"


@dataclass(frozen=True)
class Found:
    """One density beside its reference, mg/cm3.

    Args:
        vertebra: "T12", "L1" or "L2", or two of them for their mean.
        network: what the network would read.
    """

    ct: str
    variant: str
    vertebra: str
    shown: float
    sd: float
    network: float
    reference: float

    @property
    def is_covered(self) -> bool:
        """Whether the 95 % interval holds the reference."""
        return abs(self.shown - self.reference) <= INTERVAL_SDS * self.sd


def trials(plan: TrialPlan) -> list[Trial]:
    """None: the chain runs here, within the boxes of the reference's masks."""
    return []


def report(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> str:
    """A table of single vertebrae, one of the means, how they compare with the goals, and all untouched CTs."""
    asked = [_trial(plan, scan) for group in (LABELLED, UNLABELLED) for scan in plan.scans(group)]
    tasks = [
        (trial, plan.levels.get(trial.scan.name), plan.picture(trial.scan.name.partition(".")[0], "degraded"))
        for trial in asked
    ]
    found = [one for many in each(_found, tasks, jobs=plan.jobs, title="degraded", unit="CT") for one in many]
    if not found:
        return "Left out: no CT is among those that were asked for, or none has two whole vertebrae."
    single = [one for one in found if one.vertebra in VERTEBRAE]
    pairs = [one for one in found if one.vertebra not in VERTEBRAE]
    left_out = [f"{trial.scan.name} ({trial.title})" for trial in asked if trial.is_left_out]
    parts = [
        f"{SINGLE}:\n\n{markdown(HEADER, _rows(single))}",
        f"{PAIRS}:\n\n{markdown(HEADER, _rows(pairs))}",
        f"Each CT as it is:\n\n{markdown(OWN_HEADER, _own_rows(single))}",
    ]
    if left_out:
        parts.append(f"With models that were fitted without the patient: {', '.join(left_out)}.")
    return "\n\n".join(parts)


def _trial(plan: TrialPlan, scan: Scan) -> Trial:
    """With models that were fitted without the patient, where there are any."""
    return list(plan.trials(scan))[-1]


def _found(trial: Trial, spans: Spans | None, picture: Path | None) -> list[Found]:
    chain = pipeline(trial.models)
    ct = read_ct(trial.scan.path)
    labels = labelled_ct(trial.scan.name)[1] if spans is None else segmented(ct, spans, chain).labels
    line = exact(line_for(ct.acquisition.kvp))
    reference = reference_of(ct.volume, labels, ct.acquisition.kvp)
    centre = labels.grid.ras_of(np.argwhere(labels.array)).mean(axis=0)
    found = []
    for variant, change in VARIANTS.items():
        if changes(variant, ct.volume.grid):
            changed = CT(change(ct.volume, centre), ct.acquisition)
            run = within(chain, changed, labels, line)
            found += _compared(trial.scan.name, variant, run, reference)
            if picture and variant == UNTOUCHED:
                write_picture(changed, run, picture)
    return found


def within(chain: Pipeline, ct: CT, labels: Volume, line: Calibration) -> Run:
    """Segments and measures in the box of masks, through a line."""
    return replace(chain, calibration=line).segment_within(ct, Box(box_ras(labels), 1.0))


def exact(line: Calibration) -> Calibration:
    """The same line without its uncertainty: what is compared was read through it as well."""
    return replace(line, slope_sd=0.0, intercept_sd_hu=0.0)


def _compared(name: str, variant: str, run: Run, reference: Mapping[str, float | None]) -> list[Found]:
    result = run.result
    known = {v: bmd for v, bmd in reference.items() if bmd is not None}
    found = [
        Found(name, variant, v, m.bmd_mg_cm3, m.bmd_sd_mg_cm3, m.network_bmd_mg_cm3, known[v])
        for v, m in result.vertebrae.items()
        if isinstance(m, MeasuredVertebra) and v in known
    ]
    used = result.vertebrae_used
    if used and set(used) <= {one.vertebra for one in found}:
        truth = float(np.mean([known[v] for v in used]))
        found.append(Found(name, variant, "+".join(used), *_densities(result), truth))
    return found


def _densities(result: Result) -> tuple[float, float, float]:
    """What is shown, its SD, and what the network would read, mg/cm3; NaN where it is not known."""
    figures = (result.bmd_mg_cm3, result.bmd_sd_mg_cm3, result.network_bmd_mg_cm3)
    shown, sd, network = (float("nan") if figure is None else figure for figure in figures)
    return shown, sd, network


def _rows(found: Sequence[Found]) -> list[tuple[str, ...]]:
    groups = {variant: [one for one in found if one.variant == variant] for variant in VARIANTS}
    groups["all others"] = [one for one in found if one.variant != UNTOUCHED]
    return [(_title(variant), str(len(group)), *_cells(variant, group)) for variant, group in groups.items() if group]


def _title(variant: str) -> str:
    return "as it is" if variant == UNTOUCHED else variant


def _cells(variant: str, group: Sequence[Found]) -> tuple[str, ...]:
    shown, network = (np.array([getattr(one, kind) - one.reference for one in group]) for kind in ("shown", "network"))
    goal = ""
    if variant in GOALS:
        (mean, sd), reached = GOALS[variant], _is_reached(shown, *GOALS[variant])
        goal = f" (goal {mean:g} / {sd:g}: {'reached' if reached else 'missed'})"
    covered = sum(one.is_covered for one in group)
    return _spread(shown) + goal, _spread(network), f"{words.percent(covered / len(group))} ({covered}/{len(group)})"


def _is_reached(errors: np.ndarray, mean: float, sd: float) -> bool:
    return abs(errors.mean()) <= mean and _sd(errors) <= sd


def _spread(errors: np.ndarray) -> str:
    return f"{words.number(float(errors.mean()), sign=True)} / {words.number(_sd(errors))}"


def _sd(errors: np.ndarray) -> float:
    """NaN of a single one."""
    return float(errors.std(ddof=1)) if len(errors) > 1 else float("nan")


def _own_rows(found: Sequence[Found]) -> list[tuple[str, ...]]:
    return [
        (one.ct, one.vertebra, *(words.number(value, 1) for value in (one.reference, one.shown, one.network)))
        for one in found
        if one.variant == UNTOUCHED
    ]
