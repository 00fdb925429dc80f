"""The figures as Markdown tables, for a terminal and for the README."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.evaluate.comparisons import Comparison
from OpportunisticBMDTraining.evaluate.designs import DesignRow
from OpportunisticBMDTraining.evaluate.figures import LEAST_IOU, Figures, figures_of
from OpportunisticBMDTraining.evaluate.goals import goal_rows
from OpportunisticBMDTraining.evaluate.statistics import MethodAgreement


def table(comparisons: Sequence[Comparison]) -> str:
    """A Markdown table; patients without a measurement count as failures, and are left out of the regression only."""
    figures = figures_of(comparisons)
    measured = sum(c.measured for c in comparisons)
    boxes = [c.box_iou for c in comparisons]
    rows: dict[str, str] = {
        "patients, measured": f"{len(comparisons)}, {measured}",
        "boxes with IoU >= 0.7": f"{sum(iou >= LEAST_IOU for iou in boxes)} / {len(comparisons)}",
        "box IoU, mean (least)": f"{np.mean(boxes):.3f} ({min(boxes):.3f})",
    }
    for name in VERTEBRAE:
        masks = figures.masks[name]
        rows[f"Dice {name}, mean +- SD (share > 0.9)"] = (
            f"{masks.dice.mean:.3f} +- {masks.dice.sd:.3f} ({masks.good.value:.0%})"
        )
    for title, reading in (("BMD", "reading"), ("DenseNet", "DenseNet")):
        rows |= _agreement(title, figures.readings[reading])
    return markdown(("figure", "value"), [*rows.items(), *_more(figures).items()])


def _agreement(name: str, found: MethodAgreement | None) -> dict[str, str]:
    if found is None:
        return {}
    return {
        f"{name}: R2 against truth": f"{found.r2_against_truth:.3f}",
        f"{name}: bias, SD of the error (mg/cm3)": f"{found.bias.value:+.1f}, {found.sd:.1f}",
        f"{name}: slope, intercept (mg/cm3)": f"{found.slope.value:.3f}, {found.intercept.value:+.1f}",
    }


def _more(figures: Figures) -> dict[str, str]:
    """What this table did not always have."""
    localizer, masks = figures.localizer, figures.masks["all"]
    rows = {
        "both box edges within 6 mm": words.share(localizer.edges),
        "all three vertebrae wholly inside the crop": words.share(localizer.in_crop),
        "vertebrae labelled right": words.share(figures.labelled),
        "surface distance, mean; 95 % Hausdorff (mm)": f"{words.number(masks.surface_mm.mean)};"
        f" {words.number(masks.hausdorff95_mm.mean)}",
    }
    shown = figures.readings["reading"]
    if shown is not None:
        rows |= {
            "limits of agreement (mg/cm3)": f"{shown.lower_limit.value:+.1f} to {shown.upper_limit.value:+.1f}",
            "Lin's concordance (95 % interval)": words.estimate(shown.concordance, 3),
            "95 % interval covers the truth": words.share(figures.coverage),
        }
    for condition in figures.conditions:
        if condition.curves_all is not None:
            rows[f"AUC {condition.name} (95 % interval), failures counted"] = words.estimate(
                condition.curves_all.first, 3
            )
    return rows


def goal_table(figures: Figures, cohort: str) -> str:
    """The paper, what is to be reached, and what was."""
    rows = [
        (row.name, row.paper, row.to_reach, row.measured, {True: "yes", False: "no", None: words.DASH}[row.reached])
        for row in goal_rows(figures, cohort)
    ]
    return markdown(("figure", "paper", "to reach", "measured", "reached"), rows)


def design_table(designs: Sequence[DesignRow]) -> str:
    """A line for each design, on the same patients."""
    columns = list(designs[0].cells)
    return markdown(("design", *columns), [(d.name, *(d.cells[column] for column in columns)) for d in designs])
