"""A dataset without a window: opened or begun, its cases as a list, and what is added to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.cases import Dataset, create_dataset, open_dataset
from OpportunisticBMDLib.cases.anonymous import add_ct
from OpportunisticBMDLib.cases.drafts import DRAFTS
from OpportunisticBMDLib.cases.hardest import hardest_first, uncertainties
from OpportunisticBMDLib.core.ct import CT


@dataclass(frozen=True)
class CaseRow:
    """A case's line in the list.

    Args:
        score: how unsure the models were, see `OpportunisticBMDLib.cases.hardest`; None where they have not seen it.
        has_draft: autosaved work waits to be saved or discarded.
    """

    case_id: str
    status: str
    score: float | None
    has_draft: bool

    @property
    def is_unread(self) -> bool:
        return self.status in ("new", "draft")


def open_or_create(directory: Path) -> Dataset:
    """Opens a dataset folder; an empty one becomes a dataset.

    Raises:
        BadInput: the folder holds something else.
    """
    if (directory / "dataset.json").is_file():
        return open_dataset(directory)
    return create_dataset(directory)


def rows_of(dataset: Dataset, *, statuses: Sequence[str] = (), hardest: bool = False) -> tuple[CaseRow, ...]:
    """The list of cases.

    Args:
        statuses: only these; all where it is empty.
        hardest: by the models' uncertainty instead of by id.
    """
    known = uncertainties(dataset.directory)
    status = {entry.id: entry.status for entry in dataset.entries}
    ids = [case_id for case_id in dataset.ids if not statuses or status[case_id] in statuses]
    return tuple(
        CaseRow(
            case_id,
            status[case_id],
            known[case_id].score if case_id in known else None,
            any((dataset.folder(case_id) / DRAFTS).glob("*.json")),
        )
        for case_id in (hardest_first(ids, known) if hardest else sorted(ids))
    )


def next_unread(rows: Sequence[CaseRow], after: str | None = None) -> str | None:
    """The next case that waits for its annotator; None where none does.

    Args:
        rows: the list, which is gone through from `after` to its end, then from its beginning.
    """
    ids = [row.case_id for row in rows]
    start = ids.index(after) + 1 if after in ids else 0
    in_turn = [*rows[start:], *rows[:start]]
    return next((row.case_id for row in in_turn if row.is_unread and row.case_id != after), None)


def add_volume(directory: Path, ct: CT, subject: Mapping[str, Any], pseudonym: str) -> str:
    """Adds a CT as a new case without its identity; see `OpportunisticBMDLib.cases.anonymous`."""
    return add_ct(directory, ct, subject, pseudonym.strip() or None)
