"""Training, validation and test sets of 6:2:2 with 4-fold cross-validation, as in the paper's Figure 1.

The patients are dealt into five parts of like size and like mixture of BMD categories. The last part is the test set;
each of the four others is the validation set once, while the remaining three are fitted. All cases of one patient lie
in one part, so that nobody is in two sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.cases.case import CaseInfo, Entry
from OpportunisticBMDLib.cases.files import locked
from OpportunisticBMDLib.cases.store import Dataset, list_entries, open_dataset
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.system.markdown import markdown

ROUNDS = 4
FOLDS = ROUNDS + 1
TEST_FOLD = FOLDS - 1
UNKNOWN = "unknown"
CATEGORIES = ("osteoporosis", "osteopenia", "normal", UNKNOWN)


@dataclass(frozen=True)
class Round:
    """One round of the cross-validation: the ids of the cases in each set."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def rounds(entries: Iterable[Entry]) -> tuple[Round, ...]:
    """The four rounds over the cases whose annotation is finished; the test set is the same in each.

    Raises:
        ValueError: a finished case without a fold, or with one that is none of the five.
    """
    finished = [entry for entry in entries if entry.is_finished]
    for entry in finished:
        if entry.fold not in range(FOLDS):
            raise ValueError(f"case {entry.id} has the fold {entry.fold}, not one of 0 to {TEST_FOLD}: split anew")
    return tuple(
        Round(
            training=tuple(e.id for e in finished if e.fold not in (number, TEST_FOLD)),
            validation=tuple(e.id for e in finished if e.fold == number),
            test=tuple(e.id for e in finished if e.fold == TEST_FOLD),
        )
        for number in range(ROUNDS)
    )


def category_of(info: CaseInfo, thresholds: Thresholds | None = None) -> str:
    """The category of the reference BMD: the mean of L1 and L2, T12 standing in for one that is unknown."""
    readings = (info.reference_bmd_mg_cm3[name] for name in ("L1", "L2", "T12"))
    known = [bmd for bmd in readings if bmd is not None][:2]
    return (thresholds or Thresholds()).category(float(np.mean(known))) if known else UNKNOWN


def folds_of(patients: Mapping[str, str], categories: Mapping[str, str], seed: int) -> dict[str, int]:
    """Deals cases into `FOLDS` parts.

    Args:
        patients: case id -> patient; cases of the same patient stay together.
        categories: case id -> BMD category, of which each part gets its share.
        seed: another seed deals anew.

    Raises:
        BadInput: fewer patients than parts.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # here, because only splitting needs it

    count = len(set(patients.values()))
    if count < FOLDS:
        raise BadInput(f"A split needs at least {FOLDS} patients, and there are {count}: add some.")
    ids = sorted(patients)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    groups = [patients[case_id] for case_id in ids]
    parts = splitter.split(ids, _merged([categories[case_id] for case_id in ids]), groups)
    return {ids[index]: fold for fold, (_, part) in enumerate(parts) for index in part}


def split(directory: str | Path, seed: int = 0) -> Dataset:
    """Gives every case of a dataset its fold, and notes in dataset.json how.

    Raises:
        BadInput: fewer than five patients, or a case.json that cannot be read.
    """
    directory = Path(directory)
    with locked(directory):
        dataset = open_dataset(directory)
        infos = {case_id: dataset.info(case_id) for case_id in dataset.ids}
        patients = {case_id: info.patient or f"case {case_id}" for case_id, info in infos.items()}
        folds = folds_of(patients, {case_id: category_of(info) for case_id, info in infos.items()}, seed)
        entries = [replace(entry, fold=folds[entry.id]) for entry in dataset.entries]
        how = {"folds": FOLDS, "test_fold": TEST_FOLD, "stratified_by": "BMD category", "seed": seed}
        list_entries(directory, entries, split=how)
    return open_dataset(directory)


def table(dataset: Dataset) -> str:
    """A Markdown table: how many cases of each category lie in each fold."""
    counts = Counter((entry.fold, category_of(dataset.info(entry.id))) for entry in dataset.entries)
    rows = []
    for fold in range(FOLDS):
        numbers = [counts[fold, category] for category in CATEGORIES]
        name = f"{fold} (test)" if fold == TEST_FOLD else f"{fold}"
        rows.append((name, *map(str, numbers), str(sum(numbers))))
    return markdown(("fold", *CATEGORIES, "cases"), rows)


def _merged(categories: list[str]) -> list[str]:
    """Categories too rare to lie in every part are dealt together, where need be with the most frequent one."""
    counts = Counter(categories)
    rare = {category for category, count in counts.items() if count < FOLDS}
    common = counts.most_common(1)[0][0]
    together = "rare" if sum(counts[category] for category in rare) >= FOLDS or common in rare else common
    return [together if category in rare else category for category in categories]
