"""Lesions of the bone: what stands in a body, or in the disc below it, and is not the patient's density.

They are painted over healthy bone, so that `true_readings` remain those of the bone as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas, coverage, ellipsoid, is_empty
from OpportunisticBMDTraining.virtual.discs import GAS_HU
from OpportunisticBMDTraining.virtual.parameters import Implant, Lesion, PatientParameters, VertebraParameters
from OpportunisticBMDTraining.virtual.spine import CORTICAL_HU, Vertebra, body_distances
from OpportunisticBMDTraining.virtual.true_levels import measured_levels

DISC_HU, FIBROUS_HU, STROMA_HU = 85.0, 45.0, 10.0
HALO_HU, HALO_MM = 520.0, 3.0  # of a sclerotic rim: above the bone that it grew in, and where it has fallen to a third
COLUMN_HU, COLUMN_MM, COLUMNS_APART_MM = 420.0, 0.9, 4.2  # thickened trabeculae of a haemangioma: HU, radius, distance
ROUGH = 0.18  # SD of a lesion's edge, relative to its radius
ROUGH_MM = 2.5
SCREW_HU = 7000.0


@dataclass(frozen=True, eq=False)
class _Place:
    """A part of the canvas around a body.

    Args:
        p: own right, front and up of its voxels, mm.
        marrow: share of each voxel that lies within cortex and endplates, 0..1.
        rng: for the lesion's edge and texture.
    """

    canvas: Canvas
    box: Ranges
    p: tuple[np.ndarray, np.ndarray, np.ndarray]
    marrow: np.ndarray
    shape: VertebraParameters
    compact: float
    rng: np.random.Generator

    def blend(self, share: np.ndarray, hu: float | np.ndarray) -> None:
        """Lays a material over the voxels of the box by its share in each."""
        part = self.canvas.hu[self.box]
        part += share * (hu - part)

    def blob(self, lesion: Lesion) -> np.ndarray:
        """Signed distance (mm) to an ellipsoid with an uneven edge."""
        radii = (lesion.radius, lesion.radius, lesion.height)
        smooth = ellipsoid(self.p, (lesion.x, lesion.y, lesion.z), radii)
        return smooth + np.float32(ROUGH * min(radii)) * self.field(ROUGH_MM)

    def field(self, sigma_mm: float) -> np.ndarray:
        """Smooth random values of SD 1."""
        white = self.rng.standard_normal(self.marrow.shape, dtype=np.float32)
        smooth: np.ndarray = ndimage.gaussian_filter(white, [sigma_mm / s for s in self.canvas.spacing], mode="wrap")
        return smooth / smooth.std()


def with_lesion(parameters: PatientParameters, kind: str, vertebra: str, seed: int = 0) -> PatientParameters:
    """The patient with one more lesion, its size and place drawn from the seed.

    Args:
        kind: one of `KINDS`, or "screws in neighbour": with rods that pass behind the vertebra, where one can be.
        vertebra: "T12", "L1" or "L2", as the ribs name it.

    Raises:
        ValueError: an unknown kind.
    """
    levels = measured_levels(parameters.body, parameters.vertebrae)
    level = next(name for name, called in levels.items() if called == vertebra)
    rng = np.random.default_rng([parameters.seed, 30, seed])
    if kind == SCREWS:
        names = [shape.name for shape in parameters.vertebrae]
        at = names.index(level)
        screws = Implant("screws", (names[at - 1], names[at + 1]), hu=SCREW_HU)
        return replace(parameters, implants=(*parameters.implants, screws))
    if kind not in DRAW:
        raise ValueError(f"the kind of a lesion is {kind!r}, not one of {', '.join((*DRAW, SCREWS))}")
    shape = next(shape for shape in parameters.vertebrae if shape.name == level)
    return replace(parameters, lesions=(*parameters.lesions, DRAW[kind](rng, shape)))


def paint_lesions(canvas: Canvas, parameters: PatientParameters, vertebrae: tuple[Vertebra, ...]) -> None:
    """Paints them over the bones.

    Args:
        vertebrae: of the parameters, placed.
    """
    spine = {vertebra.shape.name: vertebra for vertebra in vertebrae}
    for number, lesion in enumerate(parameters.lesions):
        vertebra = spine[lesion.level]
        s = vertebra.shape
        reach = np.array([s.width / 2 + 5, s.depth / 2 + 5, s.height / 2 + s.room + s.disc_below])
        box = canvas.box(vertebra.centre - reach, vertebra.centre + reach)
        if is_empty(box):
            continue
        p = vertebra.local(canvas.coordinates(box))
        wall, end = body_distances(s, *p)
        across, through = canvas.spacing[0], canvas.spacing[2]
        marrow = coverage(wall + np.float32(s.cortex), across) * coverage(end + np.float32(s.endplate), through)
        rng = np.random.default_rng([parameters.seed, 31, number])
        PAINT[lesion.kind](_Place(canvas, box, p, marrow, s, parameters.compact, rng), lesion)


def _paint_island(place: _Place, lesion: Lesion) -> None:
    """Compact bone that radiates into the trabeculae around it."""
    share = coverage(place.blob(lesion), 2.0)
    place.blend(share * place.marrow, np.float32(CORTICAL_HU * place.compact * lesion.strength))


def _paint_sclerosis(place: _Place, lesion: Lesion) -> None:
    """A node of disc in the endplate, and the dense bone that has grown around it."""
    distance = place.blob(lesion)
    uneven = np.clip(1 + np.float32(0.25) * place.field(ROUGH_MM), 0, 2)
    halo = np.float32(HALO_HU * place.compact * lesion.strength) * np.exp(
        -np.maximum(distance, 0) / np.float32(HALO_MM)
    )
    place.canvas.hu[place.box] += place.marrow * halo * uneven
    open_end = coverage(np.abs(place.p[2]) - np.float32(place.shape.height / 2 + 1), 1.5)
    wall, _ = body_distances(place.shape, *place.p)
    inside = coverage(wall + np.float32(1.5), place.canvas.spacing[0])
    place.blend(coverage(distance, place.canvas.voxel) * open_end * inside, np.float32(DISC_HU))


def _paint_lysis(place: _Place, lesion: Lesion) -> None:
    """Soft tissue in place of bone."""
    share = np.clip(coverage(place.blob(lesion), 1.5) * np.float32(lesion.strength), 0, 1)
    place.blend(share * place.marrow, np.float32(FIBROUS_HU))


def _paint_haemangioma(place: _Place, lesion: Lesion) -> None:
    """Fat and vessels, and few but thick trabeculae from endplate to endplate."""
    share = coverage(place.blob(lesion), 2.0) * place.marrow
    thick = _columns(place, lesion) * np.clip(1 + np.float32(0.2) * place.field(ROUGH_MM), 0.4, 1.6)
    hu = np.float32(STROMA_HU) + thick * np.float32(COLUMN_HU * place.compact * lesion.strength)
    place.blend(np.float32(0.9) * share, hu)


def _columns(place: _Place, lesion: Lesion) -> np.ndarray:
    """Share of each voxel that thick trabeculae fill; they stand on an uneven lattice."""
    right, front, _ = place.p
    ticks = np.arange(-lesion.radius, lesion.radius + COLUMNS_APART_MM, COLUMNS_APART_MM)
    nearest = np.full(place.marrow.shape, 9, np.float32)
    for n, x in enumerate(ticks):
        for y in ticks + (n % 2) * COLUMNS_APART_MM / 2:
            dx, dy = place.rng.normal(0, 0.18 * COLUMNS_APART_MM, 2)
            away = np.hypot(right - np.float32(lesion.x + x + dx), front - np.float32(lesion.y + y + dy))
            np.minimum(nearest, away, out=nearest)
    return coverage(nearest - np.float32(COLUMN_MM), place.canvas.voxel)


def _paint_cleft(place: _Place, lesion: Lesion) -> None:
    """A flat gap in the body that holds gas."""
    place.blend(coverage(place.blob(lesion), place.canvas.voxel) * place.marrow, np.float32(GAS_HU))


def _paint_vacuum(place: _Place, lesion: Lesion) -> None:
    """Gas in the disc."""
    distance = ellipsoid(place.p, (lesion.x, lesion.y, lesion.z), (lesion.radius, 0.8 * lesion.radius, lesion.height))
    place.blend(coverage(distance, place.canvas.voxel), np.float32(GAS_HU))


def _draw_island(rng: np.random.Generator, shape: VertebraParameters) -> Lesion:
    radius = float(rng.uniform(2.5, 9.0))
    return Lesion("bone island", shape.name, *_within(rng, shape, 0.25), radius, radius * float(rng.uniform(0.7, 1.2)))


def _draw_sclerosis(rng: np.random.Generator, shape: VertebraParameters) -> Lesion:
    x, y, _ = _within(rng, shape, 0.2)
    end = float(rng.choice([-1, 1])) * shape.height / 2
    return Lesion(
        "sclerosis",
        shape.name,
        x,
        y,
        end,
        float(rng.uniform(4.0, 9.0)),
        float(rng.uniform(4.0, 9.0)),
        float(rng.uniform(0.6, 1.3)),
    )


def _draw_lysis(rng: np.random.Generator, shape: VertebraParameters) -> Lesion:
    radius = float(rng.uniform(3.0, 15.0))
    height = min(radius * float(rng.uniform(0.7, 1.2)), 0.45 * shape.height)
    return Lesion("lysis", shape.name, *_within(rng, shape, 0.25), radius, height, float(rng.uniform(0.6, 1.0)))


def _draw_haemangioma(rng: np.random.Generator, shape: VertebraParameters) -> Lesion:
    radius = float(rng.uniform(5.0, 18.0))
    x, y, _ = _within(rng, shape, 0.2)
    return Lesion("haemangioma", shape.name, x, y, 0.0, radius, shape.height, float(rng.uniform(0.8, 1.3)))


def _draw_cleft(rng: np.random.Generator, shape: VertebraParameters) -> Lesion:
    up = float(rng.uniform(0.0, 0.3)) * shape.height
    x, y = float(rng.normal(0, 2.0)), float(rng.uniform(0.0, 0.15)) * shape.depth
    return Lesion("gas cleft", shape.name, x, y, up, float(rng.uniform(6.0, 14.0)), float(rng.uniform(1.2, 3.5)))


def _draw_vacuum(rng: np.random.Generator, shape: VertebraParameters) -> Lesion:
    below = -(shape.height + shape.disc_below) / 2
    radius = float(rng.uniform(0.2, 0.4)) * shape.width
    return Lesion("vacuum disc", shape.name, 0.0, 0.0, below, radius, min(1.8, 0.4 * shape.disc_below))


def _within(rng: np.random.Generator, shape: VertebraParameters, share: float) -> tuple[float, float, float]:
    """A place near the middle of the body, normally distributed with this SD relative to its size."""
    x, y, z = (rng.normal(0, share / 1.5, 3) * (shape.width, shape.depth, shape.height)).tolist()
    return x, y, z


PAINT: dict[str, Callable[[_Place, Lesion], None]] = {
    "bone island": _paint_island,
    "sclerosis": _paint_sclerosis,
    "lysis": _paint_lysis,
    "haemangioma": _paint_haemangioma,
    "gas cleft": _paint_cleft,
    "vacuum disc": _paint_vacuum,
}
DRAW: dict[str, Callable[[np.random.Generator, VertebraParameters], Lesion]] = {
    "bone island": _draw_island,
    "sclerosis": _draw_sclerosis,
    "lysis": _draw_lysis,
    "haemangioma": _draw_haemangioma,
    "gas cleft": _draw_cleft,
    "vacuum disc": _draw_vacuum,
}
SCREWS = "screws in neighbour"
KINDS = (*DRAW, SCREWS)
