"""Where checks are registered: each looks at one kind of thing and gives reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import nan
from typing import Generic, TypeVar

import numpy as np

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.heights import BodyHeights
from OpportunisticBMDLib.core.levels import Levels
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.surroundings import Surroundings
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality._behind import Behind, behind
from OpportunisticBMDLib.quality.body import Body

Seen = TypeVar("Seen")


@dataclass(frozen=True, eq=False)
class SeenMask:
    """The mask of a vertebra.

    Args:
        ct: HU, the masks' part of the scan: a mask touches its edge only where it touches the edge of the scan.
        mask: (I, J, K) bool, on the same grid.
        usual: voxels of the three masks' median; of the larger one where there are two.
        heights: vertebra -> its heights, of those where they can be told.
    """

    vertebra: str
    ct: Volume
    mask: np.ndarray
    usual: int
    heights: Mapping[str, BodyHeights]


@dataclass(frozen=True, eq=False)
class SeenRegion:
    """The middle of a vertebral body.

    Args:
        reading: None where the mask holds no body.
        height_mm: of the body's cancellous bone.
        bmd_mg_cm3: what it reads; NaN where nothing was read.
        in_body: share of it that lies in a vertebral body, as the CT shows it, 0..1.
        body: its bone, voxel by voxel; None where lesions are not looked for.
    """

    vertebra: str
    reading: Reading | None
    height_mm: float
    bmd_mg_cm3: float = nan
    in_body: float = 1.0
    body: Body | None = None


@dataclass(frozen=True, eq=False)
class SeenScan:
    """The scan as a whole.

    Args:
        ct: HU, the masks' part of the scan.
        segmentation: on the same grid.
        box: the localizer's; None where it was not asked.
        levels: the vertebrae in view; None where they were not looked for.
        readings: vertebra -> its middle, of those that are not left out.
        heights: vertebra -> its heights, of those where they can be told.
        around: by what densities are read; None where that is not asked.
        whole: HU, all of the scan; None where that is not asked.
    """

    ct: Volume
    segmentation: Segmentation
    acquisition: Acquisition
    box: Box | None = None
    levels: Levels | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)
    heights: Mapping[str, BodyHeights] = field(default_factory=dict)
    around: Surroundings | None = None
    whole: Volume | None = None

    @property
    def has_own_line(self) -> bool:
        """Whether densities are read from a line that was measured on this scanner."""
        return self.around is not None and self.around.line.kind in ("given", "phantom", "scanner")

    @property
    def is_calibrated_within(self) -> bool:
        """Whether that line comes from this very scan, and minds what is wrong with its HU."""
        return self.around is not None and self.around.line.kind == "phantom"

    @cached_property
    def voxels_ras(self) -> Mapping[str, np.ndarray]:
        """Vertebra -> (N, 3) RAS mm of the voxels of its mask; of all three, N is 0 where there is none."""
        labels = self.segmentation.labels
        return {name: labels.grid.ras_of(np.argwhere(labels.array == number)) for name, number in LABELS.items()}

    @cached_property
    def centres_ras(self) -> Mapping[str, np.ndarray]:
        """Vertebra -> (3,) RAS mm: the centre of its mask, of those that have one."""
        return {name: voxels.mean(axis=0) for name, voxels in self.voxels_ras.items() if len(voxels)}

    @cached_property
    def behind(self) -> tuple[Behind, ...]:
        """Muscle and fat behind the bodies that are read, as far as the scan shows them."""
        if self.whole is None:
            return ()
        found = (behind(self.whole, reading.region) for reading in self.readings.values())
        return tuple(place for place in found if place is not None)


@dataclass(frozen=True, eq=False)
class SeenMean:
    """The mean of two vertebrae, mg/cm3 of HA.

    Args:
        pair: both, with their names, from head to foot.
    """

    pair: tuple[tuple[str, MeasuredVertebra], ...]
    bmd_mg_cm3: float
    thresholds: Thresholds


Check = Callable[[Seen], Iterable[Reason]]


class Checks(Generic[Seen]):
    """All checks of one kind of thing, in the order of the codes that they may give."""

    def __init__(self) -> None:
        self._checks: list[tuple[int, Check[Seen]]] = []

    def check(self, *codes: ReasonCode) -> Callable[[Check[Seen]], Check[Seen]]:
        """Registers a function that may give reasons of these codes."""

        def registered(function: Check[Seen]) -> Check[Seen]:
            self._checks.append((min(list(ReasonCode).index(code) for code in codes), function))
            self._checks.sort(key=lambda entry: entry[0])
            return function

        return registered

    def all(self, seen: Seen) -> list[Reason]:
        """What all checks say."""
        return [reason for _, check in self._checks for reason in check(seen)]

    def first(self, seen: Seen) -> list[Reason]:
        """What the first check says that has anything to say; the others may not even apply then."""
        return next((reasons for _, check in self._checks if (reasons := list(check(seen)))), [])


of_masks: Checks[SeenMask] = Checks()
of_regions: Checks[SeenRegion] = Checks()
of_scans: Checks[SeenScan] = Checks()
of_means: Checks[SeenMean] = Checks()
