"""From the records of many patients to all figures of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.results.wording import INTERVAL_SDS
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, VertebraComparison
from OpportunisticBMDTraining.evaluate.statistics import (
    Diagnosis,
    Discrimination,
    MethodAgreement,
    Proportion,
    Reliability,
    agreement,
    diagnosis,
    discrimination,
    proportion,
    reliability,
)

LEAST_IOU = 0.7  # a box that overlaps the true one by less is no find
EDGE_MM = 6.0
GOOD_DICE = 0.9
# Where the level's name itself is in doubt, a result that asks for a look is as good as the right name.
NUMBERING_VARIANTS = ("13 ribs", "11 ribs", "6 lumbar vertebrae", "4 lumbar vertebrae", "transitional vertebra")
THRESHOLDS = Thresholds()

# Name of a way to read the density -> the record's field, and whether the patients have a contrast agent (None: all).
READINGS: dict[str, tuple[str, bool | None]] = {
    "reading": ("bmd_mg_cm3", None),
    "DenseNet": ("network_mg_cm3", None),
    "reading, without contrast": ("bmd_mg_cm3", False),
    "DenseNet, without contrast": ("network_mg_cm3", False),
    "reading, with contrast": ("bmd_mg_cm3", True),
    "DenseNet, with contrast": ("network_mg_cm3", True),
    "reading, scanner's line given": ("calibrated_mg_cm3", None),
    "DenseNet, scanner's line given": ("calibrated_network_mg_cm3", None),
    "reading, scanner's line given, without contrast": ("calibrated_mg_cm3", False),
    "DenseNet, scanner's line given, without contrast": ("calibrated_network_mg_cm3", False),
}


@dataclass(frozen=True)
class Spread:
    """Mean and SD of n values; NaN where there are none."""

    n: int
    mean: float
    sd: float


@dataclass(frozen=True)
class LocalizerFigures:
    """The box against the true one, on scans that show all three vertebrae wholly.

    Args:
        recall: scans whose box overlaps the true one by `LEAST_IOU`.
        precision: boxes that do, of those that were found.
        iou: 0 where there was no box.
        least_iou: of all.
        upper, lower: edge, found minus true, mm, where a box was found.
        edges: scans with both edges within `EDGE_MM`.
        in_crop: scans with all three masks wholly in the crop.
    """

    recall: Proportion
    precision: Proportion
    iou: Spread
    least_iou: float
    upper: Spread
    lower: Spread
    edges: Proportion
    in_crop: Proportion


@dataclass(frozen=True)
class MaskAgreement:
    """Masks against true ones; a vertebra that was not found has a Dice of 0 and no surface distance."""

    dice: Spread
    good: Proportion
    surface_mm: Spread
    hausdorff95_mm: Spread


@dataclass(frozen=True)
class ConditionFigures:
    """How well a condition is told: osteoporosis, or abnormal BMD (osteoporosis or osteopenia).

    "measured": of the patients with a BMD. "all": failures count as wrong answers, and as the worst score.

    Args:
        curves_measured, curves_all: the result's probability (first) and the DenseNet's density (second) as scores.
        reading_measured, reading_all, network_measured, network_all: categories beside the truth.
        reliability: of the result's probability.
    """

    name: str
    curves_measured: Discrimination | None
    curves_all: Discrimination | None
    reading_measured: Diagnosis
    reading_all: Diagnosis
    network_measured: Diagnosis
    network_all: Diagnosis
    reliability: Reliability | None


@dataclass(frozen=True)
class Subgroup:
    """Some of the patients: density errors (found minus true, mg/cm3) of reading and DenseNet, and the masks."""

    kind: str
    name: str
    n: int
    measured: Proportion
    dice: Spread
    labelled: Proportion
    error: Spread
    network_error: Spread


@dataclass(frozen=True)
class Figures:
    """All figures of one evaluation.

    Args:
        n: patients.
        measured: of the patients in whose scan two vertebrae can be measured; the others of these are failures.
        rightly_refused: of the patients in whose scan fewer can.
        localizer: see there.
        masks: by vertebra, and "all" for the three together.
        labelled: vertebrae wholly in the scan whose name is right; with a numbering variant, right or flagged.
        readings: way to read the density (see `READINGS`) -> agreement of the mean of the averaged vertebrae.
        vertebrae: vertebra -> agreement of its density alone.
        conditions: osteoporosis and abnormal BMD.
        coverage: 95 % intervals that hold the truth, of the measured.
        calibrated_coverage: the same with the scanner's own line given.
        mask_effect: what the chain's own masks change beside the true ones, mg/cm3.
        vertebra_coverage: the same of single vertebrae.
        subgroups: by sex, age and so on.
        seconds: a patient.
    """

    n: int
    measured: Proportion
    rightly_refused: Proportion
    localizer: LocalizerFigures
    masks: Mapping[str, MaskAgreement]
    labelled: Proportion
    readings: Mapping[str, MethodAgreement | None]
    vertebrae: Mapping[str, MethodAgreement | None]
    conditions: tuple[ConditionFigures, ...]
    coverage: Proportion
    calibrated_coverage: Proportion
    mask_effect: Spread
    vertebra_coverage: Proportion
    subgroups: tuple[Subgroup, ...]
    seconds: Spread


def figures_of(comparisons: Sequence[Comparison]) -> Figures:
    """All figures; those for which there are too few patients are None or NaN."""
    vertebrae = [(c, v) for c in comparisons for v in c.vertebrae.values()]
    return Figures(
        n=len(comparisons),
        measured=proportion([c.measured for c in comparisons if c.measurable]),
        rightly_refused=proportion([not c.measured for c in comparisons if not c.measurable]),
        localizer=_localizer([c for c in comparisons if all(v.whole for v in c.vertebrae.values())]),
        masks={name: _masks([c.vertebrae[name] for c in comparisons]) for name in VERTEBRAE}
        | {"all": _masks([v for _, v in vertebrae])},
        labelled=_labelled(comparisons),
        readings={name: agreement(*read_as(name, comparisons)) for name in READINGS},
        vertebrae={name: agreement(*pairs([c.vertebrae[name] for c in comparisons])) for name in VERTEBRAE},
        conditions=tuple(_condition(name, comparisons) for name in ("osteoporosis", "abnormal")),
        coverage=_coverage(comparisons),
        calibrated_coverage=_coverage(comparisons, "calibrated_mg_cm3", "calibrated_sd_mg_cm3"),
        mask_effect=_mask_effect(comparisons),
        vertebra_coverage=_coverage([v for _, v in vertebrae]),
        subgroups=tuple(_subgroups(comparisons)),
        seconds=spread([c.seconds for c in comparisons]),
    )


def spread(values: Iterable[float], ddof: int = 0) -> Spread:
    """Of the values that are not NaN; the SD is that of the values themselves, with `ddof` 1 an estimate of others'."""
    known = np.array([value for value in values if np.isfinite(value)])
    if not len(known):
        return Spread(0, np.nan, np.nan)
    return Spread(len(known), float(known.mean()), float(known.std(ddof=ddof)) if len(known) > ddof else np.nan)


def pairs(
    records: Sequence[Comparison | VertebraComparison], found: str = "bmd_mg_cm3", reference: str = "truth_mg_cm3"
) -> tuple[np.ndarray, ...]:
    """True and found densities, where both are known, by the records' fields."""
    return known(records, reference, found)


def known(records: Sequence[Comparison | VertebraComparison], *fields: str) -> tuple[np.ndarray, ...]:
    """The records' values of each field, of the records in which all of them are known."""
    rows = np.array([[getattr(r, field) for field in fields] for r in records], dtype=float).reshape(-1, len(fields))
    return tuple(rows[np.isfinite(rows).all(axis=1)].T)


def read_as(name: str, comparisons: Sequence[Comparison]) -> tuple[np.ndarray, ...]:
    """True and found densities in one of the ways of `READINGS`."""
    field, contrast = READINGS[name]
    return pairs([c for c in comparisons if contrast is None or c.facts.contrast is contrast], field)


def _mask_effect(comparisons: Sequence[Comparison]) -> Spread:
    through_true, found = known(comparisons, "true_mask_mg_cm3", "bmd_mg_cm3")
    return spread(found - through_true, ddof=1)


def _localizer(comparisons: Sequence[Comparison]) -> LocalizerFigures:
    boxes = [c for c in comparisons if c.found]
    return LocalizerFigures(
        recall=proportion([c.box_iou >= LEAST_IOU for c in comparisons]),
        precision=proportion([c.box_iou >= LEAST_IOU for c in boxes]),
        iou=spread([c.box_iou for c in comparisons]),
        least_iou=min((c.box_iou for c in comparisons), default=np.nan),
        upper=spread([c.upper_edge_mm for c in boxes]),
        lower=spread([c.lower_edge_mm for c in boxes]),
        edges=proportion([max(abs(c.upper_edge_mm), abs(c.lower_edge_mm)) <= EDGE_MM for c in comparisons]),
        in_crop=proportion([c.in_crop for c in comparisons]),
    )


def _masks(vertebrae: Sequence[VertebraComparison]) -> MaskAgreement:
    return MaskAgreement(
        dice=spread([v.dice for v in vertebrae]),
        good=proportion([v.dice > GOOD_DICE for v in vertebrae if np.isfinite(v.dice)]),
        surface_mm=spread([v.surface_mm for v in vertebrae]),
        hausdorff95_mm=spread([v.hausdorff95_mm for v in vertebrae]),
    )


def _labelled(comparisons: Sequence[Comparison]) -> Proportion:
    def is_right(comparison: Comparison, vertebra: VertebraComparison) -> bool:
        doubtful = set(comparison.facts.variants) & set(NUMBERING_VARIANTS)
        return vertebra.labelled_right or bool(doubtful and comparison.flagged)

    return proportion([is_right(c, v) for c in comparisons for v in c.vertebrae.values() if v.whole])


def has_condition(name: str, bmd_mg_cm3: float) -> bool:
    """Whether a density means "osteoporosis", or "abnormal" (that or osteopenia); one that is not known does not."""
    if not np.isfinite(bmd_mg_cm3):
        return False
    category = THRESHOLDS.category(bmd_mg_cm3)
    return category == "osteoporosis" if name == "osteoporosis" else category != "normal"


def scores(comparisons: Sequence[Comparison], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the measured: whether they have the condition, the result's probability, the DenseNet's density as a score."""
    rows = [
        (has_condition(name, c.truth_mg_cm3), getattr(c, f"probability_{name}"), -c.network_mg_cm3)
        for c in comparisons
        if c.measured and np.isfinite((c.truth_mg_cm3, c.network_mg_cm3, getattr(c, f"probability_{name}"))).all()
    ]
    condition, probability, network = np.array(rows, dtype=float).reshape(-1, 3).T
    return condition.astype(bool), probability, network


def _condition(name: str, comparisons: Sequence[Comparison]) -> ConditionFigures:
    known = [c for c in comparisons if np.isfinite(c.truth_mg_cm3)]
    measured = [c for c in known if c.measured]
    failures = [c for c in known if not c.measured and c.measurable]
    condition, probability, network = scores(measured, name)
    truth = np.array([has_condition(name, c.truth_mg_cm3) for c in measured], dtype=bool)
    fields = (READINGS["reading"][0], READINGS["DenseNet"][0])
    called = [np.array([has_condition(name, getattr(c, f)) for c in measured], dtype=bool) for f in fields]
    failed = np.array([has_condition(name, c.truth_mg_cm3) for c in failures], dtype=bool)
    worst = np.where(failed, -np.inf, np.inf)
    return ConditionFigures(
        name=name,
        curves_measured=discrimination(condition, probability, network),
        curves_all=discrimination(
            np.append(condition, failed), *(_with_worst(score, worst) for score in (probability, network))
        ),
        reading_measured=diagnosis(truth, called[0]),
        reading_all=diagnosis(np.append(truth, failed), np.append(called[0], ~failed)),
        network_measured=diagnosis(truth, called[1]),
        network_all=diagnosis(np.append(truth, failed), np.append(called[1], ~failed)),
        reliability=reliability(condition, probability),
    )


def _with_worst(score: np.ndarray, worst: np.ndarray) -> np.ndarray:
    """Failures get a score beyond all others, on the wrong side."""
    if not len(score):
        return np.sign(worst)
    beyond = np.where(worst > 0, score.max() + 1, score.min() - 1)
    return np.append(score, beyond)


def _coverage(
    records: Sequence[Comparison | VertebraComparison], mean: str = "bmd_mg_cm3", sd: str = "bmd_sd_mg_cm3"
) -> Proportion:
    truth, found, spread_of = known(records, "truth_mg_cm3", mean, sd)
    return proportion((np.abs(found - truth) <= INTERVAL_SDS * spread_of).tolist())


def _subgroups(comparisons: Sequence[Comparison]) -> Iterable[Subgroup]:
    for kind, names_of in SUBGROUPS.items():
        for name in sorted({name for c in comparisons for name in names_of(c)}, key=_natural):
            yield _subgroup(kind, name, [c for c in comparisons if name in names_of(c)])


def _subgroup(kind: str, name: str, members: Sequence[Comparison]) -> Subgroup:
    def errors(field: str) -> Spread:
        truth, found = pairs(members, field)
        return spread(found - truth, ddof=1)

    return Subgroup(
        kind=kind,
        name=name,
        n=len(members),
        measured=proportion([c.measured for c in members if c.measurable]),
        dice=_masks([v for c in members for v in c.vertebrae.values()]).dice,
        labelled=_labelled(members),
        error=errors("bmd_mg_cm3"),
        network_error=errors("network_mg_cm3"),
    )


def _natural(name: str) -> tuple[float, str]:
    """Sorts by the first number in a name, then by the name; what begins with "below" comes first of its number."""
    digits = "".join(part if part.isdigit() or part == "." else " " for part in name).split()
    return (float(digits[0]) - 0.5 * name.startswith("below") if digits else -1.0, name)


def _band(value: float | None, limits: Sequence[float], unit: str) -> tuple[str, ...]:
    """ "below 1.5 mm", "1.5 to 3 mm" or "3 mm and more"; nothing where it is unknown."""
    if value is None or not np.isfinite(value):
        return ()
    place = int(np.searchsorted(limits, value, side="right"))
    if place == 0:
        return (f"below {limits[0]:g}{unit}",)
    if place == len(limits):
        return (f"{limits[-1]:g}{unit} and more",)
    return (f"{limits[place - 1]:g} to {limits[place]:g}{unit}",)


def _known(value: object, text: Callable[[Any], str] = str) -> tuple[str, ...]:
    return () if value is None or value != value else (text(value),)


# Kind of subgroup -> a patient's own: none where it is unknown, several where several things are unusual.
SUBGROUPS: dict[str, Callable[[Comparison], tuple[str, ...]]] = {
    "Sex": lambda c: _known(c.facts.sex),
    "Age (years)": lambda c: _known(c.facts.age_band),
    "Size (1 = 175 cm man)": lambda c: _band(c.facts.size, (0.92, 1.0), ""),
    "Tube voltage": lambda c: _known(c.facts.kvp, lambda kvp: f"{kvp:g} kVp"),
    "Slice thickness": lambda c: _band(c.facts.slice_thickness_mm, (1.0, 2.0, 4.0), " mm"),
    "Contrast agent": lambda c: _known(c.facts.contrast, lambda given: "given" if given else "none"),
    "Scanner": lambda c: _known(c.facts.scanner),
    "Unusual": lambda c: c.facts.variants or ("nothing",),
    "True category": lambda c: _known(c.truth_mg_cm3, THRESHOLDS.category),
}
