"""The evaluation as one self-contained HTML page, with CSV and JSON beside it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.results.json_file import SOFTWARE
from OpportunisticBMDLib.results.wording import RESEARCH_ONLY
from OpportunisticBMDLib.system.files import write_bytes
from OpportunisticBMDLib.system.pages import page_template
from OpportunisticBMDTraining.evaluate import plots, words
from OpportunisticBMDTraining.evaluate.checklists import CHECKLISTS
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, write_comparisons
from OpportunisticBMDTraining.evaluate.designs import DesignRow
from OpportunisticBMDTraining.evaluate.figures import (
    EDGE_MM,
    LEAST_IOU,
    THRESHOLDS,
    ConditionFigures,
    Figures,
    Subgroup,
    figures_of,
)
from OpportunisticBMDTraining.evaluate.goals import PAPER_AGREEMENT, PAPER_TABLE_1, goal_rows
from OpportunisticBMDTraining.evaluate.statistics import (
    Diagnosis,
    Discrimination,
    Estimate,
    MethodAgreement,
    Proportion,
)

SCHEMA_VERSION = 1
REPORT_FILE, CASES_FILE, JSON_FILE = "report.html", "cases.csv", "report.json"
DIAGNOSIS_WORDS = {"osteoporosis": "Osteoporosis", "abnormal": "Abnormal BMD (osteopenia and osteoporosis)"}
Cell = tuple[str, str]  # a value, and its interval beneath or nothing


@dataclass(frozen=True)
class EvaluationReport:
    """All that the page shows.

    Args:
        comparisons: one per patient.
        command: that makes the report again.
        designs: rows of other designs on the same patients, if any.

    Raises:
        ValueError: no patients.
    """

    comparisons: Sequence[Comparison]
    command: str
    designs: tuple[DesignRow, ...] = ()

    def __post_init__(self) -> None:
        if not self.comparisons:
            raise ValueError("a report needs at least one patient")

    @property
    def cohort(self) -> str:
        """The cohorts of the patients, e.g. "one-scanner"."""
        return ", ".join(sorted({c.cohort for c in self.comparisons}))


def write_report(report: EvaluationReport, directory: Path) -> Figures:
    """Writes report.html, cases.csv and report.json into a folder, which is made where it is not there."""
    directory.mkdir(parents=True, exist_ok=True)
    figures = figures_of(report.comparisons)
    write_comparisons(directory / CASES_FILE, report.comparisons)
    content = json.dumps(as_json(report, figures), indent=1, ensure_ascii=False, allow_nan=False)
    write_bytes(directory / JSON_FILE, f"{content}\n".encode())
    write_bytes(directory / REPORT_FILE, render(report, figures).encode())
    return figures


def as_json(report: EvaluationReport, figures: Figures) -> dict[str, Any]:
    """All figures and all records; what is not known is null."""
    return _plain(
        {
            "schema_version": SCHEMA_VERSION,
            "software": {"name": SOFTWARE, "version": __version__},
            "command": report.command,
            "cohort": report.cohort,
            "models": models_of(report.comparisons),
            "thresholds_mg_cm3": asdict(THRESHOLDS),
            "goals": [asdict(row) for row in goal_rows(figures, report.cohort)],
            "figures": asdict(figures),
            "designs": [asdict(design) for design in report.designs],
            "cases": [asdict(comparison) for comparison in report.comparisons],
        }
    )


def render(report: EvaluationReport, figures: Figures) -> str:
    """The page; every text from outside is escaped."""
    return page_template("OpportunisticBMDTraining.evaluate", "report.html.j2").render(
        report=report,
        figures=figures,
        words=words,
        facts=_facts(report, figures),
        goals=goal_rows(figures, report.cohort),
        readings=_readings(figures),
        agreement=_agreement_rows(figures),
        vertebrae=VERTEBRAE,
        subgroups=_grouped(figures.subgroups),
        table_1=_table_1(figures),
        p_differences=_p_differences(figures),
        pictures=_pictures(report, figures),
        failures=[c for c in report.comparisons if not c.measured],
        reasons=Counter(code for c in report.comparisons for code in c.reasons).most_common(),
        checklists=CHECKLISTS,
        least_iou=LEAST_IOU,
        edge_mm=EDGE_MM,
        research_only=RESEARCH_ONLY,
        software=f"{SOFTWARE} {__version__}",
    )


def models_of(comparisons: Sequence[Comparison]) -> str:
    """The models that ran; all of them where patients differ."""
    return " | ".join(sorted({c.models for c in comparisons if c.models}))


def _facts(report: EvaluationReport, figures: Figures) -> list[tuple[str, str]]:
    seeds = [c.seed for c in report.comparisons if c.seed is not None]
    is_virtual = len(seeds) == len(report.comparisons)
    truth = (
        "the mean hydroxyapatite density painted into the cancellous masks (virtual patients)"
        if is_virtual
        else "the reference BMD of each case.json, by the method stated there"
    )
    unshown = figures.rightly_refused.n
    refused = f"{figures.rightly_refused.k} of the {unshown} others" if unshown else "there are no others"
    return [
        ("Cohort", report.cohort or words.DASH),
        ("Patients", f"{figures.n}" + (f", seeds {min(seeds)} to {max(seeds)}" if seeds else "")),
        (
            "Measured",
            f"{words.share_with_interval(figures.measured)} of the scans in which two vertebrae can be measured",
        ),
        ("Rightly refused", refused),
        ("Truth", truth),
        ("BMD", "mg/cm³ of hydroxyapatite (HA); mean of L1 and L2, T12 replaces one that cannot be measured"),
        (
            "Thresholds",
            f"osteoporosis below {THRESHOLDS.osteoporosis:g}, abnormal up to {THRESHOLDS.osteopenia:g} mg/cm³",
        ),
        ("DenseNet", "what the network would read of the same vertebrae"),
        ("Time", f"{words.number(figures.seconds.mean, 1)} s a patient on this machine (paper: 8.46 s)"),
        ("Models", models_of(report.comparisons) or words.DASH),
        (
            "Limits",
            "virtual patients are painted, not scanned: real CTs may be harder"
            if is_virtual
            else "masks and densities are as good as their annotators and methods",
        ),
    ]


def _readings(figures: Figures) -> dict[str, MethodAgreement | None]:
    """Those that there are; reading and DenseNet always."""
    return {name: a for name, a in figures.readings.items() if a is not None or name in ("reading", "DenseNet")}


def _agreement_rows(figures: Figures) -> list[tuple[str, list[Cell], str]]:
    """Name of a figure, its value for each reading, and the paper's."""
    found = list(_readings(figures).values())

    def row(name: str, cell: Callable[[MethodAgreement], Cell], paper: str = "") -> tuple[str, list[Cell], str]:
        return name, [(words.DASH, "") if a is None else cell(a) for a in found], PAPER_AGREEMENT.get(paper, words.DASH)

    return [
        row("Patients", lambda a: (f"{a.n}", ""), "n"),
        row("Bias (mg/cm³)", lambda a: _cell(a.bias, sign=True), "bias"),
        row("SD of the differences (mg/cm³)", lambda a: (words.number(a.sd), ""), "sd"),
        row("Lower limit of agreement (mg/cm³)", lambda a: _cell(a.lower_limit), "lower_limit"),
        row("Upper limit of agreement (mg/cm³)", lambda a: _cell(a.upper_limit), "upper_limit"),
        row("R² of the regression", lambda a: (words.number(a.r2, 3), ""), "r2"),
        row("Slope", lambda a: _cell(a.slope, 3), "slope"),
        row("Intercept (mg/cm³)", lambda a: _cell(a.intercept)),
        row("R² against truth, no line fitted", lambda a: (words.number(a.r2_against_truth, 3), "")),
        row("Lin's concordance", lambda a: _cell(a.concordance, 3)),
        row("Root mean square error (mg/cm³)", lambda a: (words.number(a.rmse), "")),
        row("Mean absolute error (mg/cm³)", lambda a: (words.number(a.mae), "")),
        row("p: bias does not grow with density", lambda a: (words.p_value(a.proportional_p), "")),
    ]


def _cell(value: Estimate | Proportion | None, digits: int = 2, *, sign: bool = False) -> Cell:
    """Value and interval, one above the other."""
    if value is None or not math.isfinite(value.value):
        return words.DASH, ""
    if isinstance(value, Proportion):
        return words.share(value), words.percent_interval(value)
    return words.number(value.value, digits, sign=sign), words.interval(value, digits)


def _table_1(figures: Figures) -> list[tuple[str, list[tuple[str, list[Cell]]]]]:
    """The paper's Table 1: condition -> lines of AUC, sensitivity, specificity, PPV, NPV."""
    return [(DIAGNOSIS_WORDS[condition.name], _diagnosis_lines(condition)) for condition in figures.conditions]


def _diagnosis_lines(condition: ConditionFigures) -> list[tuple[str, list[Cell]]]:
    def line(curve: Estimate | None, found: Diagnosis) -> list[Cell]:
        return [_cell(curve, 3), *map(_cell, (found.sensitivity, found.specificity, found.ppv, found.npv))]

    def curves(found: Discrimination | None) -> tuple[Estimate | None, Estimate | None]:
        return (None, None) if found is None else (found.first, found.second)

    reading_all, network_all = curves(condition.curves_all)
    reading_measured, network_measured = curves(condition.curves_measured)
    return [
        ("Reading, failures count as wrong", line(reading_all, condition.reading_all)),
        ("Reading, measured only", line(reading_measured, condition.reading_measured)),
        ("DenseNet, failures count as wrong", line(network_all, condition.network_all)),
        ("DenseNet, measured only", line(network_measured, condition.network_measured)),
        *((name, [(cell, "") for cell in cells]) for name, cells in PAPER_TABLE_1[condition.name].items()),
    ]


def _p_differences(figures: Figures) -> list[tuple[str, str]]:
    return [
        (DIAGNOSIS_WORDS[c.name], words.p_value(c.curves_measured.p_difference) if c.curves_measured else words.DASH)
        for c in figures.conditions
    ]


def _grouped(subgroups: Sequence[Subgroup]) -> list[tuple[str, list[Subgroup]]]:
    """Kind -> its subgroups, in the order of the figures."""
    return [(kind, list(members)) for kind, members in groupby(subgroups, key=lambda subgroup: subgroup.kind)]


def _pictures(report: EvaluationReport, figures: Figures) -> Mapping[str, str]:
    return {
        "spread": plots.spread_plot(report.comparisons),
        "regression": plots.regression_plot(report.comparisons, figures),
        "bland_altman": plots.bland_altman_plot(report.comparisons, figures),
        "roc": plots.roc_plot(report.comparisons, figures),
        "reliability": plots.reliability_plot(figures),
    }


def _plain(value: Any) -> Any:
    """For JSON: tuples as lists, NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
