"""A virtual European Spine Phantom on a virtual scanner, whose line is known.

Densities and the sizes of its vertebrae are the phantom's own; how thick their cortex is, how far they lie apart and
how large the resin is are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.calibration import MINERAL
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.virtual.canvas import Canvas
from OpportunisticBMDTraining.virtual.materials import AIR_HU
from OpportunisticBMDTraining.virtual.parameters import ScanParameters
from OpportunisticBMDTraining.virtual.scan import acquire, lattice, paint_table
from OpportunisticBMDTraining.virtual.slices import Slices

# Slope and offset (HU) of scanners: right, as the real phantom at hand shows one, and off to either side.
SCANNERS = ((1.0, 0.0), (1.07, 35.0), (0.95, -5.0), (1.05, 5.0), (0.91, -12.0))
VOLTAGES = (80.0, 100.0, 120.0, 140.0)
POSES = ("straight", "tilted", "off-centre")
THICKNESS_MM = (0.6, 1.0, 1.25, 2.5, 3.0, 5.0)
DENSITIES = (50.0, 100.0, 200.0)  # mg HA/cm3, from the foot
CORTEX_MG_CM3 = 800.0
CORTEX_MM = (0.5, 1.0, 1.5)  # thickness of the three bodies' shells: the denser, the thicker
RADIUS_MM, HEIGHT_MM = 18.0, 25.0  # of the bodies
ARCH_RADIUS_MM, ARCH_MM = 14.0, (5.2, 6.0, 7.0)  # outer radius and thickness of the three arches
SPINOUS_MM = ((6.0, 11.7), (8.0, 14.6), (10.0, 21.0))  # thickness and length of what stands behind them
HALF_LENGTH_MM = 75.0  # of the resin
SPINE_MM = 80.0  # around the phantom's middle lie all its vertebrae
MOST_TILT_DEG = 10.0


@dataclass(frozen=True)
class PhantomScan:
    """One scan's record: rendering it twice gives the same voxels.

    Args:
        pose: one of `POSES`.
        tilt_deg: of the phantom's axis towards the right and the front.
        centre: of the phantom, right and front, mm.
        spacing: from body to body, mm.
        half_axes: of the resin, to the side and to the front, mm.
    """

    seed: int
    pose: str
    scan: ScanParameters
    tilt_deg: tuple[float, float]
    centre: tuple[float, float]
    spacing: float
    half_axes: tuple[float, float]

    @property
    def line(self) -> Calibration:
        """The line that the scanner follows, but for noise and cupping."""
        slope = MINERAL[int(self.scan.kvp)][0] * self.scan.slope
        return Calibration("true", HA, slope, self.scan.offset, "of the virtual scanner")


def draw_phantom_scan(seed: int) -> PhantomScan:
    """The scan of a number: 60 that follow each other hold every scanner at every voltage in every pose once."""
    rng = np.random.default_rng([seed, 20])
    slope, offset = SCANNERS[seed % 5]
    kvp, pose = VOLTAGES[seed // 5 % 4], POSES[seed // 20 % 3]
    tilt = rng.uniform(-1, 1, 2) * MOST_TILT_DEG if pose == "tilted" else rng.uniform(-1, 1, 2)
    away = rng.uniform(35, 60, 2) * rng.choice([-1, 1], 2) if pose == "off-centre" else rng.uniform(-8, 8, 2)
    thickness, field = float(rng.choice(THICKNESS_MM)), float(rng.uniform(330, 420))
    return PhantomScan(
        seed=seed,
        pose=pose,
        scan=ScanParameters(
            kvp=kvp,
            noise_hu=float(rng.uniform(8, 20) * (1.25 / thickness) ** 0.3),
            kernel_sigma=float(rng.uniform(0.4, 0.9)),
            slice_thickness=thickness,
            pixel=field / 512 * 1.25,
            field_of_view=field,
            top=float(rng.uniform(60, 85)),
            bottom=-float(rng.uniform(60, 85)),
            centre=(0.0, 0.0),
            slope=slope,
            offset=offset,
            cupping_hu=float(rng.uniform(-4, 4)),
            table_gap=float(rng.uniform(0, 10)),
            table_sag=float(rng.uniform(0, 9e-4)),
            table_hu=float(rng.uniform(-100, 600)),
            edge=float(max(rng.normal(0, 0.1), 0)),
            smear=thickness * 0.15,
        ),
        tilt_deg=(float(tilt[0]), float(tilt[1])),
        centre=(float(away[0]), float(away[1] / 2)),
        spacing=float(rng.uniform(30, 40)),
        half_axes=(float(rng.uniform(90, 140)), float(rng.uniform(75, 95))),
    )


def phantom_ct(phantom: PhantomScan) -> CT:
    """Resin on the table, three vertebrae in it, all passed through the scanner."""
    scan = phantom.scan
    right, front, up = lattice(scan)
    slices = Slices.through(up, scan)
    canvas = Canvas.blank(right, front, up, AIR_HU)
    _paint_phantom(canvas, phantom)
    paint_table(canvas, phantom.centre[1] - phantom.half_axes[1] - scan.table_gap, scan.table_sag, scan.table_hu)
    heights = up if slices is None else slices.up
    voxels = acquire(canvas.hu, scan, phantom.seed, slices)
    spacing = (*canvas.spacing[:2], float(heights[1] - heights[0]))
    grid = Grid.axis_aligned(voxels.shape, spacing, [float(np.mean(a)) for a in (right, front, heights)])
    acquisition = Acquisition(
        path=f"virtual phantom {phantom.seed}",
        format="virtual",
        kvp=scan.kvp,
        scanner="virtual",
        slice_thickness_mm=scan.slice_thickness,
    )
    return CT(Volume(voxels, grid), acquisition)


def _paint_phantom(canvas: Canvas, phantom: PhantomScan) -> None:
    mineral = MINERAL[int(phantom.scan.kvp)][0]
    side, front = phantom.half_axes
    x, y, z = _own_coordinates(canvas, canvas.whole, phantom)
    across = np.hypot(x / np.float32(side), y / np.float32(front))
    resin = np.maximum((across - 1) * np.float32(min(phantom.half_axes)), np.abs(z) - HALF_LENGTH_MM)
    canvas.paint(canvas.whole, resin, 0.0)
    middle = np.array((*phantom.centre, 0.0))
    box = canvas.box(middle - SPINE_MM, middle + SPINE_MM)
    x, y, z = _own_coordinates(canvas, box, phantom)
    for n, (density, cortex) in enumerate(zip(DENSITIES, CORTEX_MM)):
        height = np.abs(z - np.float32((n - 1) * phantom.spacing)) - np.float32(HEIGHT_MM / 2)
        body = np.maximum(np.hypot(x, y) - np.float32(RADIUS_MM), height)
        canvas.paint(box, np.maximum(_behind(x, y, n), height), mineral * CORTEX_MG_CM3)
        canvas.paint(box, body, mineral * CORTEX_MG_CM3)
        canvas.paint(box, body + np.float32(cortex), mineral * density)


def _behind(x: np.ndarray, y: np.ndarray, n: int) -> np.ndarray:
    """Distance across (mm) to the arch of a vertebra and its spinous process."""
    (wide, long), thick = SPINOUS_MM[n], ARCH_MM[n]
    middle = -np.float32(RADIUS_MM + ARCH_RADIUS_MM - thick)
    ring = np.abs(np.hypot(x, y - middle) - np.float32(ARCH_RADIUS_MM - thick / 2)) - np.float32(thick / 2)
    end = middle - np.float32(ARCH_RADIUS_MM + long / 2)
    spinous = np.maximum(np.abs(x) - np.float32(wide / 2), np.abs(y - end) - np.float32(long / 2))
    return np.minimum(ring, spinous)


def _own_coordinates(canvas: Canvas, box: Ranges, phantom: PhantomScan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the voxels in a box along the phantom's right, front and axis, mm."""
    right, front = np.radians(phantom.tilt_deg)
    x, y, z = canvas.coordinates(box)
    x, z = _turned(x - np.float32(phantom.centre[0]), z, right)
    y, z = _turned(y - np.float32(phantom.centre[1]), z, front)
    return x, y, z


def _turned(across: np.ndarray, along: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return across * cos - along * sin, across * sin + along * cos
