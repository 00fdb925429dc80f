"""Abdominal organs, bowel and vessels on the coarse grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas, ellipsoid, is_empty, smooth_max, stamp_tube
from OpportunisticBMDTraining.virtual.cavity import Cavity
from OpportunisticBMDTraining.virtual.chest import paint_chest
from OpportunisticBMDTraining.virtual.muscles import paint_muscles, paint_wall
from OpportunisticBMDTraining.virtual.parameters import Agent, BodyParameters, PatientParameters
from OpportunisticBMDTraining.virtual.spine import Vertebra
from OpportunisticBMDTraining.virtual.trunk import Trunk

GAS_HU = -950.0
CORTEX_MM = 7.0  # of the kidney, with its slope to the medulla
RENAL_VEINS_MM = -12.0  # above the centre of L1: where they join the cava


def paint_soft_tissue(
    canvas: Canvas, parameters: PatientParameters, trunk: Trunk, vertebrae: tuple[Vertebra, ...]
) -> None:
    """Paints the whole trunk without bones."""
    rng = np.random.default_rng([parameters.seed, 1])
    paint_wall(canvas, parameters, trunk)
    cavity = Cavity.of(canvas, parameters, trunk)
    canvas.paint(canvas.whole, cavity.inner, parameters.body.fat_hu)
    _mottle(canvas, parameters, rng)
    paint_muscles(canvas, parameters, vertebrae)
    _paint_bowel(cavity, parameters, trunk, rng)
    _paint_colon(cavity, parameters, trunk, rng)
    _paint_stomach(cavity, parameters, trunk, rng)
    _paint_spleen(cavity, parameters, trunk)
    _paint_liver(cavity, parameters, trunk)
    for side in (1, -1):
        _paint_kidney(canvas, parameters, side, rng)
    paint_chest(cavity, parameters, trunk, rng)
    _paint_vessels(canvas, parameters, vertebrae, rng)


def _mottle(canvas: Canvas, parameters: PatientParameters, rng: np.random.Generator) -> None:
    """Strands of fat in muscle and of tissue in fat, more with age."""
    size = [max(n // 2, 2) for n in canvas.hu.shape]
    field = ndimage.gaussian_filter(rng.standard_normal(size, dtype=np.float32), (1.0, 1.0, 2.5), mode="wrap")
    field *= np.float32((6 + 0.12 * parameters.age) / field.std())
    for axis in range(3):
        field = np.repeat(field, 2, axis=axis)
    part = canvas.hu[tuple(slice(0, n) for n in field.shape)]
    part += np.where(part > -300, field[tuple(slice(0, n) for n in part.shape)], 0)


def _around(canvas: Canvas, centre: Sequence[float], radii: Sequence[float]) -> Ranges:
    middle, reach = np.asarray(centre, dtype=float), np.asarray(radii, dtype=float) + 6
    return canvas.box(middle - reach, middle + reach)


def _paint_liver(cavity: Cavity, parameters: PatientParameters, trunk: Trunk) -> None:
    """A large right lobe under the dome and a flat left lobe across the front."""
    canvas, body, size = cavity.canvas, parameters.body, parameters.size
    a, b = (float(v) for v in trunk.axes(40.0))
    cy, large, top = float(trunk.centre(40.0)[1]), body.liver_size, body.dome * size
    low = -58 * large * size
    half = (top + 60 - low) / 2
    right, right_radii = (0.58 * a, cy + 2, low + half), (0.62 * a * large, 1.06 * b, half)
    left, left_radii = (0.02 * a, cy + 0.5 * b, 0.62 * top), (0.62 * a, 0.42 * b * large, 0.42 * top)
    box = canvas.box((-0.7 * a, -130, low - 8), (1.3 * a, 250, top + 8))
    if is_empty(box):
        return
    p = canvas.coordinates(box)
    lobes = -smooth_max(-ellipsoid(p, right, right_radii), -ellipsoid(p, left, left_radii), 14.0)
    around_spine = np.float32(40) - np.sqrt(p[0] ** 2 + (p[1] - 2) ** 2)
    liver = smooth_max(smooth_max(lobes, cavity.under_diaphragm(box, 4), 5.0), around_spine, 10.0)
    canvas.paint(box, np.maximum(liver, cavity.inner[box] + 3), body.liver_hu)


def _paint_spleen(cavity: Cavity, parameters: PatientParameters, trunk: Trunk) -> None:
    canvas, size = cavity.canvas, parameters.size
    a, _ = (float(v) for v in trunk.axes(40.0))
    centre, radii = (-0.76 * a, float(trunk.centre(40.0)[1]) - 30, 45 * size), (28 * size, 40 * size, 50 * size)
    box = _around(canvas, centre, radii)
    if is_empty(box):
        return
    spleen = smooth_max(ellipsoid(canvas.coordinates(box), centre, radii), cavity.under_diaphragm(box, 4), 4.0)
    agent = parameters.agent
    hu: float | np.ndarray = parameters.body.liver_hu + 8 if agent is None else agent.spleen_hu
    if agent is not None and agent.mottle_hu:
        hu = agent.spleen_hu + agent.mottle_hu * _stripes(canvas, box, parameters.seed)
    canvas.paint(box, np.maximum(spleen, cavity.inner[box] + 3), hu)


def _stripes(canvas: Canvas, box: Ranges, seed: int) -> np.ndarray:
    """(box) SD 1: the wavy bands of a spleen whose red and white pulp fill one after the other."""
    x, y, z = canvas.coordinates(box)
    turn = np.random.default_rng([seed, 41]).uniform(0, 2 * np.pi, 4)
    across = np.sin(x / 4 + 1.5 * np.sin(z / 11 + turn[0]) + turn[1])
    deep = np.sin(y / 5 + 1.5 * np.sin(z / 9 + turn[2]) + turn[3])
    bands: np.ndarray = (across + deep).astype(np.float32)
    return bands


def _paint_stomach(cavity: Cavity, parameters: PatientParameters, trunk: Trunk, rng: np.random.Generator) -> None:
    """Fluid below, gas above (in front of) it; sometimes contrast that was drunk."""
    canvas, size, body = cavity.canvas, parameters.size, parameters.body
    a, _ = (float(v) for v in trunk.axes(50.0))
    cy = float(trunk.centre(50.0)[1])
    grow = float(rng.uniform(0.65, 1.1))
    centre = (-0.42 * a, cy + 24, (48 + rng.normal(0, 8)) * size)
    radii = tuple(r * size * grow for r in (42.0, 38.0, 52.0))
    level = np.float32(cy + 24 + rng.uniform(-5, 25))
    box = _around(canvas, centre, radii)
    if is_empty(box):
        return
    p = canvas.coordinates(box)
    stomach = smooth_max(ellipsoid(p, centre, radii), cavity.under_diaphragm(box, 5), 5.0)
    stomach = np.maximum(stomach, cavity.inner[box] + 3)
    canvas.paint(box, stomach, 45.0)
    canvas.paint(box, smooth_max(stomach + 4, p[1] - level, 2.0), body.oral_hu)
    canvas.paint(box, smooth_max(stomach + 3, level - p[1], 2.0), GAS_HU)


def _paint_kidney(canvas: Canvas, parameters: PatientParameters, side: int, rng: np.random.Generator) -> None:
    """Leans outwards at its lower end; fat around it and in its hilum."""
    body, size = parameters.body, parameters.size
    k = body.kidney_size
    shift = rng.normal(0, 1, 2)
    centre = np.array([side * (60 + 3 * shift[0]), -10, (-22 if side > 0 else -10) + 9 * shift[1]]) * size
    box = canvas.box(centre - 90, centre + 90)
    if is_empty(box):
        return
    x, y, z = canvas.coordinates(box)
    p = (x + side * np.float32(0.25) * (z - centre[2]), y + np.float32(0.15) * (centre[2] - z), z)
    canvas.paint(box, ellipsoid(p, centre, (33 * k, 34 * k, 62 * k)), body.fat_hu)
    hilum = centre + np.array([-side * 16.0, 8, 0])
    notch = ellipsoid(p, hilum, (15 * k, 12 * k, 20 * k))
    kidney = smooth_max(ellipsoid(p, centre, (26 * k, 27 * k, 54 * k)), -notch, 6.0)
    canvas.paint(box, kidney, body.kidney_hu)
    sinus = ellipsoid(p, hilum + (side * 5, -3, 0), (8 * k, 8 * k, 24 * k))
    if parameters.agent is not None:
        _paint_medulla(canvas, box, parameters.agent, (kidney, sinus), p)
    canvas.paint(box, sinus, body.fat_hu + 70)
    if parameters.agent is not None:
        canvas.paint(box, ellipsoid(p, hilum + (side * 5, -3, 0), (4 * k, 5 * k, 14 * k)), parameters.agent.pelvis_hu)


def _paint_medulla(
    canvas: Canvas, box: Ranges, agent: Agent, inside: tuple[np.ndarray, np.ndarray], p: tuple[np.ndarray, ...]
) -> None:
    """Pyramids between columns of cortex, `CORTEX_MM` below the kidney's surface."""
    kidney, sinus = inside
    columns = np.float32(2.5) * np.sin(p[2] / 5) + np.float32(1.5) * np.sin(p[1] / 4)
    canvas.paint(box, np.maximum(kidney + CORTEX_MM, columns - 1.5 - 0.02 * sinus), agent.medulla_hu)


def _loop(cavity: Cavity, course: np.ndarray, radius: float, fluid: float, gas: float | None) -> None:
    """A piece of bowel along points (N, 3): wall, content, and gas above `gas` mm from its middle."""
    canvas = cavity.canvas
    box = canvas.box(course.min(axis=0) - radius - 5, course.max(axis=0) + radius + 5)
    if is_empty(box):
        return
    d = np.full([s.stop - s.start for s in box], 9, np.float32)
    for ends in zip(course, course[1:]):
        stamp_tube(d, box, canvas, ends, (radius, radius), margin=6)
    d = np.maximum(d, cavity.inner[box] + 2)
    canvas.paint(box, d, 45.0)
    canvas.paint(box, d + 2.5, fluid)
    if gas is not None:
        level = np.float32(course[:, 1].mean() + gas)
        canvas.paint(box, smooth_max(d + 2.5, level - canvas.coordinates(box)[1] + 0 * d, 2.0), GAS_HU)


def _paint_bowel(cavity: Cavity, parameters: PatientParameters, trunk: Trunk, rng: np.random.Generator) -> None:
    """Loops of small bowel, pancreas-like tissue and thin mesenteric vessels in the fat."""
    body = parameters.body
    a, b = (float(v) for v in trunk.axes(-60.0))
    cy = float(trunk.centre(-60.0)[1])
    for n in range(190):
        thin = n >= 110
        radius = float(rng.uniform(1.5, 3.5) if thin else rng.uniform(7, 16))
        angle, reach, up = rng.uniform(-0.5, np.pi + 0.5), np.sqrt(rng.uniform(0.03, 1)), rng.uniform(-240, 55)
        start = np.array([(a - 14) * reach * np.cos(angle), cy + (b - 14) * (0.1 + 0.9 * reach * np.sin(angle)), up])
        steps = rng.normal(0, 1, (3, 3)) * (1, 0.8, 0.8) * 16
        gas, oral = rng.random() < body.bowel_gas, rng.random() < 0.6
        level, fluid = rng.uniform(-0.6, 0.9) * radius, rng.uniform(10, 55)
        course = start + np.concatenate((np.zeros((1, 3)), np.cumsum(steps, axis=0)))
        if np.hypot(course[:, 0], course[:, 1] / 1.1).min() < 44 + radius or course[:, 1].min() < 12:
            continue
        if thin:
            fluid, gas = (body.vein_hu if rng.random() < 0.5 else 40.0), False
        elif oral and body.oral_hu > 100:
            fluid = body.oral_hu * 0.8
        _loop(cavity, course, radius, fluid, level if gas else None)


def _paint_colon(cavity: Cavity, parameters: PatientParameters, trunk: Trunk, rng: np.random.Generator) -> None:
    """Ascending, transverse and descending colon, with gas and stool."""
    size = parameters.size
    a, b = (float(v) for v in trunk.axes(-60.0))
    cy = float(trunk.centre(-60.0)[1])
    sag = float(rng.uniform(20, 80))
    s = np.linspace(0, 1, 8)
    across = np.stack((0.7 * a * (1 - 2 * s), cy + 0.72 * b + 0 * s, -15 - sag * np.sin(np.pi * s) + 30 * s), axis=1)
    right = np.stack((0.76 * a + 0 * s, cy - 18 + 0 * s, -200 + 170 * s), axis=1)
    left = np.stack((-0.8 * a + 0 * s, cy - 30 + 0 * s, -200 + 215 * s), axis=1)
    for course, radius in ((across, 17.0), (right, 21.0), (left, 14.0)):
        course = course * (1, 1, size) + rng.normal(0, 5, course.shape)
        gas = float(rng.uniform(-0.8, 0.7) * radius) if rng.random() < 0.75 else None
        _loop(cavity, course, radius * size, float(rng.uniform(10, 70)), gas)


def _paint_vessels(
    canvas: Canvas, parameters: PatientParameters, vertebrae: tuple[Vertebra, ...], rng: np.random.Generator
) -> None:
    """Aorta (with chalk in its wall in old age) and inferior vena cava, in front of the spine; crura beside them."""
    body, size = parameters.body, parameters.size
    box = canvas.box((-70, -40, -1e4), (70, 110, 1e4))
    blank = np.full([s.stop - s.start for s in box], 9, np.float32)
    chalk = ndimage.gaussian_filter(rng.standard_normal(blank.shape, dtype=np.float32), 1.5)
    chalk /= chalk.std()
    veins: float | np.ndarray = body.vein_hu
    if parameters.agent is not None:
        veins = _mixed(canvas, box, parameters.agent, body, size)
    for left, radius, hu in ((-1, 10.5, body.aorta_hu), (1, 11.0, veins)):
        d = blank.copy()
        points = _vessel_course(vertebrae, left)
        for ends in zip(points, points[1:]):
            stamp_tube(d, box, canvas, ends, (radius * size, radius * size))
        canvas.paint(box, d - 1.2, 45.0)
        canvas.paint(box, d, hu)
        if left < 0:
            canvas.hu[box][(np.abs(d) < 1.0) & (chalk > _chalk_above(parameters))] = 500.0


def _mixed(canvas: Canvas, box: Ranges, agent: Agent, body: BodyParameters, size: float) -> np.ndarray:
    """HU of the vena cava: blood from the legs, and that of the kidneys from their veins upwards."""
    z = canvas.coordinates(box)[2]
    share = 1 / (1 + np.exp((RENAL_VEINS_MM * size - z) / np.float32(7)))
    return np.float32(agent.leg_vein_hu) + share.astype(np.float32) * np.float32(body.vein_hu - agent.leg_vein_hu)


def _chalk_above(parameters: PatientParameters) -> float:
    """How many SD the field has to reach for chalk in the wall."""
    if parameters.body.chalk is not None:
        return parameters.body.chalk
    return 4.2 - 0.028 * parameters.age if parameters.age > 55 else np.inf


def _vessel_course(vertebrae: tuple[Vertebra, ...], left: int) -> list[np.ndarray]:
    points = []
    for v in vertebrae:
        if v.shape.name in ("L5", "L6") or (left > 0 and v.shape.name in ("T5", "T6", "T7", "T8")):
            continue
        low = v.shape.name[0] == "L" or v.shape.name == "T12"
        aside, front = (7.0, 13.0) if low else (17.0, 6.0)
        if left > 0:
            aside, front = (18.0, 9.0) if low else (24.0, 24.0)
        points.append(v.to_ras(left * aside, v.shape.depth / 2 + front, 0))
    return points
