"""Which places of a CT are the inserts of a phantom: those that lie as it has them and show what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from OpportunisticBMDLib.calibration.cores import Core, find_cores
from OpportunisticBMDLib.calibration.fit import fitted
from OpportunisticBMDLib.calibration.lines import line_of
from OpportunisticBMDLib.calibration.phantoms.phantom import BEHIND, Phantom
from OpportunisticBMDLib.calibration.round_edge import across
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.region import Region

# How far a scanner's line may lie from the computed one (SDs): published are 9 %, one at hand is 7 % and 37 HU off.
SLOPE_SD, OFFSET_SD_HU, MISFIT_SD_MG_CM3 = 0.08, 25.0, 3.0
MOST_UNLIKELY = 3.5  # SDs, all added up
MOST_CORES = 24  # the clearest, that are tried as inserts


def find_inserts(ct: CT, phantom: Phantom) -> list[Region]:
    """Where each of a phantom's inserts can be read, in their order.

    Raises:
        BadInput: they are not all found, or show something else than the phantom holds.
    """
    cores = find_cores(ct.volume, phantom.radius_mm, phantom.length_mm)
    best = likeliest(cores[:MOST_CORES], phantom, line_of(ct.acquisition))
    if best is None:
        raise BadInput(
            f"The {len(phantom.inserts)} inserts of the phantom ({phantom.name}) are not all found in "
            f"{ct.acquisition.path}: give a scan that shows all of it, and name the phantom that was scanned."
        )
    if best.unlikely > MOST_UNLIKELY:
        raise BadInput(
            f"What lies in {ct.acquisition.path} as the inserts of the phantom ({phantom.name}) do shows other "
            "densities: name the phantom that was scanned."
        )
    return _regions(best.cores, phantom)


@dataclass(frozen=True, eq=False)
class Choice:
    """Places that may be a phantom's inserts, in their order.

    Args:
        unlikely: how far what they show lies from what the phantom shows on a usual scanner, in SDs.
    """

    cores: tuple[Core, ...]
    unlikely: float


def likeliest(cores: Sequence[Core], phantom: Phantom, usual: Calibration) -> Choice | None:
    """Of all choices that lie as the phantom's inserts do; None where none does.

    Args:
        usual: the line of a usual scanner.
    """
    choices = _choices(cores, phantom, phantom.hu(usual))
    found = (Choice(choice, _unlikely(choice, phantom, usual)) for choice in choices)
    return min(found, key=lambda choice: choice.unlikely, default=None)


def _choices(cores: Sequence[Core], phantom: Phantom, expected: np.ndarray) -> Iterator[tuple[Core, ...]]:
    """All choices of cores, in the order of the inserts, that lie as these do; the brighter, the denser."""
    rank = np.argsort(np.argsort(expected))
    for rising in combinations(sorted(cores, key=lambda core: core.hu), len(expected)):
        choice = tuple(rising[n] for n in rank)
        if phantom.is_arranged(np.array([core.centre_ras for core in choice])):
            yield choice


def _unlikely(choice: Sequence[Core], phantom: Phantom, usual: Calibration) -> float:
    """How far what these show lies from what the phantom shows on a usual scanner, in SDs."""
    fit = fitted(phantom, np.array([core.hu for core in choice]))
    off = (
        (fit.slope_hu_per_mg_cm3 / usual.slope_hu_per_mg_cm3 - 1) / SLOPE_SD,
        fit.intercept_hu / OFFSET_SD_HU,
        *(fit.residuals_mg_cm3 / MISFIT_SD_MG_CM3),
    )
    return float(np.linalg.norm(off))


def _regions(cores: Sequence[Core], phantom: Phantom) -> list[Region]:
    """Cylinders along the phantom's axis."""
    up = _axis(cores, phantom)
    first, second = across(up)
    return [
        Region(core.centre_ras, np.stack((core.radius_mm * first, core.radius_mm * second, core.length_mm / 2 * up)))
        for core in cores
    ]


def _axis(cores: Sequence[Core], phantom: Phantom) -> np.ndarray:
    """Unit vector: through inserts behind each other, along long ones, else towards the head."""
    if phantom.arrangement == BEHIND:
        axis = cores[-1].centre_ras - cores[0].centre_ras
    else:
        axis = np.sum([core.axis_ras for core in cores], axis=0)
    return axis / np.linalg.norm(axis)
