"""Which CTs are run, and with which models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDTraining.known_levels import Spans, load_levels
from OpportunisticBMDTraining.public_cts import LABELLED_CTS, fetch

LABELLED, UNLABELLED = "labelled", "unlabelled"


@dataclass(frozen=True)
class Scan:
    """A CT.

    Args:
        name: of a public CT, or of the file.
        group: "labelled" or "unlabelled".
        path: the CT itself.
    """

    name: str
    group: str
    path: Path


@dataclass(frozen=True)
class Trial:
    """A CT and the models that it is run with.

    Args:
        models: a model folder; None for the models that ship.
        is_left_out: whether these models were fitted without this CT.
    """

    scan: Scan
    models: Path | None
    is_left_out: bool = False

    @property
    def title(self) -> str:
        """What the models are called in a table."""
        name = "shipped" if self.models is None else str(self.models)
        return f"left out: {name}" if self.is_left_out else name


@dataclass(frozen=True)
class TrialPlan:
    """What was asked for.

    Args:
        models: for every CT; None for those that ship.
        left_out: (CTs, models that were fitted without them): "labelled", "unlabelled", or how a CT's name begins.
        unlabelled: folder of CTs with levels.csv; None where there is none.
        cts: only CTs whose names begin like one of these; all if empty.
        pictures: folder for a picture of every run; None for no pictures.
        jobs: processes; each holds one CT and the models.

    Raises:
        BadInput: a name that no CT has, an unreadable levels.csv, or fewer jobs than one.
    """

    models: Path | None = None
    left_out: tuple[tuple[str, Path], ...] = ()
    unlabelled: Path | None = None
    cts: tuple[str, ...] = ()
    pictures: Path | None = None
    jobs: int = 1

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise BadInput(f"--jobs is {self.jobs}; give 1 or more.")
        names = {name: LABELLED for name in LABELLED_CTS} | {file: UNLABELLED for file in self.levels}
        for wanted in (*(name for name, _ in self.left_out), *self.cts):
            if not any(_is_called(name, group, wanted) for name, group in names.items()):
                raise BadInput(f"No CT is called {wanted}; give the beginning of one of {', '.join(names)}.")

    @cached_property
    def levels(self) -> Mapping[str, Spans]:
        """File name -> vertebra -> first and last slice, of the CTs without masks."""
        return load_levels(self.unlabelled / "levels.csv") if self.unlabelled else {}

    def scans(self, group: str) -> list[Scan]:
        """The CTs of a group; those with labels are downloaded where they are not at hand.

        Raises:
            BadInput: no download.
        """
        if group == LABELLED:
            return [
                Scan(name, group, fetch(name) / "ct.nii.gz") for name in LABELLED_CTS if self._is_wanted(name, group)
            ]
        folder = self.unlabelled
        if folder is None:
            return []
        return [Scan(file, group, folder / file) for file in self.levels if self._is_wanted(file, group)]

    def trials(self, scan: Scan) -> Iterator[Trial]:
        """With the models for every CT, then with those that were fitted without this one."""
        yield Trial(scan, self.models)
        for wanted, models in self.left_out:
            if _is_called(scan.name, scan.group, wanted):
                yield Trial(scan, models, is_left_out=True)

    def picture(self, *words: str) -> Path | None:
        """Where the picture of a run goes that these words tell from all others."""
        name = "-".join(re.sub(r"[^\w.]+", "-", word).strip("-") for word in words)
        return self.pictures / f"{name}.png" if self.pictures else None

    def _is_wanted(self, name: str, group: str) -> bool:
        return not self.cts or any(_is_called(name, group, wanted) for wanted in self.cts)


def _is_called(name: str, group: str, wanted: str) -> bool:
    return wanted == group or name.startswith(wanted)
