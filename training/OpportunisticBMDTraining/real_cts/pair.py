"""One patient on one day, without and with contrast agent: the density should be the same."""

from __future__ import annotations

from collections.abc import Mapping

from OpportunisticBMDLib.core.vertebra import VertebraFigures
from OpportunisticBMDLib.pipeline import Run
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.known_levels import in_place
from OpportunisticBMDTraining.real_cts.chain import Outcome
from OpportunisticBMDTraining.real_cts.plan import UNLABELLED, Trial, TrialPlan

TITLE = "One patient without and with contrast"
NATIVE, CONTRAST = "hcc-005-native", "hcc-005-contrast"
COMPARED = ("T12", "L1")  # the scans end within L2
READINGS = {"reading": "bmd_mg_cm3", "DenseNet": "network_bmd_mg_cm3"}
HEADER = ("models", "vertebra", "BMD (mg/cm³)", "native", "contrast", "difference", "both in place")


def trials(plan: TrialPlan) -> list[Trial]:
    """Both scans, with all models that there are for both."""
    return [trial for pair in _pairs(plan) for trial in pair]


def report(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> str:
    """A row for every vertebra and reading; differences are contrast minus native.

    They only mean something where both centroids are in place (see `unlabelled`): else two bones are compared.
    """
    right = _in_place(plan, runs)
    rows = [
        (
            native.title,
            vertebra,
            reading,
            *_figures(runs[native], runs[contrast], vertebra, key),
            "yes" if {(native, vertebra), (contrast, vertebra)} <= right else "no",
        )
        for native, contrast in _pairs(plan)
        for vertebra in COMPARED
        for reading, key in READINGS.items()
    ]
    if not rows:
        return f"Left out: {NATIVE} and {CONTRAST} are not both at hand, or were not both asked for."
    return markdown(HEADER, rows)


def _pairs(plan: TrialPlan) -> list[tuple[Trial, Trial]]:
    """Both scans with the same models, as often as there are models for both."""
    found: list[dict[str, Trial]] = []
    for name in (NATIVE, CONTRAST):
        scans = [scan for scan in plan.scans(UNLABELLED) if scan.name.startswith(name)]
        found.append({trial.title: trial for scan in scans for trial in plan.trials(scan)})
    natives, contrasts = found
    return [(native, contrasts[title]) for title, native in natives.items() if title in contrasts]


def _in_place(plan: TrialPlan, runs: Mapping[Trial, Outcome]) -> set[tuple[Trial, str]]:
    """Which vertebrae of which runs lie where their levels are."""
    return {
        (trial, vertebra) for trial in trials(plan) for vertebra in in_place(plan.levels[trial.scan.name], runs[trial])
    }


def _figures(native: Outcome, contrast: Outcome, vertebra: str, key: str) -> tuple[str, str, str]:
    first, second = (_reading(outcome, vertebra, key) for outcome in (native, contrast))
    return words.number(first, 1), words.number(second, 1), words.number(second - first, 1, sign=True)


def _reading(outcome: Outcome, vertebra: str, key: str) -> float:
    found = outcome.result.vertebrae.get(vertebra) if isinstance(outcome, Run) else None
    return float(getattr(VertebraFigures.of(found), key))
