"""A fault: what is done to a clean patient, to his scan, to its header or to the masks, and what should tell of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDTraining.virtual.parameters import PatientParameters

Thing = TypeVar("Thing")
Random = np.random.Generator
Change = Callable[[Random, Thing], tuple[Thing, str]]  # to the thing changed, and to what was done, in words


@dataclass(frozen=True)
class Fault:
    """One way in which a scan goes wrong, differently in each patient.

    Args:
        name: in tables.
        check: code of the reason that should tell of it; "" where no check can.
        also: codes of reasons that tell of it as well.
        patient: before the scan; the patient is painted and scanned anew.
        scan: voxels or grid; the whole chain sees them.
        header: what is stated, after all else.
        masks: drawn by the chain, changed by hand.
        box: found by the chain, kept beside other masks.

    Raises:
        ValueError: nothing is changed, or masks or box are together with patient or scan.
    """

    name: str
    check: str
    also: tuple[str, ...] = ()
    patient: Change[PatientParameters] | None = None
    scan: Change[CT] | None = None
    header: Change[Acquisition] | None = None
    masks: Change[Segmentation] | None = None
    box: Change[Box] | None = None

    def __post_init__(self) -> None:
        if not (self.is_seen_anew or self.header or self.is_of_masks):
            raise ValueError(f"the fault {self.name!r} changes nothing")
        if self.is_of_masks and (self.is_seen_anew or self.header):
            raise ValueError(f"the fault {self.name!r} changes masks of another scan")

    @property
    def is_seen_anew(self) -> bool:
        """Whether the chain has to find the vertebrae again."""
        return self.patient is not None or self.scan is not None

    @property
    def is_of_masks(self) -> bool:
        return self.masks is not None or self.box is not None

    @property
    def told_by(self) -> tuple[str, ...]:
        """Codes of all reasons that tell of it."""
        return tuple(code for code in (self.check, *self.also) if code)


def one_of(rng: Random, *choices: Thing) -> Thing:
    """Any of them, each as often."""
    return choices[int(rng.integers(len(choices)))]
