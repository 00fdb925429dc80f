"""A grid to paint tissues on, from signed distances in mm (negative inside)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.ranges import Ranges

Point = Sequence[float] | np.ndarray  # (3,) right, front and head, mm


@dataclass(frozen=True, eq=False)
class Canvas:
    """HU on an axis-aligned RAS lattice.

    Args:
        x, y, z: coordinates of the voxel centres along right, front and head, mm, ascending.
        hu: float32 (len(x), len(y), len(z)).
        bones: uint8 of the same shape: which `Bone` fills more than half of each voxel.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    hu: np.ndarray
    bones: np.ndarray

    @classmethod
    def blank(cls, x: np.ndarray, y: np.ndarray, z: np.ndarray, hu: float) -> Canvas:
        """The same HU everywhere."""
        x, y, z = (np.asarray(a, dtype=np.float32) for a in (x, y, z))
        return cls.of(x, y, z, np.full((len(x), len(y), len(z)), hu, dtype=np.float32))

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, z: np.ndarray, hu: np.ndarray) -> Canvas:
        """What is painted already, without bones."""
        return cls(x, y, z, hu, np.zeros_like(hu, dtype=np.uint8))

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Of the voxels along right, front and head, mm."""
        x, y, z = (float(a[1] - a[0]) for a in (self.x, self.y, self.z))
        return x, y, z

    @property
    def whole(self) -> Ranges:
        """Index ranges of all voxels."""
        x, y, z = (slice(0, n) for n in self.hu.shape)
        return x, y, z

    @property
    def voxel(self) -> float:
        """Edge of the cube of a voxel's volume, mm."""
        return float(np.prod(self.spacing) ** (1 / 3))

    def box(self, low: Point, high: Point) -> Ranges:
        """Index ranges of the voxels between two corners (RAS mm); empty ranges where none are."""
        x, y, z = (
            slice(int(np.searchsorted(axis, lo)), int(np.searchsorted(axis, hi)))
            for axis, lo, hi in zip((self.x, self.y, self.z), low, high)
        )
        return x, y, z

    def coordinates(self, box: Ranges) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Open grids (broadcastable) of the coordinates in a box."""
        return self.x[box[0], None, None], self.y[None, box[1], None], self.z[None, None, box[2]]

    def paint(self, box: Ranges, distance: np.ndarray, hu: float | np.ndarray, soft: float | None = None) -> None:
        """Lays a tissue over the box: wholly inside, in part at its surface, `soft` mm wide."""
        share = coverage(distance, soft or self.voxel)
        self.hu[box] += share * (hu - self.hu[box])

    def mark(self, box: Ranges, distance: np.ndarray, bone: Bone) -> None:
        """Notes which bone lies inside a surface."""
        self.bones[box][below(distance, 0.0)] = bone

    def paint_few(self, box: Ranges, distance: np.ndarray, hu: float) -> None:
        """The same where the tissue fills little of the box."""
        where = below(distance, self.voxel / 2)
        part = self.hu[box]
        part[where] += coverage(distance[where], self.voxel) * (hu - part[where])


def below(distance: np.ndarray, limit: float) -> tuple[np.ndarray, ...]:
    """Indices of the few voxels of a (C or Fortran ordered) array that lie below a limit, in its order in memory."""
    if distance.flags.f_contiguous:
        return below(distance.T, limit)[::-1]
    return np.unravel_index(np.flatnonzero(distance < limit), distance.shape)


def is_empty(box: Ranges) -> bool:
    """Whether no voxel lies in the ranges."""
    return any(s.stop <= s.start for s in box)


def coverage(distance: np.ndarray, width: float) -> np.ndarray:
    """Share of a voxel of that width inside a surface at a signed distance from its centre."""
    return np.clip(np.float32(0.5) - distance * np.float32(1 / width), 0, 1)


def smooth_max(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Intersection of two bodies with an edge rounded over `radius` mm (quadratic polynomial smooth maximum)."""
    blend = np.maximum(radius - np.abs(a - b), 0) / radius
    return np.maximum(a, b) + blend * blend * (radius / 4)


def ellipsoid(p: Sequence[np.ndarray], centre: Point, radii: Sequence[float]) -> np.ndarray:
    """Approximate signed distance (mm) to an axis-aligned ellipsoid.

    Args:
        p: open grids of right, front and head coordinates, mm.
        centre: RAS mm.
        radii: mm.
    """
    q = [(c - m) / np.float32(r) for c, m, r in zip(p, centre, radii)]
    return (np.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2) - 1) * np.float32(min(radii))


def stamp_tube(
    distance: np.ndarray,
    origin: Ranges,
    canvas: Canvas,
    ends: tuple[np.ndarray, np.ndarray],
    radii: tuple[float, float],
    tall: tuple[np.ndarray, float] | None = None,
    margin: float = 2.5,
) -> None:
    """Lowers `distance` (the part `origin` of the canvas) by a straight tube between two ends (RAS mm).

    Args:
        distance: float32 (I, J, K), mm.
        origin: where it lies in the canvas.
        ends: of the tube's middle.
        radii: at both ends, mm.
        tall: a unit vector and how many times longer the section is along it.
        margin: how far around the tube distances are needed, mm.
    """
    p, q = (np.asarray(e, dtype=float) for e in ends)
    stretch = tall[1] if tall else 1.0
    reach = max(radii) * max(stretch, 1.0) + margin
    box = canvas.box(np.minimum(p, q) - reach, np.maximum(p, q) + reach)
    box = _common(box, origin)
    if is_empty(box):
        return
    x, y, z = (c - np.float32(m) for c, m in zip(canvas.coordinates(box), p))
    along = (q - p).astype(np.float32)
    square = float(along @ along) or 1.0
    t = np.clip((x * along[0] + y * along[1] + z * along[2]) / np.float32(square), 0, 1)
    dx, dy, dz = x - t * along[0], y - t * along[1], z - t * along[2]
    r2 = dx * dx + dy * dy + dz * dz
    if tall:
        u = np.asarray(tall[0], dtype=np.float32)
        s = dx * u[0] + dy * u[1] + dz * u[2]
        r2 = r2 - s * s * np.float32(1 - 1 / stretch**2)
    d = np.sqrt(np.maximum(r2, 0)) - (np.float32(radii[0]) + t * np.float32(radii[1] - radii[0]))
    local = tuple(slice(b.start - o.start, b.stop - o.start) for b, o in zip(box, origin))
    np.minimum(distance[local], d, out=distance[local], casting="same_kind")


def _common(first: Ranges, second: Ranges) -> Ranges:
    x, y, z = (slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(first, second))
    return x, y, z
