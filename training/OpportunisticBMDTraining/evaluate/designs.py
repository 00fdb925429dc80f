"""Designs side by side on the same patients: each a row, so that what is shipped is what wins (ablations)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.evaluate.comparisons import Comparison
from OpportunisticBMDTraining.evaluate.figures import figures_of, pairs
from OpportunisticBMDTraining.evaluate.statistics import MethodAgreement

NETWORK = "DenseNet"


@dataclass(frozen=True)
class DesignRow:
    """One row: a name, and column -> text."""

    name: str
    cells: Mapping[str, str]


def designs_of(named: Mapping[str, Sequence[Comparison]]) -> tuple[DesignRow, ...]:
    """A row for each set of records, in order, and one for the DenseNet on the masks of the first.

    Args:
        named: design -> its records; the first is the one that the others are compared with.

    Raises:
        ValueError: the records are not of the same patients.
    """
    names = list(named)
    reference = named[names[0]]
    for name in names[1:]:
        if {c.id for c in named[name]} != {c.id for c in reference}:
            raise ValueError(f"{name} was evaluated on other patients than {names[0]}; evaluate it on the same ones")
    rows = [_row(name, named[name], reference) for name in names]
    return (*rows, _network_row(reference))


def _row(name: str, comparisons: Sequence[Comparison], reference: Sequence[Comparison]) -> DesignRow:
    figures = figures_of(comparisons)
    aucs = [None if c.curves_all is None else c.curves_all.first for c in figures.conditions]
    cells = {
        "measured": words.share(figures.measured),
        "Dice": words.number(figures.masks["all"].dice.mean, 3),
        **_density_cells(figures.readings["reading"]),
        "AUC osteoporosis": words.estimate(aucs[0], 3),
        "AUC abnormal": words.estimate(aucs[1], 3),
        "95 % interval covers": words.share(figures.coverage),
        "p": words.DASH if comparisons is reference else words.p_value(_p(comparisons, reference)),
    }
    return DesignRow(name, cells)


def _network_row(reference: Sequence[Comparison]) -> DesignRow:
    figures = figures_of(reference)
    aucs = [None if c.curves_all is None else c.curves_all.second for c in figures.conditions]
    cells = {
        "measured": words.share(figures.measured),
        "Dice": words.number(figures.masks["all"].dice.mean, 3),
        **_density_cells(figures.readings["DenseNet"]),
        "AUC osteoporosis": words.estimate(aucs[0], 3),
        "AUC abnormal": words.estimate(aucs[1], 3),
        "95 % interval covers": words.DASH,
        "p": words.p_value(_p(reference, reference, "network_mg_cm3")),
    }
    return DesignRow(NETWORK, cells)


def _density_cells(found: MethodAgreement | None) -> dict[str, str]:
    if found is None:
        return {name: words.DASH for name in ("bias (mg/cm³)", "SD (mg/cm³)", "R²")}
    return {
        "bias (mg/cm³)": words.number(found.bias.value, sign=True),
        "SD (mg/cm³)": words.number(found.sd),
        "R²": words.number(found.r2, 3),
    }


def _p(comparisons: Sequence[Comparison], reference: Sequence[Comparison], field: str = "bmd_mg_cm3") -> float:
    """Wilcoxon's signed rank test of the absolute errors against the reference's, of patients measured by both."""
    errors = {c.id: _absolute_error(c, field) for c in comparisons}
    others = {c.id: _absolute_error(c, "bmd_mg_cm3") for c in reference}
    both = np.array([(errors[i], others[i]) for i in errors if np.isfinite((errors[i], others[i])).all()])
    if len(both) < 2 or np.allclose(both[:, 0], both[:, 1]):
        return np.nan
    return float(stats.wilcoxon(both[:, 0], both[:, 1]).pvalue)


def _absolute_error(comparison: Comparison, field: str) -> float:
    truth, found = pairs([comparison], field)
    return float(abs(found[0] - truth[0])) if len(truth) else np.nan
