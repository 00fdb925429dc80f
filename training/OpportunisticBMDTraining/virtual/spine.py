"""Vertebrae as signed-distance fields along a curved spine, with discs, canal and cord."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDTraining.cancellous import CORTEX_MM
from OpportunisticBMDTraining.virtual.canvas import Canvas, below, coverage, is_empty, smooth_max, stamp_tube
from OpportunisticBMDTraining.virtual.parameters import PatientParameters, VertebraParameters
from OpportunisticBMDTraining.virtual.slices import Slices
from OpportunisticBMDTraining.virtual.texture import Texture

CORTICAL_HU = 950.0
POSTERIOR_CORTEX = 1.3


@dataclass(frozen=True, eq=False)
class Vertebra:
    """A vertebra in space.

    Args:
        shape: its sizes.
        centre: of its body, RAS mm.
        axes: (3, 3), rows are its own right, front and up in RAS.
    """

    shape: VertebraParameters
    centre: np.ndarray
    axes: np.ndarray

    def to_ras(self, *local: float) -> np.ndarray:
        """A point given in the vertebra's own right, front and up (mm from the body's centre)."""
        return self.centre + np.asarray(local) @ self.axes

    def local(self, coordinates: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Open grids of RAS coordinates -> the vertebra's own right, front and up, all mm; (I, J, K) float32 each."""
        x, y, z = (c - np.float32(m) for c, m in zip(coordinates, self.centre))
        a = self.axes.astype(np.float32)
        right, front, up = (x * a[n, 0] + y * a[n, 1] + z * a[n, 2] for n in range(3))
        return right, front, up


@dataclass(frozen=True, eq=False)
class Cancellous:
    """The cancellous bone of one body, as the slices show it and as it was painted.

    Args:
        box: where in the scan.
        inside: (box) which voxel centres lie in it, `CORTEX_MM` below the body's surface, as on real CTs.
        painted_box: where on the canvas.
        painted: (painted_box) the same of its voxels.
        density: (painted_box) mg HA/cm3.
    """

    box: Ranges
    inside: np.ndarray
    painted_box: Ranges
    painted: np.ndarray
    density: np.ndarray


def place_vertebrae(parameters: PatientParameters) -> tuple[Vertebra, ...]:
    """From top to bottom along the curved spine; the centre of L1's body is the origin."""
    return place(parameters.vertebrae)


def place(shapes: tuple[VertebraParameters, ...]) -> tuple[Vertebra, ...]:
    """The same of the vertebrae alone."""
    spine = [Vertebra(shapes[0], np.zeros(3), _axes(shapes[0]))]
    for shape in shapes[1:]:
        spine.append(place_below(spine[-1], shape))
    origin = next(v.centre for v in spine if v.shape.name == "L1")
    return tuple(replace(v, centre=v.centre - origin) for v in spine)


def place_below(above: Vertebra, shape: VertebraParameters) -> Vertebra:
    """The next one towards the feet, a disc away."""
    axes = _axes(shape)
    middle = above.axes[2] + axes[2]
    step = (above.shape.height * above.axes[2] + shape.height * axes[2]) / 2
    step = step + above.shape.disc_below * middle / np.linalg.norm(middle)
    return Vertebra(shape, above.centre - step, axes)


def _axes(shape: VertebraParameters) -> np.ndarray:
    lean, tilt = np.deg2rad(shape.lean), np.deg2rad(shape.tilt)
    up = np.array([np.sin(tilt), -np.sin(lean), np.cos(lean) * np.cos(tilt)])
    up /= np.linalg.norm(up)
    right = np.array([1.0, 0.0, 0.0]) - up[0] * up
    right /= np.linalg.norm(right)
    front = np.cross(up, right)
    if shape.turn:
        turn = np.deg2rad(shape.turn)
        right, front = np.cos(turn) * right + np.sin(turn) * front, np.cos(turn) * front - np.sin(turn) * right
    return np.stack((right, front, up))


def body_distances(
    shape: VertebraParameters, x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Signed distances (mm) to the body's wall and to its endplates, in its own coordinates."""
    half = shape.height / 2
    pinch = np.float32(1) - np.float32(shape.waist) * np.maximum(0, 1 - (z / half) ** 2)
    pinch = pinch + np.float32(shape.lip) * np.minimum((z / half) ** 8, 1.2)
    b = np.float32(shape.depth / 2) * (1 + np.float32(0.6) * (pinch - 1))
    # Thoracic bodies are heart-shaped: narrower in front.
    a = shape.width / 2 * pinch * (1 - np.float32(0.1 if shape.name[0] == "T" else 0.02) * y / b)
    q = np.abs(x / a) ** 2.3 + np.abs(y / b) ** 2.3 + 1e-6
    f = q ** np.float32(1 / 2.3)
    radial = np.sqrt(x * x + y * y) * (1 - 1 / f)
    # The wall towards the canal is flat, and hollow in the middle.
    wall = -b * np.float32(0.9) + np.float32(shape.depth * 0.06) * np.exp(-((x / (0.42 * a)) ** 2))
    wall = smooth_max(radial, wall - y, 4.0)
    rho = np.minimum((x / (0.85 * a)) ** 2 + ((y + 0.1 * b) / (0.85 * b)) ** 2, 1)
    slope = np.float32(np.tan(np.deg2rad(shape.wedge) / 2))
    end = np.abs(z) - (half - y * slope - np.float32(shape.endplate_depth) * (1 - rho) ** 1.5)
    for dent in shape.dents:
        r2 = (x - np.float32(dent.x)) ** 2 + (y - np.float32(dent.y)) ** 2
        hollow = np.float32(dent.depth) * np.exp(r2 * np.float32(-1 / dent.radius**2))
        end = end + hollow * (z > 0 if dent.above else z < 0)
    return wall, end


def canal_points(vertebrae: tuple[Vertebra, ...]) -> list[np.ndarray]:
    """Middle of the spinal canal at each vertebra, RAS mm."""
    return [v.to_ras(0, -v.shape.depth * 0.45 - 8.0, 0) for v in vertebrae]


def paint_canal(canvas: Canvas, vertebrae: tuple[Vertebra, ...]) -> None:
    """Epidural fat around the dural sac, and the cord in it down to L1."""
    points = canal_points(vertebrae)
    for radius, hu in ((11.0, -60.0), (8.8, 25.0), (4.2, 42.0)):
        box = canvas.box((-45, -90, points[-1][2] - 12), (45, 30, points[0][2] + 12))
        if is_empty(box):
            return
        d = np.full([s.stop - s.start for s in box], 9, np.float32)
        for n, ends in enumerate(zip(points, points[1:])):
            if radius > 5 or n < 8:
                stamp_tube(d, box, canvas, ends, (radius, radius))
        canvas.paint_few(box, d, hu)


def posterior_distances(canvas: Canvas, vertebra: Vertebra) -> tuple[Ranges, np.ndarray, np.ndarray]:
    """Box and signed distances (mm): the arch with its joints and spinous process, and the transverse processes."""
    reach = np.array([60.0, 75.0, 48.0])
    box = canvas.box(vertebra.centre - reach, vertebra.centre + reach * (1, 0.1, 1))
    arch = np.full([max(b.stop - b.start, 0) for b in box], 9, np.float32)
    sides = arch.copy()
    if is_empty(box):
        return box, arch, sides

    def tube(field: np.ndarray, p: tuple, q: tuple, r: float, r2: float, tall: float = 1.0) -> None:
        ends = vertebra.to_ras(*p), vertebra.to_ras(*q)
        stamp_tube(field, box, canvas, ends, (r, r2), (vertebra.axes[2], tall) if tall != 1 else None)

    for side in (-1, 1):
        _stamp_arch(tube, arch, vertebra.shape, side)
        _stamp_transverse(tube, sides, vertebra.shape, side)
    _stamp_spinous(tube, arch, vertebra.shape)
    return box, arch, sides


def arch_width(shape: VertebraParameters) -> float:
    """Half distance of the pedicles, mm."""
    return 12.5 if shape.name[0] == "T" else 14.0 + 0.8 * (int(shape.name[1:]) - 1)


def _stamp_arch(tube: Callable, arch: np.ndarray, shape: VertebraParameters, side: int) -> None:
    w, b, h = arch_width(shape), shape.depth * 0.45, shape.height
    tube(arch, (side * w, 2 - b, h * 0.22), (side * (w + 2), -b - 12, h * 0.2), 3.8, 4.0, 1.8)
    tube(arch, (side * (w + 2), -b - 13, h * 0.5), (side * (w + 1), -b - 18, -h * 0.3), 5.2, 4.8)
    tube(arch, (side * (w + 1), -b - 18, -h * 0.3), (side * (w - 1), -b - 19, -h * 0.85), 4.8, 4.8)
    tube(arch, (side * (w + 3), -b - 13, h * 0.55), (side * (w + 5), -b - 14, h * 0.8), 4.8, 4.2)
    tube(arch, (side * w, -b - 16, 0), (side * 1.5, -b - 21, -h * 0.2), 3.0, 3.3, 2.6)


def _stamp_transverse(tube: Callable, sides: np.ndarray, shape: VertebraParameters, side: int) -> None:
    w, b, h = arch_width(shape), shape.depth * 0.45, shape.height
    length = {"L1": 33, "L2": 38, "L3": 43, "L4": 40, "L5": 41, "T12": 21, "T11": 25}.get(shape.name, 31)
    if shape.name[0] == "L":
        tube(sides, (side * (w + 2), -b - 11, h * 0.15), (side * length, -b - 16, h * 0.17), 2.8, 2.0, 1.6)
    else:
        tube(sides, (side * (w + 2), -b - 13, h * 0.25), (side * length, -b - 21, h * 0.4), 4.5, 4.2)


def _stamp_spinous(tube: Callable, arch: np.ndarray, shape: VertebraParameters) -> None:
    b, h, lumbar = shape.depth * 0.45, shape.height, shape.name[0] == "L"
    tip = -b - (52 if lumbar else 50)
    if lumbar or shape.name in ("T11", "T12"):
        drop, tall = (0.45, 3.0) if lumbar else (0.8, 2.2)
        tube(arch, (0, -b - 22, -h * 0.28), (0, tip, -h * drop), 2.6, 3.6, tall)
    else:
        tube(arch, (0, -b - 21, -h * 0.3), (0, tip + 4, -h * 1.35), 3.0, 3.4, 1.7)


def paint_vertebra(
    canvas: Canvas,
    labels: np.ndarray,
    vertebra: Vertebra,
    texture: Texture,
    line: tuple[float, float],
    grain: np.ndarray,
    slices: Slices | None = None,
    compact: float = 1.0,
    side_brightness: float = 1.0,
    level: str = "",
) -> Cancellous | None:
    """Paints one vertebra; marks its cancellous bone in `labels` where its level is T12, L1 or L2.

    Args:
        labels: on the canvas's own lattice, or at the heights of the slices where they are given.
        line: slope and intercept from mg HA/cm3 to HU of cancellous bone with its marrow.
        grain: periodic factors for the posterior elements' brightness.
        slices: what the scanner makes of the canvas; None where each plane of the canvas is a slice.
        compact: brightness of compact bone relative to 120 kVp.
        side_brightness: of the transverse processes, relative to what is usual.
        level: what it is called by its ribs; "" where it is not measured.

    Returns:
        The cancellous bone as the slices show it, None where the scan does not reach the body.
    """
    s = vertebra.shape
    box, arch, sides = posterior_distances(canvas, vertebra)
    if not is_empty(box):
        canvas.mark(box, np.minimum(arch, sides), Bone.ARCH)
        core = 170 + line[1] + line[0] * s.density
        paint_shell(canvas, box, sides, 1.0, 620.0 * side_brightness, (core - 60) * side_brightness, grain)
        paint_shell(canvas, box, arch, POSTERIOR_CORTEX, 1080.0, core, grain)
    reach = np.array([s.width / 2 + 5, s.depth / 2 + 5, s.height / 2 + s.room])
    box = canvas.box(vertebra.centre - reach, vertebra.centre + reach)
    if is_empty(box):
        return None
    x, y, z = vertebra.local(canvas.coordinates(box))
    wall, end = body_distances(s, x, y, z)
    inner = smooth_max(wall + np.float32(s.cortex), end + np.float32(s.endplate), 1.5)
    density = texture.density(canvas, box, (x, y, z), inner, end, s)
    painted = _is_cancellous(wall, end)
    seen_box, inside, seen = box, painted, density
    if slices is not None:
        seen_box, inside, seen = _in_slices(vertebra, canvas, box, density, slices)
    density += np.float32(s.density) - (seen[inside].mean() if inside.any() else 0)
    across, through = canvas.spacing[0], canvas.spacing[2]
    bone = coverage(wall, across) * coverage(end, through)
    marrow = coverage(wall + np.float32(s.cortex), across) * coverage(end + np.float32(s.endplate), through)
    canvas.mark(box, np.maximum(wall, end), Bone.BODY)
    hu = canvas.hu[box]
    shell = CORTICAL_HU * compact
    hu += bone * (shell - hu)
    hu += marrow * (line[0] * density + np.float32(line[1] - shell))
    if level in LABELS:
        labels[seen_box][inside] = LABELS[level]
    return Cancellous(seen_box, inside, box, painted, density)


def _in_slices(
    vertebra: Vertebra, canvas: Canvas, box: Ranges, density: np.ndarray, slices: Slices
) -> tuple[Ranges, np.ndarray, np.ndarray]:
    """Where the cancellous bone is at the heights of the slices, and the density that each slice's profile gathers."""
    heights = slices.within(float(canvas.z[box[2]][0]), float(canvas.z[box[2]][-1]))
    x, y, _ = canvas.coordinates(box)
    place = vertebra.local((x, y, slices.up[None, None, heights].astype(np.float32)))
    wall, end = body_distances(vertebra.shape, *place)
    inside = _is_cancellous(wall, end)
    return (box[0], box[1], heights), inside, slices.of(density, box[2], heights)


def cancellous(vertebra: Vertebra, grid: Grid) -> np.ndarray:
    """(I, J, K) bool: which voxel centres lie in the cancellous bone of the body, without painting it."""
    s = vertebra.shape
    right, front, up = vertebra.local(grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)).T)
    near = (np.abs(right) < s.width) & (np.abs(front) < s.depth) & (np.abs(up) < s.height / 2 + s.room)
    return (near & _is_cancellous(*body_distances(s, right, front, up))).T


def _is_cancellous(wall: np.ndarray, end: np.ndarray) -> np.ndarray:
    return smooth_max(wall, end, 1.5) < -CORTEX_MM


def paint_shell(
    canvas: Canvas, box: Ranges, d: np.ndarray, cortex: float, shell_hu: float, core_hu: float, grain: np.ndarray
) -> None:
    """A bone with a shell of compact bone around cancellous bone, in the voxels near it only.

    Args:
        d: (box) signed distance to its surface, mm.
        cortex: thickness of the shell, mm.
        grain: (n, n, n) periodic factors by which its brightness varies from voxel to voxel.
    """
    where = below(d, 1.0)
    near = d[where]
    bone, core = coverage(near, canvas.voxel), coverage(near + np.float32(cortex), canvas.voxel)
    n = len(grain)
    factor = grain[where[0] % n, where[1] % n, where[2] % n]
    part = canvas.hu[box]
    hu = part[where]
    part[where] = hu + bone * (factor * np.float32(shell_hu) - hu) + core * factor * np.float32(core_hu - shell_hu)
