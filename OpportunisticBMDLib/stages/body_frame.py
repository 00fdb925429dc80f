"""A vertebra's mask on its own axes: its body, how it leans, and where its edges are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent, grown
from OpportunisticBMDLib.core.remembered import remembered
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.parts import largest_part

FRAME_MM = 1.0
CENTRAL = 0.4  # of the body's extent: the lines along which its edges are looked for pass through this middle part
ROUNDS = 3  # of finding the edges through the middle, and the middle between the edges
STEEPEST = np.deg2rad(20)  # that the body may lean against the axes
TURN_STEP = np.deg2rad(10)  # of the angles about its axis that are looked for: a body is nearly round
LEAST_MM = 4.0  # a mask that is thinner than this is no body
LEAST_VOLUME_MM3 = 1000.0  # a tenth of a small lumbar body: less is no vertebra
THICK_MM = 6.0  # half of what a body is thicker than, and pedicles, arch and processes are thinner
DEEP_MM = 8.5  # from a body's surface to its middle; a body that is cut or crushed is not taken apart
FAR_MM = 15.0  # from there on no part of a body is found, but much of an arch with its processes
MOST_FAR = 0.1  # of a mask's voxels, of a body; of a whole vertebra it is a third
COARSE_MM = 1.5  # voxels that are fine enough to tell


@dataclass(frozen=True, eq=False)
class BodyMask:
    """The mask of one body, and what follows from it alone: it is seen along many axes, and looked through once.

    Args:
        mask: bool, with a voxel of room where the scan has one.
    """

    mask: Volume

    @cached_property
    def middle_ras(self) -> np.ndarray:
        """(3,) mm: its median voxel."""
        return self.mask.grid.ras_of(np.median(self._index, axis=0))

    @cached_property
    def covariance(self) -> np.ndarray:
        """(3, 3) mm2 of its voxels, along right, front and head."""
        to_ras = self.mask.grid.affine[:3, :3]
        return to_ras @ np.cov(self._index.T) @ to_ras.T

    @cached_property
    def surface(self) -> np.ndarray:
        """(N, 3) RAS mm: the first and the last voxel of each line along k; no other lies farther in any direction."""
        array = self.mask.array
        i, j = np.nonzero(array.any(axis=2))
        first, last = array.argmax(axis=2), array.shape[2] - 1 - array[..., ::-1].argmax(axis=2)
        return self.mask.grid.ras_of(np.concatenate([np.stack((i, j, k[i, j]), axis=1) for k in (first, last)]))

    @cached_property
    def share(self) -> sitk.Image:
        """0..1 float32 on its own grid, averaged over `FRAME_MM`."""
        share = Volume(self.mask.array.astype(np.float32), self.mask.grid)
        return share.averaged(np.full(3, FRAME_MM)).to_sitk()

    @cached_property
    def _index(self) -> np.ndarray:
        return np.argwhere(self.mask.array)


@remembered
def bodies_in(labels: Volume) -> Mapping[str, BodyMask]:
    """Masks that are large enough for a body; of whole vertebrae their bodies."""
    found = {}
    for name in VERTEBRAE:
        whole = labels.array == LABELS[name]
        ranges = extent(whole)
        if ranges is not None and whole.sum() * labels.grid.voxel_volume >= LEAST_VOLUME_MM3:
            part = labels.part(grown(ranges, labels.grid.size))
            found[name] = BodyMask(_body_of(Volume(part.array == LABELS[name], part.grid)))
    return found


def _body_of(mask: Volume) -> Volume:
    """The mask itself, or of a whole vertebra, much of which is thin and far from the body, the thick part of it."""
    step = np.maximum(1, np.round(COARSE_MM / mask.grid.spacing).astype(int))
    coarse = np.pad(mask.array[tuple(slice(None, None, n) for n in step)], 1)
    spacing = step * mask.grid.spacing
    depth = ndimage.distance_transform_edt(coarse, sampling=spacing)
    if depth.max() < DEEP_MM:
        return mask
    away = ndimage.distance_transform_edt(~largest_part(depth > THICK_MM), sampling=spacing)
    if (away[coarse] > FAR_MM).mean() <= MOST_FAR:
        return mask
    fine = (away <= THICK_MM)[1:-1, 1:-1, 1:-1]
    for axis, n in enumerate(step):
        fine = fine.repeat(n, axis=axis)
    return Volume(mask.array & fine[tuple(slice(n) for n in mask.grid.size)], mask.grid)


def axes_along(up: np.ndarray, bodies: Mapping[str, BodyMask]) -> np.ndarray:
    """(3, 3) unit rows right, front, up. Bodies are wider than deep: that tells how they are turned about `up`."""
    up = up / np.linalg.norm(up)
    right = np.array([1.0, 0.0, 0.0]) - up[0] * up
    right /= np.linalg.norm(right)
    front = np.cross(up, right)
    across = np.stack((right, front))
    (xx, xy), (_, yy) = across @ np.mean([body.covariance for body in bodies.values()], axis=0) @ across.T
    # A body as wide as deep does not tell: then the patient's own right counts.
    turn = 0.5 * np.arctan2(2 * xy, max(xx - yy, 0) + 0.03 * (xx + yy))
    turn = in_steps(turn, TURN_STEP)
    right, front = np.cos(turn) * right + np.sin(turn) * front, np.cos(turn) * front - np.sin(turn) * right
    return np.stack((right, front, up))


def share_in_frame(body: BodyMask, axes: np.ndarray, centre: np.ndarray) -> Volume:
    """The mask on a grid along the axes, 0..1 float32, without the steps of its voxels."""
    points, coarsest = (body.surface - centre) @ axes.T, float(body.mask.grid.spacing.max())
    room = 2 + coarsest
    first, last = np.floor((points.min(axis=0) - room) / FRAME_MM), np.ceil((points.max(axis=0) + room) / FRAME_MM)
    affine = np.eye(4)
    affine[:3, :3] = axes.T * FRAME_MM
    affine[:3, 3] = centre + FRAME_MM * first @ axes
    grid = Grid(tuple((last - first).astype(int) + 1), affine)
    frame = sitk.Image(grid.size, sitk.sitkUInt8)
    grid.stamp_on(frame)
    share = Volume.from_sitk(sitk.Resample(body.share, frame, sitk.Transform(), sitk.sitkLinear, 0.0)).array
    return Volume(ndimage.gaussian_filter(share, 0.4 * coarsest / FRAME_MM), grid)


def lean_of(body: Volume) -> np.ndarray | None:
    """(2,) angles by which the layer midway between the endplates rises to the right and front; None without a body."""
    edges = edges_of(body)
    if edges is None:
        return None
    low, high = edges
    near = _near(body, (low + high) / 2, high - low, 2)
    bottom, top = crossings_of(body.array, 2)
    x, y = (FRAME_MM * np.arange(n) for n in body.array.shape[:2])
    x, y = (a[near & np.isfinite(top)] for a in np.meshgrid(x, y, indexing="ij"))
    layer = (bottom + top)[near & np.isfinite(top)] / 2 * FRAME_MM
    rise = np.linalg.lstsq(np.stack((x, y, np.ones_like(x)), axis=1), layer, rcond=None)[0][:2]
    return np.clip(np.arctan(rise), -STEEPEST, STEEPEST)


def edges_of(body: Volume) -> tuple[np.ndarray, np.ndarray] | None:
    """(3,) and (3,): lower and upper edge of the body along each axis of its grid, mm from the first voxel."""
    inside = body.array > 0.5
    if not inside.any():
        return None
    counts = [inside.sum(axis=others) for others in ((1, 2), (0, 2), (0, 1))]
    low, middle, high = (FRAME_MM * np.array([_percentile(n, share) for n in counts]) for share in (0.05, 0.5, 0.95))
    size = np.round(high - low)
    crossings = [crossings_of(body.array, axis) for axis in range(3)]
    for _ in range(ROUNDS):
        found = []
        for axis in range(3):
            near = _near(body, middle, size, axis)
            lines = [FRAME_MM * edge[near & np.isfinite(edge)] for edge in crossings[axis]]
            if not len(lines[0]):
                return None
            found.append([np.median(line) for line in lines])
        low, high = np.round(np.transpose(found), 1)  # what smoothing and rounding carry over from afar is no edit
        middle, size = (low + high) / 2, high - low
    return None if size.min() < LEAST_MM else (low, high)


def _percentile(counts: np.ndarray, share: float) -> float:
    """Of indices that occur so many times each, linear between them."""
    up_to = np.cumsum(counts)
    at = share * (up_to[-1] - 1)
    low, high = (float(np.searchsorted(up_to, nth, side="right")) for nth in (np.floor(at), np.ceil(at)))
    return low + (high - low) * (at % 1)


def _near(body: Volume, middle: np.ndarray, size: np.ndarray, axis: int) -> np.ndarray:
    """Which lines along an axis pass near the middle, on the grid of the two other axes."""
    others = [a for a in range(3) if a != axis]
    away = [(FRAME_MM * np.arange(body.array.shape[a]) - middle[a]) / (CENTRAL * size[a] / 2) for a in others]
    return np.hypot(away[0][:, None], away[1][None, :]) <= 1


def crossings_of(share: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the lines along an axis enter and leave a body: indices between voxels, NaN for lines that miss it."""
    lines = np.moveaxis(share, axis, -1)
    return _first_crossing(lines), lines.shape[-1] - 1 - _first_crossing(lines[..., ::-1])


def _first_crossing(lines: np.ndarray) -> np.ndarray:
    first = np.maximum((lines > 0.5).argmax(axis=-1), 1)[..., None]
    at, before = (np.take_along_axis(lines, index, axis=-1)[..., 0].astype(float) for index in (first, first - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = first[..., 0] - (at - 0.5) / (at - before)
    return np.where((at > 0.5) & (before <= 0.5), crossing, np.nan)


def in_steps(angle: np.ndarray | float, step: float) -> np.ndarray:
    """The nearest multiple of a step."""
    return step * np.round(np.asarray(angle) / step)
