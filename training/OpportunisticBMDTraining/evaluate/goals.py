"""The figures that are to be reached on virtual patients, and what the paper reports (Niu et al., QIMS 2023)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.evaluate.figures import Figures
from OpportunisticBMDTraining.evaluate.statistics import Estimate, MethodAgreement, Proportion


@dataclass(frozen=True)
class Goal:
    """A range that a figure has to lie in; None where it is open."""

    low: float | None = None
    high: float | None = None

    def reached(self, value: float) -> bool:
        """NaN reaches nothing."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high) and value == value


@dataclass(frozen=True)
class GoalRow:
    """A line of the table: what the paper has, what is to be reached, what was measured.

    `reached` is None where nothing is to be reached.
    """

    name: str
    paper: str
    to_reach: str
    measured: str
    reached: bool | None


@dataclass(frozen=True)
class _Part:
    """One figure of a bar: how it is taken from the figures, how it is written, and the goals by cohort."""

    value: Callable[[Figures], float]
    text: Callable[[Figures], str]
    goals: Mapping[str, Goal]


@dataclass(frozen=True)
class _Bar:
    name: str
    paper: str
    goals: Mapping[str, str]
    parts: Sequence[_Part]


ONE, MANY = "one-scanner", "many-scanners"


def goal_rows(figures: Figures, cohort: str) -> tuple[GoalRow, ...]:
    """All bars; a cohort for which nothing is to be reached, e.g. an annotated dataset, has only the other columns."""
    rows = []
    for bar in BARS:
        parts = [(part, part.goals.get(cohort)) for part in bar.parts]
        set_goals = [goal.reached(part.value(figures)) for part, goal in parts if goal is not None]
        rows.append(
            GoalRow(
                name=bar.name,
                paper=bar.paper,
                to_reach=bar.goals.get(cohort, words.DASH),
                measured=" / ".join(part.text(figures) for part in bar.parts),
                reached=all(set_goals) if set_goals else None,
            )
        )
    return tuple(rows)


def _share(of: Callable[[Figures], Proportion], one: Goal, many: Goal) -> _Part:
    return _Part(lambda f: of(f).value, lambda f: words.share(of(f)), {ONE: one, MANY: many})


def _agreement(
    reading: str, value: Callable[[MethodAgreement], float], text: Callable[[MethodAgreement], str]
) -> Mapping:
    """`value` and `text` of one reading's agreement, where there is one."""

    def of(figures: Figures, take: Callable[[MethodAgreement], object], missing: object) -> object:
        found = figures.readings[reading]
        return missing if found is None else take(found)

    return {"value": lambda f: of(f, value, np.nan), "text": lambda f: of(f, text, words.DASH)}


def _auc(number: int, one: float, many: float) -> _Part:
    def estimate(figures: Figures) -> Estimate | None:
        curves = figures.conditions[number].curves_all
        return None if curves is None else curves.first

    return _Part(
        lambda f: e.value if (e := estimate(f)) else np.nan,
        lambda f: words.estimate(estimate(f), 3),
        {ONE: Goal(low=one), MANY: Goal(low=many)},
    )


def _sd_and_bias(reading: str, goals: Mapping[str, tuple[float, float]]) -> tuple[_Part, _Part]:
    return (
        _Part(
            **_agreement(reading, lambda a: a.sd, lambda a: words.number(a.sd)),
            goals={cohort: Goal(high=sd) for cohort, (sd, _) in goals.items()},
        ),
        _Part(
            **_agreement(reading, lambda a: a.bias.value, lambda a: words.number(a.bias.value, sign=True)),
            goals={cohort: Goal(-bias, bias) for cohort, (_, bias) in goals.items()},
        ),
    )


BARS = (
    _Bar(
        "Dice: mean / share > 0.9",
        "0.95 / 96.6 %",
        {ONE: "0.97 / 99 %", MANY: "0.95 / 97 %"},
        (
            _Part(
                lambda f: f.masks["all"].dice.mean,
                lambda f: words.number(f.masks["all"].dice.mean, 3),
                {ONE: Goal(low=0.97), MANY: Goal(low=0.95)},
            ),
            _share(lambda f: f.masks["all"].good, Goal(low=0.99), Goal(low=0.97)),
        ),
    ),
    _Bar(
        "Box found, all three vertebrae wholly inside the crop",
        "100 %",
        {ONE: "100 %", MANY: "99 %"},
        (_share(lambda f: f.localizer.in_crop, Goal(low=1.0), Goal(low=0.99)),),
    ),
    _Bar(
        "Upper and lower box edge within 6 mm of the truth",
        words.DASH,
        {ONE: "99 %", MANY: "97 %"},
        (_share(lambda f: f.localizer.edges, Goal(low=0.99), Goal(low=0.97)),),
    ),
    _Bar(
        "Vertebrae labelled right (13 ribs, 6 lumbar bodies: right or flagged)",
        words.DASH,
        {ONE: "100 %", MANY: "99 %"},
        (_share(lambda f: f.labelled, Goal(low=1.0), Goal(low=0.99)),),
    ),
    _Bar(
        "BMD error: SD / bias (mg/cm³)",
        "6.31 / +2.21",
        {ONE: "3 / 1"},
        _sd_and_bias("reading", {ONE: (3, 1)}),
    ),
    _Bar(
        "BMD error without contrast: SD / bias (mg/cm³)",
        words.DASH,
        {MANY: "7 / 2"},
        _sd_and_bias("reading, without contrast", {MANY: (7, 2)}),
    ),
    _Bar(
        "BMD error with contrast: SD / bias (mg/cm³)",
        words.DASH,
        {},
        _sd_and_bias("reading, with contrast", {}),
    ),
    _Bar(
        "BMD error without contrast, the scanner's own line given: SD / bias (mg/cm³)",
        words.DASH,
        {MANY: "4 / 1"},
        _sd_and_bias("reading, scanner's line given, without contrast", {MANY: (4, 1)}),
    ),
    _Bar(
        "What the chain's masks change beside the true ones: SD / bias (mg/cm³)",
        words.DASH,
        {ONE: "1.5", MANY: "1.5"},
        (
            _Part(
                lambda f: f.mask_effect.sd,
                lambda f: words.number(f.mask_effect.sd),
                {ONE: Goal(high=1.5), MANY: Goal(high=1.5)},
            ),
            _Part(lambda f: f.mask_effect.mean, lambda f: words.number(f.mask_effect.mean, sign=True), {}),
        ),
    ),
    _Bar(
        "R² of the regression",
        "0.967",
        {ONE: "0.99", MANY: "0.96"},
        (
            _Part(
                **_agreement("reading", lambda a: a.r2, lambda a: words.number(a.r2, 3)),
                goals={ONE: Goal(low=0.99), MANY: Goal(low=0.96)},
            ),
        ),
    ),
    _Bar(
        "AUC: osteoporosis / abnormal BMD",
        "0.984 / 0.993",
        {ONE: "0.995 / 0.997", MANY: "0.985 / 0.99"},
        (_auc(0, 0.995, 0.985), _auc(1, 0.997, 0.99)),
    ),
    _Bar(
        "95 % interval covers the truth",
        words.DASH,
        {ONE: "92–98 %", MANY: "92–98 %"},
        (_share(lambda f: f.coverage, Goal(0.92, 0.98), Goal(0.92, 0.98)),),
    ),
    _Bar(
        "95 % interval covers the truth with the scanner's own line given",
        words.DASH,
        {ONE: "92–98 %", MANY: "92–98 %"},
        (_share(lambda f: f.calibrated_coverage, Goal(0.92, 0.98), Goal(0.92, 0.98)),),
    ),
)


# The paper's Table 1 as printed: condition -> set -> AUC, sensitivity, specificity, PPV, NPV.
PAPER_TABLE_1 = {
    "osteoporosis": {
        "Paper, validation sets": (
            "0.987 (0.980–0.995)",
            "98.99% (98/99)",
            "92.36% (278/301)",
            "80.99% (98/121)",
            "99.64% (278/279)",
        ),
        "Paper, testing set": (
            "0.984 (0.965–1)",
            "95.45% (21/22)",
            "91.03% (71/78)",
            "75.00% (21/28)",
            "98.60% (71/72)",
        ),
    },
    "abnormal": {
        "Paper, validation sets": (
            "0.984 (0.974–0.994)",
            "95.98% (239/249)",
            "92.72% (140/151)",
            "95.60% (239/250)",
            "93.33% (140/150)",
        ),
        "Paper, testing set": (
            "0.993 (0.982–1)",
            "96.55% (56/58)",
            "100.00% (42/42)",
            "100.00% (56/56)",
            "95.45% (42/44)",
        ),
    },
}
# Of the paper's testing set, n = 100; the SD is what its limits of agreement imply.
PAPER_AGREEMENT = {
    "n": "100",
    "bias": "+2.21",
    "sd": "6.31 (from the limits)",
    "lower_limit": "−10.16",
    "upper_limit": "14.57",
    "r2": "0.967",
    "slope": "close to 1",
}
