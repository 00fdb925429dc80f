"""Which cases the models find hard, so that those are annotated first.

uncertainty.json beside dataset.json is derived: it can be removed and computed again at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from OpportunisticBMDLib.cases.case import CaseInfo
from OpportunisticBMDLib.cases.files import SCHEMA_VERSION, locked, read_json, write_json
from OpportunisticBMDLib.cases.store import Dataset, open_dataset
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.run import Run

UNCERTAINTY_FILE = "uncertainty.json"
TYPICAL_SD = 20.0  # mg/cm3: as bad as a segmentation confidence of 0
REFUSED = 2.0  # harder than anything that was measured


@dataclass(frozen=True)
class Uncertainty:
    """How unsure the models were of a case.

    Args:
        bmd_sd_mg_cm3: the BMD network's own spread; None where the case was refused.
        least_confidence: of the three masks, 0..1; None where none was found.

    Raises:
        ValueError: a figure that is none.
    """

    bmd_sd_mg_cm3: float | None
    least_confidence: float | None

    def __post_init__(self) -> None:
        for value in (self.bmd_sd_mg_cm3, self.least_confidence):
            if value is not None and (isinstance(value, (bool, str)) or not 0 <= value < 1e9):
                raise ValueError(f"{value!r} is no figure of an uncertainty")

    @property
    def score(self) -> float:
        """0 for a case without doubt; greater is harder."""
        if self.bmd_sd_mg_cm3 is None or self.least_confidence is None:
            return REFUSED
        return max(min(self.bmd_sd_mg_cm3 / TYPICAL_SD, 1.0), 1.0 - self.least_confidence)


def uncertainty_of(result: Result) -> Uncertainty:
    """What a result says about how sure the models were; a vertebra that was not found counts as 0."""
    confidences = [v.mask and v.mask.confidence for v in result.vertebrae.values()]
    known = [confidence or 0.0 for confidence in confidences]
    return Uncertainty(result.bmd_sd_mg_cm3, min(known) if any(known) else None)


def uncertainties(directory: str | Path) -> dict[str, Uncertainty]:
    """Case id -> what was recorded; empty where nothing was.

    Raises:
        BadInput: uncertainty.json is damaged.
    """
    path = Path(directory) / UNCERTAINTY_FILE
    if not path.is_file():
        return {}
    try:
        return {case_id: Uncertainty(**values) for case_id, values in read_json(path)["cases"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path} cannot be understood; remove it, it can be computed again.") from error


def record(directory: str | Path, found: Mapping[str, Uncertainty]) -> None:
    """Adds to uncertainty.json, or begins it."""
    with locked(directory):
        known = uncertainties(directory) | dict(found)
        content = {case_id: asdict(known[case_id]) for case_id in sorted(known)}
        write_json(Path(directory) / UNCERTAINTY_FILE, {"schema_version": SCHEMA_VERSION, "cases": content})


def hardest_first(ids: Iterable[str], known: Mapping[str, Uncertainty]) -> tuple[str, ...]:
    """Orders cases, the most uncertain first; those that no model has seen come last, by id."""
    return tuple(sorted(ids, key=lambda case_id: (-known[case_id].score if case_id in known else 1.0, case_id)))


def ct_of(dataset: Dataset, case_id: str) -> CT:
    """A case's CT as the chain takes it."""
    info = dataset.info(case_id)
    return CT(dataset.ct(case_id), acquisition_of(case_id, info))


def acquisition_of(case_id: str, info: CaseInfo) -> Acquisition:
    """How a case's CT was made, as far as case.json says."""
    return Acquisition(
        path=case_id,
        format="NIfTI",
        kvp=info.kvp,
        kernel=info.kernel,
        contrast_agent={None: None, True: "yes", False: ""}[info.contrast],
        scanner=info.scanner,
        slice_thickness_mm=info.slice_thickness_mm,
    )


def rank(directory: str | Path, chain: Callable[[], Callable[[CT], Run]], *, again: bool = False) -> tuple[str, ...]:
    """Runs the models on the cases whose annotation is not finished, and orders these by how unsure they were.

    What is known stays known: a run that was interrupted goes on.

    Args:
        chain: loads the chain, which measures a CT; not called where nothing is left to measure.
        again: measure also the cases that are known, e.g. with new models.
    """
    dataset = open_dataset(directory)
    waiting = [entry.id for entry in dataset.entries if not entry.is_finished]
    known = uncertainties(directory)
    todo = [case_id for case_id in waiting if again or case_id not in known]
    if todo:
        run = chain()
        for case_id in tqdm(todo, desc="cases", unit="case"):
            record(directory, {case_id: uncertainty_of(run(ct_of(dataset, case_id)).result)})
    return hardest_first(waiting, uncertainties(directory))


def in_words(ids: Iterable[str], known: Mapping[str, Uncertainty]) -> str:
    """A line per case: its score and what it comes from."""
    lines = []
    for case_id in ids:
        found = known.get(case_id)
        lines.append(f"{case_id}  {'-' if found is None else f'{found.score:.3f}  {json.dumps(asdict(found))}'}")
    return "\n".join(lines)
