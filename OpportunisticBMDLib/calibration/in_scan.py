"""A phantom that lies under the patient in the same scan.

Its rods run along the table, so that they are the same in all slices: what lies behind the spine is averaged over the
slices of the bodies. In that one picture the rods stay round and sharp, noise and anatomy do not. It is searched as a
phantom's own scan is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np

from OpportunisticBMDLib.calibration.cores import FINEST_MM, Core, find_cores
from OpportunisticBMDLib.calibration.find_inserts import likeliest
from OpportunisticBMDLib.calibration.lines import as_at_120_kvp, line_of
from OpportunisticBMDLib.calibration.phantom_line import measured_line
from OpportunisticBMDLib.calibration.phantoms import BELOW_PATIENTS
from OpportunisticBMDLib.calibration.sampled import sampled
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.volume import Volume

ASIDE_MM, NEAREST_MM, FARTHEST_MM = 150.0, 45.0, 200.0  # from the middle of the bodies: to the sides, and behind
SLICES, BEYOND_MM = 12, 12.0  # that are looked at, from below to above the bodies' middles
LEAST_LENGTH_MM = 35.0  # of the scan around the bodies: what is shorter does not tell a rod from a bone
MOST_CORES = 10  # the clearest, that are tried as rods
MOST_CHANGE_HU = 12.0  # along a rod (SD): bones and bowel change more
PLACE_SD_HU = 3.0  # by which a scanner shows one material otherwise on the table than at the spine: cupping, hardening
MOST_UNLIKELY = 3.0  # SDs, all added up: stricter than where somebody says that a phantom is there


def line_of_phantom_below(ct: CT, bodies: Mapping[str, np.ndarray]) -> Calibration | None:
    """The line through its inserts; None where there is none, or it is not told by what it shows.

    Args:
        bodies: vertebra -> centre of its body (RAS, mm).
    """
    if not bodies:
        return None
    around = _behind(ct.volume.grid, np.array(list(bodies.values())))
    if np.ptp(around.bounds_ras[2]) < LEAST_LENGTH_MM:
        return None
    slices = sampled(ct.volume, around)
    cores = _rods(slices)
    for phantom in BELOW_PATIENTS:
        best = likeliest(cores, phantom, line_of(ct.acquisition))
        if best is None or best.unlikely > MOST_UNLIKELY:
            continue
        with suppress(BadInput):
            regions = [_region(core, around) for core in best.cores]
            line = as_at_120_kvp(measured_line(ct, phantom, regions, "phantom").line, ct.acquisition)
            return replace(line, intercept_sd_hu=float(np.hypot(line.intercept_sd_hu, PLACE_SD_HU)))
    return None


def _behind(scan: Grid, middles_ras: np.ndarray) -> Grid:
    """What lies behind the spine, in slices that are far apart: square across as a search for cores has it."""
    right, front, _ = middles_ras.mean(axis=0)
    bottom, top = scan.bounds_ras[2]
    low, high = max(middles_ras[:, 2].min() - BEYOND_MM, bottom), min(middles_ras[:, 2].max() + BEYOND_MM, top)
    size = (round(2 * ASIDE_MM / FINEST_MM), round((FARTHEST_MM - NEAREST_MM) / FINEST_MM), SLICES)
    spacing = (FINEST_MM, FINEST_MM, (high - low) / SLICES)
    return Grid.axis_aligned(size, spacing, (right, front - (NEAREST_MM + FARTHEST_MM) / 2, (low + high) / 2))


def _rods(slices: Volume) -> list[Core]:
    """The clearest places that may be rods, of any phantom."""
    flat = Grid.axis_aligned((*slices.grid.size[:2], 1), (FINEST_MM,) * 3, slices.grid.bounds_ras.mean(axis=1))
    picture = Volume(slices.array.mean(axis=2, keepdims=True), flat)
    least, most = (limit([phantom.radius_mm[n] for phantom in BELOW_PATIENTS]) for n, limit in enumerate((min, max)))
    cores = find_cores(picture, (least, most), min(phantom.length_mm for phantom in BELOW_PATIENTS))
    return [core for core in cores if _change_along(slices, core) < MOST_CHANGE_HU][:MOST_CORES]


def _change_along(slices: Volume, core: Core) -> float:
    """SD of what a place shows from slice to slice, HU; noise is small in a mean over so many voxels."""
    i, j, _ = np.round(slices.grid.index_of(core.centre_ras)).astype(int)
    n = max(int(core.radius_mm / FINEST_MM / 2**0.5), 1)
    return float(slices.array[max(i - n, 0) : i + n + 1, max(j - n, 0) : j + n + 1].mean(axis=(0, 1)).std())


def _region(rod: Core, around: Grid) -> Region:
    """A cylinder along the table, over the slices that were looked at."""
    half = np.diag([rod.radius_mm, rod.radius_mm, float(np.ptp(around.bounds_ras[2])) / 2])
    return Region(np.array([*rod.centre_ras[:2], around.bounds_ras[2].mean()]), half)
