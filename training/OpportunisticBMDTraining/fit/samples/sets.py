"""Which samples a fit draws from, and which validate it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from OpportunisticBMDLib.cases import ROUNDS, TEST_FOLD, Dataset, open_dataset, rounds
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDTraining.virtual.cohorts import PREFIXES

VIRTUAL = f"{PREFIXES['one-scanner']}-"  # how the names of all cohorts begin


class Named(Protocol):
    """A sample of any stage."""

    @property
    def name(self) -> str:
        """Of its case."""


S = TypeVar("S", bound=Named)


@dataclass(frozen=True)
class Selection:
    """The cases of an annotated dataset that a fit may see.

    Args:
        dataset: the cases' own; None where there are only samples.
        fold: of the validation set; None where virtual patients validate.
        fitted: ids.
        validation: ids.
    """

    dataset: Dataset | None = None
    fold: int | None = None
    fitted: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all cases that the fit may see."""
        return self.fitted + self.validation

    @property
    def unseen(self) -> set[str]:
        """The ids of all other cases: the test set, and those whose annotation is not finished."""
        return set(self.dataset.ids) - set(self.ids) if self.dataset else set()

    def in_card(self) -> dict[str, Any]:
        """What a model's card says of it."""
        if self.dataset is None:
            return {}
        counts = {"fitted": len(self.fitted), "validation": len(self.validation)}
        return {"annotated_cases": {"dataset": self.dataset.name, "fold": self.fold, **counts}}


def selection_of(directory: Path | None, fold: int | None) -> Selection:
    """The training and the validation set of one round; without a fold, all finished cases outside the test set.

    Args:
        directory: of an annotated dataset, if there is one.
        fold: 0 to 3.

    Raises:
        BadInput: a fold of no dataset, no such round, a dataset that is not split, or a round with an empty set.
    """
    if directory is None:
        if fold is not None:
            raise BadInput(f"--fold {fold} is a fold of an annotated dataset: give --dataset, too.")
        return Selection()
    dataset = open_dataset(directory)
    if fold is None:
        fitted = tuple(entry.id for entry in dataset.entries if entry.is_finished and entry.fold != TEST_FOLD)
        _require(fitted, f"{directory} has no finished case outside the test set; annotate some.")
        return Selection(dataset, fitted=fitted)
    _require(
        fold in range(ROUNDS), f"The fold is {fold}; give 0 to {ROUNDS - 1}, for fold {TEST_FOLD} is the test set."
    )
    try:
        chosen = rounds(dataset.entries)[fold]
    except ValueError as error:
        command = f"opportunistic-bmd-lab dataset split {directory}"
        raise BadInput(f"{directory} is not split ({error}); run {command}.") from error
    for name, ids in (("training", chosen.training), ("validation", chosen.validation)):
        _require(ids, f"The {name} set of fold {fold} of {directory} is empty; annotate more cases.")
    return Selection(dataset, fold, chosen.training, chosen.validation)


def _require(condition: object, message: str) -> None:
    if not condition:
        raise BadInput(message)


@dataclass(frozen=True, eq=False)
class SampleSets(Generic[S]):
    """What a task is made of.

    Args:
        real: annotated cases and public CTs that are fitted.
        virtual: virtual patients that are fitted.
        held_out: cases that validate.
    """

    real: Sequence[S]
    virtual: Sequence[S]
    held_out: Sequence[S]


def sets_of(samples: Sequence[S], selection: Selection, held_out: int) -> SampleSets[S]:
    """Deals samples: the selection's validation set validates, or where it has none, the last virtual patients.

    Args:
        samples: of one stage, by name.
        selection: which cases of a dataset fit and which validate.
        held_out: number of virtual patients that validate.

    Raises:
        BadInput: too few virtual patients to keep so many.
    """
    validation = [sample for sample in samples if sample.name in selection.validation]
    rest = [sample for sample in samples if sample.name not in selection.validation]
    virtual = [s for s in rest if s.name.startswith(VIRTUAL) and s.name not in selection.fitted]
    real = [s for s in rest if not s.name.startswith(VIRTUAL) or s.name in selection.fitted]
    if validation:
        return SampleSets(real, virtual, validation)
    _require(
        0 < held_out < len(virtual),
        f"The folder of samples holds {len(virtual)} virtual patients: prepare more than the {held_out} of --held-out, "
        "which has to be at least 1, or validate on annotated cases with --dataset and --fold.",
    )
    return SampleSets(real, virtual[:-held_out], virtual[-held_out:])


def drawn(rng: np.random.Generator, real: Sequence[S], virtual: Sequence[S], share: float) -> S:
    """A sample, with the probability `share` a real one; all are real or virtual where there are no others."""
    pool = real if real and (not virtual or rng.random() < share) else virtual
    return pool[int(rng.integers(len(pool)))]
