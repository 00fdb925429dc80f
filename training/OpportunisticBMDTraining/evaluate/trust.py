"""What intervals and probabilities are worth: how often they hold, how wide they are, by cohort and line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from OpportunisticBMDLib.core.calibration_line import LineKind
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.stages.uncertainty import Causes, Scales, group_of
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.evaluate.comparisons import Comparison
from OpportunisticBMDTraining.evaluate.statistics import proportion, reliability

DEFAULT_LINE, LINE_ON_FILE = "the line at hand", "the scanner's line on file"
WAYS = (DEFAULT_LINE, LINE_ON_FILE)
AGENT = {None: "all", False: "without contrast agent", True: "with contrast agent"}
HEADER = (
    "cohort",
    "line",
    "patients",
    "n",
    "95 % interval covers",
    "half its width, mean (mg/cm³)",
    "of the line alone",
)
NEAR_MG_CM3 = np.arange(60.0, 141.0, 10.0)  # thresholds around those of the categories, for a curve of reliability


@dataclass(frozen=True)
class Mean:
    """A mean density by one line, beside the truth.

    Args:
        interval: as the result shows it.
    """

    bmd_mg_cm3: float
    truth_mg_cm3: float
    causes: Causes
    interval: tuple[float, float]

    @property
    def error_mg_cm3(self) -> float:
        return self.bmd_mg_cm3 - self.truth_mg_cm3

    @property
    def is_covered(self) -> bool:
        return self.interval[0] <= self.truth_mg_cm3 <= self.interval[1]

    def scaled(self, scales: Scales) -> Mean:
        """With the interval that other scales give."""
        return replace(self, interval=scales.uncertainty(self.bmd_mg_cm3, self.causes).interval_mg_cm3)

    def below(self, threshold: float, scales: Scales) -> float:
        """The probability of a true density below a threshold (mg/cm3)."""
        sd = scales.uncertainty(self.bmd_mg_cm3, self.causes).sd
        return scales.below(threshold, self.bmd_mg_cm3, sd, self.causes.group)


def means_of(cases: Sequence[Comparison], way: str) -> list[Mean]:
    """Of the cases of which all is known, by the line that the chain took or the one on file."""
    found = [
        _by_line_at_hand(c) if way == DEFAULT_LINE else _by_line_on_file(c) for c in cases if c.corrected is not None
    ]
    return [mean for mean in found if mean is not None and _is_known(mean)]


def _by_line_at_hand(case: Comparison) -> Mean | None:
    if case.line not in get_args(LineKind):
        return None
    causes = _causes(case, case.line, case.line_sd_mg_cm3)  # type: ignore[arg-type]  # one of these
    return Mean(case.bmd_mg_cm3, case.truth_mg_cm3, causes, (case.low_mg_cm3, case.high_mg_cm3))


def _by_line_on_file(case: Comparison) -> Mean:
    causes = _causes(case, "scanner", case.filed_line_sd_mg_cm3)
    return Mean(case.filed_mg_cm3, case.truth_mg_cm3, causes, (case.filed_low_mg_cm3, case.filed_high_mg_cm3))


def _causes(case: Comparison, kind: LineKind, line_sd: float) -> Causes:
    group = group_of(kind, is_corrected=bool(case.corrected))
    parts = case.network_sd_mg_cm3, case.noise_sd_mg_cm3, case.mask_sd_mg_cm3, line_sd, case.correction_sd_mg_cm3
    return Causes(*parts, group=group)


def _is_known(mean: Mean) -> bool:
    causes = mean.causes
    parts = causes.network, causes.noise, causes.mask, causes.calibration, causes.correction
    return bool(np.isfinite((mean.bmd_mg_cm3, mean.truth_mg_cm3, *parts)).all())


def trust_table(cases: Sequence[Comparison], scales: Scales | None = None) -> str:
    """Markdown: coverage and width by cohort, line and contrast agent.

    Args:
        scales: to judge instead of those that the cases were measured with.
    """
    return markdown(HEADER, _trust_rows(cases, scales))


def _trust_rows(cases: Sequence[Comparison], scales: Scales | None) -> Iterator[tuple[str, ...]]:
    for cohort in sorted({c.cohort for c in cases}):
        for way in WAYS:
            for given, title in AGENT.items():
                chosen = [c for c in cases if c.cohort == cohort and given in (None, c.facts.contrast)]
                means = [mean.scaled(scales) if scales else mean for mean in means_of(chosen, way)]
                means = [mean for mean in means if np.isfinite(mean.interval).all()]
                if means:
                    yield (cohort, way, title, *_coverage(means))


def _coverage(means: Sequence[Mean]) -> tuple[str, ...]:
    half = float(np.mean([(mean.interval[1] - mean.interval[0]) / 2 for mean in means]))
    line = 1.96 * float(np.mean([mean.causes.calibration for mean in means]))
    covered = words.share(proportion([mean.is_covered for mean in means]))
    return f"{len(means)}", covered, words.number(half, 1), words.number(line, 1)


def probability_table(cases: Sequence[Comparison], scales: Scales, before: Scales) -> str:
    """Markdown: Brier scores at both thresholds, and how often a probability came true, with two kinds of scales.

    The lowest row of each line pools the thresholds from 60 to 140 mg/cm3, since few patients lie near two of them.
    """
    rows = []
    for cohort in sorted({c.cohort for c in cases}):
        for way in WAYS:
            means = means_of([c for c in cases if c.cohort == cohort], way)
            limits = {"osteoporosis": [Thresholds().osteoporosis], "abnormal": [Thresholds().osteopenia]}
            for name, thresholds in {**limits, "60 to 140": list(NEAR_MG_CM3)}.items():
                rows.append(
                    (cohort, way, name, *(_reliability(means, thresholds, given) for given in (before, scales)))
                )
    return markdown(("cohort", "line", "below", "before: Brier; said → came true", "after"), rows)


def _reliability(means: Sequence[Mean], thresholds: Sequence[float], scales: Scales) -> str:
    pairs = [(mean.truth_mg_cm3 < t, mean.below(t, scales)) for mean in means for t in thresholds]
    found = reliability(*np.array(pairs).T) if pairs else None
    if found is None:
        return words.DASH
    told = ", ".join(f"{p:.0%} → {o.value:.0%} ({o.n})" for p, o in zip(found.predicted, found.observed))
    return f"{found.brier:.4f}; {told}"
