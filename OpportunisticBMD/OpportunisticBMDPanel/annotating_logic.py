"""Annotating without a window: the list of cases, one opened case in one role, and what is saved of it.

Nothing here knows Qt or MRML; masks come in and go out as label maps on the case's own grid.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.result import Result
from OpportunisticBMDLib.results.segmentation_file import read_segmentation
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from OpportunisticBMDLib.volume import Volume
from training.dataset import CaseInfo, Dataset, Exclusion, create_dataset, open_dataset
from training.dataset.anonymous import add_ct
from training.dataset.case import is_case_id
from training.dataset.drafts import ANNOTATION, DRAFTS, Draft, discard_draft, find_draft, save_draft
from training.dataset.hardest import acquisition_of, hardest_first, record, uncertainties, uncertainty_of
from training.dataset.reading import (
    Agreement,
    as_draft,
    read_path,
    save_draft_state,
    save_read,
    save_review,
    save_second_read,
)

BY_HAND, AUTOMATIC = "by hand", "automatic segmentation"  # where masks come from, as a case's history names it
METHODS = ("QCT", "QCT with phantom", "phantomless QCT", "dual-energy CT")


class Role(enum.Enum):
    """Who works on a case; the value names the role's draft."""

    ANNOTATOR = ANNOTATION
    REVIEWER = "review"
    SECOND_READER = "second-read"


@dataclass(frozen=True)
class Row:
    """A case's line in the list.

    Args:
        score: how unsure the models were, see `training.dataset.hardest`; None where they have not seen it.
        has_draft: autosaved work waits to be saved or discarded.
    """

    case_id: str
    status: str
    score: float | None
    has_draft: bool

    @property
    def is_unread(self) -> bool:
        return self.status in ("new", "draft")


@dataclass(frozen=True)
class Form:
    """What is typed beside the masks, as it is typed.

    Args:
        name: of who works on the case.
        bmd: vertebra -> reference BMD in mg/cm3; "" where it is unknown.
        method: how the reference was measured.
        exclusions: values of `Exclusion`.
        others: exclusions that the paper does not have; they are kept.
    """

    name: str = ""
    bmd: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(VERTEBRAE, ""))
    method: str = ""
    exclusions: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, info: CaseInfo, name: str = "") -> Form:
        """What case.json says."""
        known = {exclusion.value for exclusion in Exclusion}
        return cls(
            name=name,
            bmd={v: "" if bmd is None else f"{bmd:g}" for v, bmd in info.reference_bmd_mg_cm3.items()},
            method=info.reference_method or "",
            exclusions=frozenset(info.exclusions) & known,
            others=tuple(e for e in info.exclusions if e not in known),
        )

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Form:
        """What a draft holds."""
        return cls(
            name=fields.get("name", ""),
            bmd={v: fields.get(f"bmd {v}", "") for v in VERTEBRAE},
            method=fields.get("method", ""),
            exclusions=frozenset(filter(None, fields.get("exclusions", "").split(","))),
            others=tuple(filter(None, fields.get("others", "").split("\n"))),
        )

    def fields(self) -> dict[str, str]:
        """The same as plain texts, for a draft."""
        bmd = {f"bmd {vertebra}": text for vertebra, text in self.bmd.items()}
        exclusions = ",".join(sorted(self.exclusions))
        others = "\n".join(self.others)
        return {"name": self.name, **bmd, "method": self.method, "exclusions": exclusions, "others": others}

    def put_into(self, info: CaseInfo) -> CaseInfo:
        """case.json with what was typed.

        Raises:
            BadInput: a BMD that is no number or cannot be, or one without its method.
        """
        bmd = {vertebra: _number(text, vertebra) for vertebra, text in self.bmd.items()}
        known = any(value is not None for value in bmd.values())
        if known and not self.method.strip():
            raise BadInput("State how the reference BMD was measured, e.g. QCT.")
        exclusions = (*(e.value for e in Exclusion if e.value in self.exclusions), *self.others)
        method = self.method.strip() if known else None
        try:
            return replace(info, reference_bmd_mg_cm3=bmd, reference_method=method, exclusions=exclusions)
        except ValueError as error:
            raise BadInput(f"This cannot be right: {error}.") from error


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
class Saved:
    """What saving gave: one sentence, and after a second read how far the two readers agree."""

    message: str
    agreement: Agreement | None = None


def open_or_create(directory: Path) -> Dataset:
    """Opens a dataset folder; an empty one becomes a dataset.

    Raises:
        BadInput: the folder holds something else.
    """
    if (directory / "dataset.json").is_file():
        return open_dataset(directory)
    return create_dataset(directory)


def rows_of(dataset: Dataset, *, statuses: Sequence[str] = (), hardest: bool = False) -> tuple[Row, ...]:
    """The list of cases.

    Args:
        statuses: only these; all where it is empty.
        hardest: by the models' uncertainty instead of by id.
    """
    known = uncertainties(dataset.directory)
    status = {entry.id: entry.status for entry in dataset.entries}
    ids = [case_id for case_id in dataset.ids if not statuses or status[case_id] in statuses]
    return tuple(
        Row(
            case_id,
            status[case_id],
            known[case_id].score if case_id in known else None,
            any((dataset.folder(case_id) / DRAFTS).glob("*.json")),
        )
        for case_id in (hardest_first(ids, known) if hardest else sorted(ids))
    )


def next_unread(rows: Sequence[Row], after: str | None = None) -> str | None:
    """The next case that waits for its annotator, in the list's order, round to its beginning; None where none does."""
    ids = [row.case_id for row in rows]
    start = ids.index(after) + 1 if after in ids else 0
    in_turn = [*rows[start:], *rows[:start]]
    return next((row.case_id for row in in_turn if row.is_unread and row.case_id != after), None)


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


def save(case: OpenCase, labels: Volume, form: Form, origin: str = BY_HAND) -> Saved:
    """Saves finished work as the role's, and drops its draft.

    Args:
        origin: where an annotator's first masks come from, as for `keep_as_draft`.

    Raises:
        BadInput: what was typed cannot be, a name is missing or belongs to another role, nothing is drawn.
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
    return Saved(message, agreement)


def keep_as_draft(case: OpenCase, labels: Volume, form: Form, origin: str) -> Saved:
    """Saves unfinished work of the annotator in the case itself.

    Args:
        origin: where the masks come from: `BY_HAND` or `AUTOMATIC`.

    Raises:
        BadInput: what was typed cannot be; another role than the annotator's.
    """
    if case.role is not Role.ANNOTATOR:
        raise BadInput("Only the annotator keeps a case as a draft; a reviewer or second reader saves when done.")
    dataset = open_dataset(case.directory)
    info = form.put_into(dataset.info(case.case_id))
    if dataset.entry(case.case_id).status != "draft":
        info = as_draft(replace(info, reviewer=None), origin)
    save_draft_state(case.directory, case.case_id, labels if labels.array.any() else None, info)
    discard_draft(case.folder, case.role.value)
    return Saved(f"{case.case_id} is kept as a draft.")


def autosave(case: OpenCase, labels: Volume | None, form: Form) -> None:
    """Puts unfinished work aside, so that a crash does not take it away; the case itself stays as it is."""
    save_draft(case.folder, Draft(labels, form.fields()), case.role.value)


def discard(case: OpenCase) -> None:
    """Throws the role's draft away."""
    discard_draft(case.folder, case.role.value)


def add_volume(directory: Path, ct: CT, subject: Mapping[str, Any], pseudonym: str) -> str:
    """Adds a CT as a new case without its identity; see `training.dataset.anonymous`."""
    return add_ct(directory, ct, subject, pseudonym.strip() or None)


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


def _number(text: str, vertebra: str) -> float | None:
    """A BMD as people type it: a point or a comma, or nothing."""
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise BadInput(f"The reference BMD of {vertebra} is {text!r}; give a number in mg/cm³.") from error
