"""Cancellous bone of vertebral bodies, derived from labels of whole vertebrae and of the spinal canal.

Public label maps hold whole vertebrae. What is measured is the spongy inside of the body: no arch, no pedicles, no
cortex, no endplates. Each vertebra is brought into a frame of its own (up along the canal, front from the canal to
the body), cut just in front of the canal, freed of pedicle stumps and rib heads, and thinned by its cortex.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.parts import largest_part

TOTALSEGMENTATOR = {"T12": 32, "L1": 31, "L2": 30}
SPINAL_CORD = 79

WORK_MM = 1.0  # isotropic spacing of the vertebra's own frame
CORTEX_MM = 1.5  # taken off all round: cortex (below 1 mm) and the blur of a CT around it
SHELL_MM = 3.0  # this close to the surface, what is as bright as cortex is cortex (thick endplates, osteophytes)
STUMP_MM = 7  # radius of the opening in the axial plane; pedicles, ribs and spurs are thinner, the body is not
_BRIGHT_SD = 5.0  # brighter than the core's mean by so many of its SD is not cancellous
_PAD_MM = 12.0


def cancellous_labels(vertebrae: Volume, numbers: Mapping[str, int], canal: Volume, ct: Volume | None = None) -> Volume:
    """Cancellous bone of the bodies of T12, L1 and L2.

    Args:
        vertebrae: label map of whole vertebrae.
        numbers: vertebra name -> its number in that map; names that the map lacks are left out.
        canal: spinal canal or cord, non-zero inside, on the same grid.
        ct: the CT in HU on the same grid; where given, bright bone near the surface (endplates, osteophytes) is left
            out even where it is thicker than `CORTEX_MM`.

    Returns:
        uint8 labels (see `vertebrae.LABELS`) on the grid of `vertebrae`. Bone that the edge of the volume cuts reaches
        up to that edge.

    Raises:
        ValueError: the grids differ, or the canal does not pass behind a vertebra.
    """
    return _labels(vertebrae, numbers, canal, ct, inside=True)


def body_labels(vertebrae: Volume, numbers: Mapping[str, int], canal: Volume) -> Volume:
    """Whole vertebral bodies with their cortex, as `cancellous_labels` finds them before it thins them."""
    return _labels(vertebrae, numbers, canal, None, inside=False)


def _labels(vertebrae: Volume, numbers: Mapping[str, int], canal: Volume, ct: Volume | None, *, inside: bool) -> Volume:
    for other in (canal, ct):
        if other is not None and not other.grid.is_close(vertebrae.grid):
            raise ValueError("vertebrae, canal and CT have to lie on the same grid")
    labels = np.zeros(vertebrae.grid.size, np.uint8)
    for name, number in numbers.items():
        if not (vertebrae.array == number).any():
            continue
        region = _region(vertebrae, number)
        body = _body(_padded(_mask(vertebrae, number), region), _padded(_mask(canal), region), name)
        if inside:
            body = _cancellous(body, None if ct is None else _padded(ct, region))
        _paint(labels, body, vertebrae.grid, region, LABELS[name])
    return Volume(labels, vertebrae.grid)


def _mask(volume: Volume, number: int | None = None) -> Volume:
    mask = volume.array > 0 if number is None else volume.array == number
    return Volume(mask, volume.grid)


def _region(vertebrae: Volume, number: int) -> tuple[np.ndarray, np.ndarray]:
    """(start, stop) indices around one vertebra, with room for the canal behind it."""
    box = ndimage.find_objects((vertebrae.array == number).astype(np.uint8))[0]
    pad = np.ceil(_PAD_MM / vertebrae.grid.spacing).astype(int)
    start = np.array([axis.start for axis in box]) - pad
    stop = np.array([axis.stop for axis in box]) + pad
    return start, stop


def _padded(volume: Volume, region: tuple[np.ndarray, np.ndarray]) -> Volume:
    """The region; beyond the volume its outermost voxels go on, so that its edge is no surface of bone."""
    start, stop = region
    indices = [np.clip(np.arange(a, b), 0, n - 1) for a, b, n in zip(start, stop, volume.grid.size)]
    return Volume(volume.array[np.ix_(*indices)], volume.grid.cropped(start.tolist(), (stop - start).tolist()))


def _paint(labels: np.ndarray, body: Volume, grid: Grid, region: tuple[np.ndarray, np.ndarray], number: int) -> None:
    start, stop = np.maximum(region[0], 0), np.minimum(region[1], grid.size)
    target = grid.cropped(start, stop - start)
    share = Volume(body.array.astype(np.float32), body.grid).resampled(target, outside=0.0).array
    window = labels[tuple(slice(a, b) for a, b in zip(start, stop))]
    window[(share > 0.5) & (window == 0)] = number


def _body(vertebra: Volume, canal: Volume, name: str) -> Volume:
    """The body on its own 1 mm grid whose axes run to the right, front and head of this vertebra.

    The frame is found twice: first upright along the canal, then turned so that the body lies straight in front.
    """
    line = _canal_line(vertebra, canal, name)
    front = np.array([0.0, 1.0, 0.0])
    for _ in range(2):
        frame = _frame(vertebra, line, front)
        body = _in_front_of_canal(vertebra, canal, frame)
        centre = frame.ras_of(np.argwhere(body)).mean(axis=0)
        front = centre - line[0]
    return Volume(body, frame)


def _canal_line(vertebra: Volume, canal: Volume, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A point and a direction (RAS, towards the head) of the straight line through the canal at this vertebra."""
    heights = vertebra.grid.ras_of(np.argwhere(vertebra.array))[:, 2]
    low, high = np.percentile(heights, (5, 95))
    points = canal.grid.ras_of(np.argwhere(canal.array))
    points = points[(points[:, 2] > low) & (points[:, 2] < high)]
    if len(points) < 10:
        raise ValueError(f"the spinal canal is not labelled at {name}")
    height = points[:, 2] - points[:, 2].mean()
    slope = (points * height[:, None]).sum(axis=0) / (height**2).sum()  # regression of right and front on height
    return points.mean(axis=0), slope / np.linalg.norm(slope)


def _frame(vertebra: Volume, line: tuple[np.ndarray, np.ndarray], front: np.ndarray) -> Grid:
    """An isotropic grid over the vertebra: up along the canal, its second axis towards `front` as nearly as can be."""
    up = line[1]
    front = front - up * (front @ up)
    front /= np.linalg.norm(front)
    axes = np.stack((np.cross(front, up), front, up), axis=1)
    points = vertebra.grid.ras_of(np.argwhere(vertebra.array)) @ axes
    low, high = points.min(axis=0) - 3 * WORK_MM, points.max(axis=0) + 3 * WORK_MM
    affine = np.eye(4)
    affine[:3, :3] = axes * WORK_MM
    affine[:3, 3] = axes @ low
    return Grid(tuple(np.ceil((high - low) / WORK_MM).astype(int) + 1), affine)


def _smooth_mask(mask: Volume, grid: Grid) -> np.ndarray:
    """A mask on a finer grid without the steps of its voxels."""
    share = Volume(mask.array.astype(np.float32), mask.grid).resampled(grid, outside=0.0).array
    coarse = float(mask.grid.spacing.max())
    return ndimage.gaussian_filter(share, 0.4 * coarse / WORK_MM) > 0.5


def _in_front_of_canal(vertebra: Volume, canal: Volume, frame: Grid) -> np.ndarray:
    mask, hole = _smooth_mask(vertebra, frame), _smooth_mask(canal, frame)
    front_edge = _front_edge(hole)
    mask &= np.arange(frame.size[1])[None, :, None] > front_edge[None, None, :]
    return _without_stumps(mask)


def _front_edge(hole: np.ndarray) -> np.ndarray:
    """Foremost index of the canal at every height, as a straight line through all heights."""
    heights = np.flatnonzero(hole.any(axis=(0, 1)))
    edges = [np.flatnonzero(hole[:, :, k].any(axis=0)).max() for k in heights]
    middle = np.median(edges)
    keep = np.abs(edges - middle) < 6
    slope, offset = np.polyfit(heights[keep], np.asarray(edges)[keep], 1)
    return slope * np.arange(hole.shape[2]) + offset


def _without_stumps(mask: np.ndarray) -> np.ndarray:
    """The largest part that survives an opening in every axial plane of the vertebra; holes filled."""
    opened = ndimage.binary_opening(mask, _ball(STUMP_MM, axes=2))
    return ndimage.binary_fill_holes(largest_part(opened))


def _ball(radius_mm: float, axes: int = 3) -> np.ndarray:
    """A ball, or with two axes a disk in the axial plane, as structuring element of shape (n, n, n) or (n, n, 1)."""
    n = round(radius_mm / WORK_MM)
    i, j, k = np.ogrid[-n : n + 1, -n : n + 1, -n : n + 1] if axes == 3 else np.ogrid[-n : n + 1, -n : n + 1, 0:1]
    return i**2 + j**2 + k**2 <= n**2


def _cancellous(body: Volume, ct: Volume | None) -> Volume:
    depth = ndimage.distance_transform_edt(body.array, sampling=WORK_MM)
    inside = depth > CORTEX_MM
    if ct is not None:
        hu = ndimage.gaussian_filter(ct.resampled(body.grid).array, 0.8 / WORK_MM)
        core = hu[depth > SHELL_MM + 1]
        bright = hu > np.median(core) + _BRIGHT_SD * 1.4826 * np.median(np.abs(core - np.median(core)))
        inside &= ~(bright & (depth < SHELL_MM))
        inside = ndimage.binary_opening(inside, _ball(2.0))
        inside = ndimage.binary_fill_holes(ndimage.binary_closing(inside, _ball(3.0)))
        inside = (ndimage.gaussian_filter(inside.astype(np.float32), 1.0 / WORK_MM) > 0.5) & (depth > CORTEX_MM)
    return Volume(ndimage.binary_fill_holes(largest_part(inside)), body.grid)
