"""Where a CT is the same all around, as far as a phantom's insert reaches, and not beyond."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.calibration.round_edge import UP, round_edge
from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDLib.core.volume import Volume

RADIUS_SHARE, LENGTH_SHARE = 0.65, 0.45  # of an insert's: what is even, away from what blurs into it, slices above all
EDGE_SHARE = 0.8  # of the distance to the edge: what is read
FINENESS, FINEST_MM = 6.0, 1.25  # voxels to a radius, and their least edge
SMOOTH_MM = 1.25  # SD of what evens out noise before a place is looked at
# How far HU may differ within a place (SD), from lax to strict: an insert of much contrast shows at the first, one of
# little only at a strict one. Below some times what noise alone makes, the body itself would fall apart.
UNEVEN_HU = (16.0, 12.0, 9.0, 7.0, 5.5, 4.5, 3.5)
LEAST_TIMES_NOISE = 1.5
LEAST_HU, MOST_HU = -250.0, 1800.0  # of anything that an insert is made of
LEAST_VOXELS = 8
MOST_TILT = 0.27  # of a long insert to the axes, as a tangent
LONG = 2.5  # times as long as wide


@dataclass(frozen=True, eq=False)
class Core:
    """The inside of what may be an insert.

    Args:
        centre_ras: (3,) mm.
        axis_ras: (3,) unit vector towards the head: its own where it is long, else that of the scan.
        radius_mm, length_mm: within which it can be read.
        hu: about.
    """

    centre_ras: np.ndarray
    axis_ras: np.ndarray
    radius_mm: float
    length_mm: float
    hu: float


def find_cores(ct: Volume, radius_mm: tuple[float, float], length_mm: float) -> list[Core]:
    """All places where a CT is even over the core of such an insert, within a round edge; the clearest first.

    A box that fits the core, whatever way it is turned, is moved over the CT; where HU differ little in it, it lies
    within one material. Such places form a small group inside an insert, and a large one in the body around it.

    Args:
        ct: HU, on any grid.
        radius_mm: least and most radius of an insert.
        length_mm: its least length.
    """
    least, most = radius_mm
    step = max(least / FINENESS, FINEST_MM)
    grid = ct.grid.covering((step, step, step))
    hu = ndimage.gaussian_filter(np.clip(ct.resampled(grid).array, LEAST_HU - 50, MOST_HU + 50), SMOOTH_MM / step)
    smooth = Volume(hu, grid)
    radius, length = RADIUS_SHARE * least, LENGTH_SHARE * length_mm
    mean, sd = _mean_and_sd(hu, np.array((2**0.5 * radius, 2**0.5 * radius, length)) / step)
    solid = (mean > LEAST_HU) & (mean < MOST_HU)
    if not solid.any():
        return []
    noise = np.percentile(sd[solid], 10)
    known = np.zeros(hu.shape, bool)
    cores = []
    for limit in (limit for limit in UNEVEN_HU if limit > LEAST_TIMES_NOISE * noise):
        labels, _ = ndimage.label(solid & (sd < limit))
        for label, box in _small(labels, 2 * (most - radius) / step):
            inside = labels[box] == label
            if np.count_nonzero(inside) < LEAST_VOXELS or known[box][inside].any():
                continue
            known[box] |= inside
            places = grid.ras_of(np.argwhere(inside) + [part.start for part in box])
            core = _core(smooth, places, limit - sd[box][inside], length, most)
            if core is not None:
                cores.append(core)
    return cores


def _mean_and_sd(hu: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a box around every voxel; an odd number of voxels wide, so that it lies evenly around it."""
    odd = tuple(2 * int(n // 2) + 1 for n in size)
    mean = ndimage.uniform_filter(hu, odd)
    return mean, np.sqrt(np.maximum(ndimage.uniform_filter(hu * hu, odd) - mean * mean, 0))


def _small(labels: np.ndarray, widest: float) -> Iterator[tuple[int, Ranges]]:
    """Each label that is no wider than this (voxels) in all directions but one, and where it lies."""
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        _, wide, long = sorted(part.stop - part.start for part in box)
        if wide <= widest + MOST_TILT * long:
            yield label, box


def _core(ct: Volume, places: np.ndarray, evenness: np.ndarray, length_mm: float, most_mm: float) -> Core | None:
    """Of the places (N, 3; RAS mm) around which a CT is even, and by how much; None without a round edge."""
    centre = np.average(places, axis=0, weights=evenness)
    _, axes = np.linalg.eigh(np.cov((places - centre).T))
    along, across, _ = np.ptp((places - centre) @ axes[:, ::-1], axis=0).tolist()
    is_long = along > LONG * across
    axis = axes[:, -1] * (1 if axes[2, -1] >= 0 else -1) if is_long else UP
    edge = round_edge(ct, centre, axis, length_mm, most_mm)
    if edge is None:
        return None
    return Core(centre, axis, EDGE_SHARE * edge.radius_mm, along if is_long else length_mm, edge.inside_hu)
