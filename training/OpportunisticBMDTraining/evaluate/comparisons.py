"""One record per patient: what the chain found beside what is true, to and from CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import QCT_READING
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDTraining.evaluate.csv_file import write_rows

UNKNOWN = float("nan")
FAILED = "failed"  # the status of a case that could not even be read; the others are those of a result


@dataclass(frozen=True)
class Facts:
    """What is known of a patient and the scan; None, or nothing, where it is unknown.

    Args:
        sex: "female", "male" or "other".
        age_band: ten years, e.g. "60-69".
        size: of the skeleton, relative to a man of 175 cm.
        kvp: tube voltage, kV.
        slice_thickness_mm: as reconstructed.
        contrast: whether a contrast agent was given.
        scanner: manufacturer and model.
        variants: what is unusual about the anatomy or the scan, e.g. "13 ribs".
    """

    sex: str | None = None
    age_band: str | None = None
    size: float | None = None
    kvp: float | None = None
    slice_thickness_mm: float | None = None
    contrast: bool | None = None
    scanner: str | None = None
    variants: tuple[str, ...] = ()


@dataclass(frozen=True)
class VertebraComparison:
    """One vertebra, found beside true; NaN where there is nothing to compare.

    Args:
        whole: whether all of it lies in the scan.
        measurable: whether it is whole and not fractured, and holds neither cement nor screws.
        dice: 0..1; 0 where it was not found.
        surface_mm: mean distance of the two surfaces, in both directions.
        hausdorff95_mm: 95 % of either surface lie no farther from the other.
        labelled_right: whether the found centre lies nearest to the centre of the same true vertebra, and near it.
        truth_mg_cm3, bmd_mg_cm3, bmd_sd_mg_cm3, network_mg_cm3: QCT reading, mg/cm3 of hydroxyapatite in water.
        confidence: of the mask, 0..1.
    """

    whole: bool = True
    measurable: bool = True
    dice: float = 0.0
    surface_mm: float = UNKNOWN
    hausdorff95_mm: float = UNKNOWN
    labelled_right: bool = False
    truth_mg_cm3: float = UNKNOWN
    bmd_mg_cm3: float = UNKNOWN
    bmd_sd_mg_cm3: float = UNKNOWN
    network_mg_cm3: float = UNKNOWN
    confidence: float = UNKNOWN


@dataclass(frozen=True)
class Comparison:
    """One patient, measured beside the truth; NaN where nothing was measured, so that failures stay failures.

    Args:
        id: of the case: the seed of a virtual patient, or the id in its dataset.
        seed: of a virtual patient.
        cohort: "one-scanner", "many-scanners", or the dataset's name.
        models: the names and checksums of those that ran.
        status: "measured", "review", "refused" or "failed".
        reasons: codes of the result's warnings and refusals.
        message: why nothing was measured, in a sentence.
        facts: of patient and scan.
        vertebrae: by name; one that is not given was not found.
        box_score: the localizer's own, 0..1.
        box_iou: overlap with the true box on the coronal plane; 0 without a box.
        upper_edge_mm, lower_edge_mm: found minus true, positive towards the head.
        in_crop: whether all three true masks lie wholly in the crop that the box gives.
        truth_mg_cm3: mean of the vertebrae that were averaged; where there are none, or one of them is unknown, of
            the first two known of L1, L2 and T12.
        bmd_mg_cm3, bmd_sd_mg_cm3: the result's, by the line of the tube voltage.
        network_mg_cm3: what the network would read of the same vertebrae.
        true_mask_mg_cm3: the reading once more, of the regions in the true masks.
        calibrated_mg_cm3, calibrated_sd_mg_cm3, calibrated_network_mg_cm3: these once more, with the scanner's own
            line given.
        low_mg_cm3, high_mg_cm3: the result's 95 % interval.
        line, line_sd_mg_cm3: the kind of its line, and what that leaves open of the density.
        corrected, correction_sd_mg_cm3: whether a contrast agent was reckoned with, and what that leaves open.
        filed_mg_cm3, filed_line_sd_mg_cm3, filed_low_mg_cm3, filed_high_mg_cm3: the same with the line that a phantom
            measured on this scanner another day (`virtual.scanner.line_on_file`).
        network_sd_mg_cm3, noise_sd_mg_cm3, mask_sd_mg_cm3: what else makes the mean unsure, each as it is found alone
            (`stages.uncertainty.Causes`).
        probability_osteoporosis, probability_abnormal: the result's.
        seconds: of localizing, segmenting and measuring.
    """

    id: str
    status: str
    seed: int | None = None
    cohort: str = ""
    models: str = ""
    reasons: tuple[str, ...] = ()
    message: str = ""
    facts: Facts = Facts()
    vertebrae: Mapping[str, VertebraComparison] = field(default_factory=dict)
    box_score: float = UNKNOWN
    box_iou: float = 0.0
    upper_edge_mm: float = UNKNOWN
    lower_edge_mm: float = UNKNOWN
    in_crop: bool = False
    truth_mg_cm3: float = UNKNOWN
    bmd_mg_cm3: float = UNKNOWN
    bmd_sd_mg_cm3: float = UNKNOWN
    network_mg_cm3: float = UNKNOWN
    true_mask_mg_cm3: float = UNKNOWN
    calibrated_mg_cm3: float = UNKNOWN
    calibrated_sd_mg_cm3: float = UNKNOWN
    calibrated_network_mg_cm3: float = UNKNOWN
    low_mg_cm3: float = UNKNOWN
    high_mg_cm3: float = UNKNOWN
    line: str = ""
    line_sd_mg_cm3: float = UNKNOWN
    corrected: bool | None = None
    correction_sd_mg_cm3: float = UNKNOWN
    filed_mg_cm3: float = UNKNOWN
    filed_line_sd_mg_cm3: float = UNKNOWN
    filed_low_mg_cm3: float = UNKNOWN
    filed_high_mg_cm3: float = UNKNOWN
    network_sd_mg_cm3: float = UNKNOWN
    noise_sd_mg_cm3: float = UNKNOWN
    mask_sd_mg_cm3: float = UNKNOWN
    probability_osteoporosis: float = UNKNOWN
    probability_abnormal: float = UNKNOWN
    seconds: float = UNKNOWN

    def __post_init__(self) -> None:
        complete = {name: self.vertebrae.get(name, VertebraComparison()) for name in VERTEBRAE}
        object.__setattr__(self, "vertebrae", complete)

    @property
    def measured(self) -> bool:
        """Whether there is a mean BMD."""
        return self.bmd_mg_cm3 == self.bmd_mg_cm3

    @property
    def flagged(self) -> bool:
        """Whether the result asks for a look, or there is none."""
        return self.status != "measured"

    @property
    def found(self) -> bool:
        """Whether the localizer gave a box."""
        return self.upper_edge_mm == self.upper_edge_mm

    @property
    def measurable(self) -> bool:
        """Whether two vertebrae can be measured in this scan, so that a refusal is a failure of the chain."""
        return sum(vertebra.measurable for vertebra in self.vertebrae.values()) >= 2

    @property
    def dice(self) -> dict[str, float]:
        """By vertebra."""
        return {name: vertebra.dice for name, vertebra in self.vertebrae.items()}


def row_of(comparison: Comparison) -> dict[str, str]:
    """The record as flat text: `dice_T12` is the Dice of T12; empty where nothing is known."""
    row = _texts(comparison, leave_out=("facts", "vertebrae")) | _texts(comparison.facts)
    for name, vertebra in comparison.vertebrae.items():
        row |= {f"{key}_{name}": text for key, text in _texts(vertebra).items()}
    return row


def comparison_of(row: Mapping[str, str]) -> Comparison:
    """The inverse of `row_of`; columns that are missing are unknown.

    Raises:
        KeyError: no id or no status.
        ValueError: a number that is none.
    """
    vertebrae = {
        name: VertebraComparison(
            **_values(VertebraComparison, {key: row.get(f"{key}_{name}") for key in _names(VertebraComparison)})
        )
        for name in VERTEBRAE
    }
    known: dict[str, str | None] = {key: row[key] for key in ("id", "status")}
    known |= {key: row.get(key) for key in _names(Comparison) if key not in (*known, "facts", "vertebrae")}
    facts = Facts(**_values(Facts, {key: row.get(key) for key in _names(Facts)}))
    return Comparison(**_values(Comparison, known), facts=facts, vertebrae=vertebrae)


def write_comparisons(path: Path, comparisons: Sequence[Comparison]) -> None:
    """A CSV file with a line per patient, each with the scale of its densities."""
    rows = [{"scale": QCT_READING} | row_of(comparison) for comparison in comparisons]
    write_rows(path, list(rows[0]), rows)


def load_comparisons(path: Path) -> list[Comparison]:
    """The records of a CSV file that `write_comparisons` wrote.

    Raises:
        BadInput: not there, empty, not such a file, or with densities of the former scale.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
            comparisons = [comparison_of(row) for row in rows]
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); give the CSV file of an evaluation.") from error
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no CSV file of an evaluation ({error}); write it anew with -o.") from error
    if not comparisons:
        raise BadInput(f"{path} holds no patients; write it anew with -o.")
    if any(row.get("scale") != QCT_READING for row in rows):
        raise BadInput(f"{path} holds densities of the former scale, not QCT readings; evaluate again with -o.")
    return comparisons


def _names(kind: type) -> list[str]:
    return [known.name for known in fields(kind)]


def _texts(record: object, leave_out: Iterable[str] = ()) -> dict[str, str]:
    return {name: _text(getattr(record, name)) for name in _names(type(record)) if name not in leave_out}


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    return ";".join(value) if isinstance(value, tuple) else str(value)


_READ_BOOL = {"True": True, "False": False}
# Annotations of the records' fields -> how their text is read; an empty text keeps the field's default.
_READERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "str | None": str,
    "int | None": int,
    "float": float,
    "float | None": float,
    "bool": lambda text: _READ_BOOL[text],
    "bool | None": lambda text: _READ_BOOL[text],
    "tuple[str, ...]": lambda text: tuple(text.split(";")),
}


def _values(kind: type, texts: Mapping[str, str | None]) -> dict[str, Any]:
    types = {known.name: str(known.type) for known in fields(kind)}
    return {name: _READERS[types[name]](text) for name, text in texts.items() if text}
