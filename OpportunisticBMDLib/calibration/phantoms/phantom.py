"""What a phantom is: inserts of known density, how large they are, and how they lie to each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.materials import MATERIALS, MINDWAYS_SLOPE, MINDWAYS_WATER_MG_CM3, PER_HA

ARRANGEMENTS = BEHIND, BESIDE = "behind", "beside"
SMALLEST_MM, LARGEST_MM = 5.0, 1000.0  # what is thinner cannot be read without loss
MOST_BEND_DEG = 15.0  # between the steps from insert to insert, where these lie behind each other


@dataclass(frozen=True)
class Insert:
    """A piece of known density.

    Args:
        density_mg_cm3: of the phantom's material; that of what holds no mineral may be below 0.
        water_mg_cm3: of the water that the piece equals besides, where that is not water as it is (Mindways).
    """

    name: str
    density_mg_cm3: float
    water_mg_cm3: float | None = None

    @property
    def base_hu(self) -> float:
        """HU without the mineral, on a scanner that shows water at 0."""
        return 0.0 if self.water_mg_cm3 is None else self.water_mg_cm3 - MINDWAYS_WATER_MG_CM3


@dataclass(frozen=True)
class Phantom:
    """Inserts in a body that differs from them. Sizes are bounds: what they leave open, the scan shows.

    Args:
        material: of the densities, "HA" or "K2HPO4".
        inserts: two or more; those that lie behind each other in their order.
        arrangement: "behind" each other on one axis, or "beside" each other with parallel axes.
        radius_mm: least and most radius of an insert.
        length_mm: least length of an insert.
        spacing_mm: least and most distance between the middles of neighbours.

    Raises:
        ValueError: an entry that cannot be; the message says which one.
    """

    name: str
    material: str
    inserts: tuple[Insert, ...]
    arrangement: str
    radius_mm: tuple[float, float]
    length_mm: float
    spacing_mm: tuple[float, float]

    def __post_init__(self) -> None:
        densities = {insert.density_mg_cm3 for insert in self.inserts}
        stated = {insert.water_mg_cm3 is not None for insert in self.inserts}
        _require(self.material in MATERIALS, f"material is {self.material!r}, not one of {', '.join(MATERIALS)}")
        _require(len(self.inserts) >= 2, "a line needs at least two inserts")
        _require(len(densities) == len(self.inserts), "two inserts have the same density_mg_cm3")
        _require(len(stated) == 1, "water_mg_cm3 is stated of some inserts, not of all")
        _require(
            self.arrangement in ARRANGEMENTS, f"arrangement is {self.arrangement!r}, not {' or '.join(ARRANGEMENTS)}"
        )
        for name, (least, most) in (
            ("radius_mm", self.radius_mm),
            ("spacing_mm", self.spacing_mm),
            ("length_mm", (self.length_mm, LARGEST_MM)),
        ):
            _require(
                SMALLEST_MM <= least <= most <= LARGEST_MM,
                f"{name} lies between {SMALLEST_MM:g} and {LARGEST_MM:g} mm, the least first",
            )

    @property
    def densities(self) -> np.ndarray:
        """mg/cm3 of its material."""
        return np.array([insert.density_mg_cm3 for insert in self.inserts])

    @property
    def base_hu(self) -> np.ndarray:
        """HU of each insert without its mineral."""
        return np.array([insert.base_hu for insert in self.inserts])

    @property
    def water_slope(self) -> float:
        """What its slope (HU per mg/cm3) changes by where the water that the mineral displaces is minded."""
        return 0.0 if self.inserts[0].water_mg_cm3 is None else MINDWAYS_SLOPE

    def hu(self, line: Calibration) -> np.ndarray:
        """What the inserts show on a scanner whose line for HA is this."""
        slope = line.slope_hu_per_mg_cm3 / PER_HA[self.material] - self.water_slope
        shown: np.ndarray = self.base_hu + slope * self.densities + line.intercept_hu
        return shown

    def is_arranged(self, middles_ras: np.ndarray) -> bool:
        """Whether middles (N, 3; RAS mm, in the order of the inserts) may be its own."""
        least, most = self.spacing_mm
        if self.arrangement == BESIDE:
            apart = np.linalg.norm(middles_ras[:, None] - middles_ras[None], axis=2)
            np.fill_diagonal(apart, np.inf)
            return bool(apart.min() >= least and _chained(apart, most))
        steps = np.diff(middles_ras, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        straight = all(a @ b >= np.cos(np.radians(MOST_BEND_DEG)) for a, b in pairwise(steps / lengths[:, None]))
        return bool(lengths.min() >= least and lengths.max() <= most and straight)


def _chained(apart: np.ndarray, most: float) -> bool:
    """Whether each can be reached from the first over steps of at most so many mm."""
    reached = {0}
    while more := {n for n in range(len(apart)) if n not in reached and min(apart[n, list(reached)]) <= most}:
        reached |= more
    return len(reached) == len(apart)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
