"""From a new case to a reviewed one: who drew, who checked, and how far a second reader who saw nothing agrees.

    new -> draft     masks were begun, by hand or from the automatic segmentation
    draft -> read    the annotator is done
    read -> reviewed another person has checked

A second reader's masks lie in cases/<id>/reads/<reader>.seg.nrrd; they never replace the annotator's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.spatial import distance

from OpportunisticBMDLib.cases.case import CaseInfo, is_case_id
from OpportunisticBMDLib.cases.files import locked
from OpportunisticBMDLib.cases.store import open_dataset, update_case
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation
from OpportunisticBMDLib.system.files import replacing

READS, SUFFIX = "reads", ".seg.nrrd"


@dataclass(frozen=True)
class Agreement:
    """How far two readers' masks of one case overlap.

    Args:
        reader: the second one.
        dice: vertebra -> Dice coefficient, 0..1; None where neither has drawn it.
    """

    reader: str
    dice: Mapping[str, float | None]

    @property
    def words(self) -> str:
        """E.g. "T12 0.951, L1 0.948, L2 -"."""
        return ", ".join(f"{name} {'-' if d is None else f'{d:.3f}'}" for name, d in self.dice.items())


def as_draft(info: CaseInfo, origin: str) -> CaseInfo:
    """What case.json says once masks were begun; `origin` is e.g. "automatic segmentation"."""
    return replace(info, history=(*info.history, f"draft: {origin}"))


def as_read(info: CaseInfo, annotator: str) -> CaseInfo:
    """What case.json says once the annotator is done; a former review no longer holds.

    Raises:
        ValueError: no annotator.
    """
    if not annotator.strip():
        raise ValueError("name the annotator first")
    return replace(info, annotator=annotator, reviewer=None, history=(*info.history, f"read by {annotator}"))


def as_reviewed(info: CaseInfo, reviewer: str) -> CaseInfo:
    """What case.json says once another person has checked the masks.

    Raises:
        ValueError: no reviewer, or the annotator.
    """
    if not reviewer.strip():
        raise ValueError("name the reviewer first")
    return replace(info, reviewer=reviewer, history=(*info.history, f"reviewed by {reviewer}"))


def save_draft_state(directory: Path, case_id: str, labels: Volume | None, info: CaseInfo) -> None:
    """Keeps unfinished work in the case itself; a finished case goes back to "draft"."""
    update_case(directory, case_id, labels=labels, info=info, status="draft")


def save_read(directory: Path, case_id: str, labels: Volume, info: CaseInfo, annotator: str) -> None:
    """Keeps the annotator's finished masks.

    Raises:
        ValueError: no annotator, or nothing is drawn.
    """
    _require_masks(labels)
    update_case(directory, case_id, labels=labels, info=as_read(info, annotator), status="read")


def save_review(directory: Path, case_id: str, labels: Volume, info: CaseInfo, reviewer: str) -> None:
    """Keeps the masks as checked, and where need be corrected, by a reviewer.

    Raises:
        ValueError: no reviewer, the annotator, or nothing is drawn.
        BadInput: the case was not read yet.
    """
    _require_masks(labels)
    if not open_dataset(directory).entry(case_id).is_finished:
        raise BadInput(f"Case {case_id} was not read yet; its annotator has to finish it before a review.")
    update_case(directory, case_id, labels=labels, info=as_reviewed(info, reviewer), status="reviewed")


def save_second_read(directory: Path, case_id: str, labels: Volume, reader: str) -> Agreement:
    """Keeps a second reader's masks beside the annotator's, notes it, and tells how far they agree.

    Raises:
        ValueError: a reader who cannot name a file, or is the annotator; nothing is drawn.
        BadInput: the case has no first reader's masks to compare with.
    """
    directory = Path(directory)
    _require_masks(labels)
    dataset = open_dataset(directory)
    info, entry = dataset.info(case_id), dataset.entry(case_id)
    if not is_case_id(reader):
        raise ValueError(f"a reader's name has letters, digits, '-', '_' and '.' only, got {reader!r}")
    if reader == info.annotator:
        raise ValueError(f"{reader} has annotated case {case_id}; a second read needs another person")
    if not entry.is_finished:
        raise BadInput(f"Case {case_id} was not read yet; a second read is compared with a first one.")
    with replacing(read_path(directory, case_id, reader)) as part:
        write_segmentation(labels, part)
    found = agreement(directory, case_id, reader, labels.grid)
    with locked(directory):
        info = open_dataset(directory).info(case_id)
        history = (*info.history, f"second read by {reader}, Dice {found.words}")
        update_case(directory, case_id, info=replace(info, history=history))
    return found


def readers(directory: Path, case_id: str) -> tuple[str, ...]:
    """Who has given a second read of a case."""
    folder = read_path(directory, case_id, "x").parent
    return tuple(sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}")))


def read_path(directory: Path, case_id: str, reader: str) -> Path:
    """Where a second reader's masks lie."""
    return Path(directory) / "cases" / case_id / READS / f"{reader}{SUFFIX}"


def agreement(directory: Path, case_id: str, reader: str, grid: Grid) -> Agreement:
    """Compares a second reader's masks with the case's own.

    Raises:
        BadInput: either is missing or damaged.
    """
    first = open_dataset(directory).labels(case_id, grid)
    if first is None:
        raise BadInput(f"Case {case_id} has no masks yet.")
    second = read_segmentation(read_path(directory, case_id, reader), grid)
    return Agreement(reader, dice(first, second))


def dice(first: Volume, second: Volume) -> dict[str, float | None]:
    """Vertebra -> Dice coefficient of two label maps on one grid; None where neither holds it.

    Raises:
        ValueError: two grids.
    """
    if not first.grid.is_close(second.grid, tolerance_mm=0.05):
        raise ValueError("two label maps on different grids cannot be compared")
    found: dict[str, float | None] = {}
    for name in VERTEBRAE:
        masks = [np.ravel(labels.array == LABELS[name]) for labels in (first, second)]
        found[name] = float(1 - distance.dice(*masks)) if masks[0].any() or masks[1].any() else None
    return found


def _require_masks(labels: Volume) -> None:
    if not labels.array.any():
        raise ValueError("nothing is drawn: mark at least one of T12, L1 and L2 first")
