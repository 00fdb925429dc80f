"""Annotating without a window: one opened case in one role, and what is saved of it.

Nothing here knows Qt or MRML; masks come in and go out as label maps on the case's own grid.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.cases import CaseInfo, Dataset, open_dataset
from OpportunisticBMDLib.cases.annotation import (
    Agreement,
    as_draft,
    read_path,
    save_draft_state,
    save_read,
    save_review,
    save_second_read,
)
from OpportunisticBMDLib.cases.case import is_case_id
from OpportunisticBMDLib.cases.drafts import ANNOTATION, Draft, discard_draft, find_draft, save_draft
from OpportunisticBMDLib.cases.hardest import acquisition_of, record, uncertainty_of
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.segmentation_file import read_segmentation
from OpportunisticBMDPanel.annotating.form import Form

BY_HAND, AUTOMATIC = "by hand", "automatic segmentation"  # where masks come from, as a case's history names it


class Role(enum.Enum):
    """Who works on a case; the value names the role's draft."""

    ANNOTATOR = ANNOTATION
    REVIEWER = "review"
    SECOND_READER = "second-read"


@dataclass(frozen=True, eq=False)
class OpenCase:
    """A case in work, in one role.

    Args:
        ct: the voxels with what is known of their acquisition.
        info: case.json as it was read.
        labels: the masks that this role may see; None where there are none yet. A second reader sees only their own.
        draft: autosaved work of this role that waits; None where none does.
    """

    directory: Path
    case_id: str
    role: Role
    ct: CT
    info: CaseInfo
    status: str
    labels: Volume | None
    draft: Draft | None

    @property
    def folder(self) -> Path:
        return self.directory / "cases" / self.case_id


@dataclass(frozen=True)
class SavedWork:
    """What saving gave: one sentence, and after a second read how far the two readers agree."""

    message: str
    agreement: Agreement | None = None


def open_case(directory: Path, case_id: str, role: Role, name: str = "") -> OpenCase:
    """Reads a case as a role may see it.

    Args:
        name: the second reader's, to find their own former masks.

    Raises:
        BadInput: a file is missing or damaged.
    """
    dataset = open_dataset(directory)
    info, volume = dataset.info(case_id), dataset.ct(case_id)
    return OpenCase(
        directory=Path(directory),
        case_id=case_id,
        role=role,
        ct=CT(volume, acquisition_of(case_id, info)),
        info=info,
        status=dataset.entry(case_id).status,
        labels=_visible_labels(dataset, case_id, role, name, volume),
        draft=find_draft(dataset.folder(case_id), volume.grid, role.value),
    )


def save(case: OpenCase, labels: Volume, form: Form, origin: str = BY_HAND) -> SavedWork:
    """Saves finished work as the role's, and drops its draft.

    Args:
        origin: where an annotator's first masks come from, as for `keep_as_draft`.

    Raises:
        BadInput: what was typed is not valid, a name is missing or belongs to another role, nothing is drawn.
    """
    dataset = open_dataset(case.directory)
    info = form.put_into(dataset.info(case.case_id))
    name, agreement = form.name.strip(), None
    try:
        if case.role is Role.ANNOTATOR:
            if origin != BY_HAND and dataset.entry(case.case_id).status != "draft":
                info = as_draft(replace(info, reviewer=None), origin)
            save_read(case.directory, case.case_id, labels, info, name)
            message = f"{case.case_id} is saved as read by {name}."
        elif case.role is Role.REVIEWER:
            save_review(case.directory, case.case_id, labels, info, name)
            message = f"{case.case_id} is saved as reviewed by {name}."
        else:
            agreement = save_second_read(case.directory, case.case_id, labels, name)
            message = f"{case.case_id}: second read by {name} is saved. Dice {agreement.words}."
    except ValueError as error:
        raise BadInput(f"{case.case_id} is not saved: {error}.") from error
    discard_draft(case.folder, case.role.value)
    return SavedWork(message, agreement)


def keep_as_draft(case: OpenCase, labels: Volume, form: Form, origin: str) -> SavedWork:
    """Saves unfinished work of the annotator in the case itself.

    Args:
        origin: where the masks come from: `BY_HAND` or `AUTOMATIC`.

    Raises:
        BadInput: what was typed is not valid; another role than the annotator's.
    """
    if case.role is not Role.ANNOTATOR:
        raise BadInput("Only the annotator keeps a case as a draft; a reviewer or second reader saves when done.")
    dataset = open_dataset(case.directory)
    info = form.put_into(dataset.info(case.case_id))
    if dataset.entry(case.case_id).status != "draft":
        info = as_draft(replace(info, reviewer=None), origin)
    save_draft_state(case.directory, case.case_id, labels if labels.array.any() else None, info)
    discard_draft(case.folder, case.role.value)
    return SavedWork(f"{case.case_id} is kept as a draft.")


def autosave(case: OpenCase, labels: Volume | None, form: Form) -> None:
    """Puts unfinished work aside, so that a crash does not take it away; the case itself stays as it is."""
    save_draft(case.folder, Draft(labels, form.fields()), case.role.value)


def discard(case: OpenCase) -> None:
    """Throws the role's draft away."""
    discard_draft(case.folder, case.role.value)


def remember_uncertainty(directory: Path, case_id: str, result: Result) -> None:
    """Notes how unsure the models were, for the order of the list."""
    record(directory, {case_id: uncertainty_of(result)})


def empty_labels(volume: Volume) -> Volume:
    """Nothing drawn yet."""
    return Volume(np.zeros(volume.grid.size, np.uint8), volume.grid)


def _visible_labels(dataset: Dataset, case_id: str, role: Role, name: str, ct: Volume) -> Volume | None:
    if role is not Role.SECOND_READER:
        return dataset.labels(case_id, ct.grid)
    own = read_path(dataset.directory, case_id, name) if is_case_id(name) else None
    return read_segmentation(own, ct.grid) if own is not None and own.is_file() else None
