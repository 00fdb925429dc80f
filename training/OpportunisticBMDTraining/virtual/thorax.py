"""Ribs as tubes along the chest wall, from their vertebra to the costal arch, and the sternum."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.interpolate import make_interp_spline

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.ranges import Ranges
from OpportunisticBMDTraining.virtual.canvas import Canvas, is_empty, stamp_tube
from OpportunisticBMDTraining.virtual.parameters import Appearance, PatientParameters
from OpportunisticBMDTraining.virtual.spine import Vertebra, paint_shell
from OpportunisticBMDTraining.virtual.true_levels import ribs_of
from OpportunisticBMDTraining.virtual.trunk import Trunk

STEP_MM = 7.0
ROOM_MM = 12.0  # around the middle of a rib: its half height and what fades beside it
FLOATING = ("T11", "T12", "L1")
RIB_END_DEGREES = {"T5": 150, "T6": 150, "T7": 146, "T8": 138, "T9": 128, "T10": 116}


def rib_course(parameters: PatientParameters, trunk: Trunk, vertebra: Vertebra, side: int) -> np.ndarray:
    """(N, 3) points of a rib from its head to its front end, RAS mm; side 1 = right, -1 = left."""
    s = vertebra.shape
    b = s.depth * 0.45
    up = 0.3 * s.height
    steep = {"L1": 8.0, "T12": 7.0, "T11": 4.0}.get(s.name, 1.0)
    root = [vertebra.to_ras(side * (s.width * 0.47 + 1), -0.75 * b, up)]
    root.append(vertebra.to_ras(side * 31, -b - 17, up - steep))
    z0, y0 = float(root[1][2]), float(root[1][1])
    aside = {"L1": 0.009, "T12": 0.0085, "T11": 0.0068, "T10": 0.0054, "T9": 0.0046}.get(s.name, 0.004)
    theta = np.deg2rad(np.arange(42, RIB_END_DEGREES.get(s.name, 120) + 1, 8))
    z = z0 - parameters.body.rib_drop * (theta - 0.45)
    for _ in range(3):  # the course lies near a plane that falls to the side and to the front
        (a, d), (cx, cy) = trunk.axes(z), trunk.centre(z)
        x, y = cx + side * (a - 1) * np.sin(theta), cy - (d - 1) * np.cos(theta)
        z = z0 - 2 - parameters.body.rib_drop * (aside * (np.abs(x - root[1][0])) + 0.0066 * (y - y0))
    shell = np.stack((x, y, z), axis=1)
    points = np.concatenate((root, shell))
    along = np.concatenate(([0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    length = along[-1]
    if s.name in FLOATING:
        length = min(length, _rib_length(parameters, s.name, side))
    where = np.linspace(0, length, max(int(length / STEP_MM), 4))
    return make_interp_spline(along, points, k=3)(where)


def _rib_length(parameters: PatientParameters, name: str, side: int) -> float:
    """mm; 0 where there is no rib, infinite where it reaches the costal arch."""
    return ribs_of(parameters.body, name)[0 if side > 0 else 1]


def paint_ribs(
    canvas: Canvas,
    parameters: PatientParameters,
    trunk: Trunk,
    vertebrae: tuple[Vertebra, ...],
    grain: np.ndarray,
) -> None:
    """All ribs of the thoracic vertebrae, their cartilage and the sternum."""
    ribs = [
        (v.shape.name, rib_course(parameters, trunk, v, side))
        for v, side in product(vertebrae, (-1, 1))
        if _rib_length(parameters, v.shape.name, side) > 0
    ]
    tips = [course[-1] for name, course in ribs if name in RIB_END_DEGREES]
    _paint_cartilage(canvas, trunk, tips, parameters.body.cartilage_hu, grain)
    upper = [course for name, course in ribs if name not in FLOATING]
    _paint_group(canvas, upper, Appearance(), grain, short=False)
    for name, appearance in zip(FLOATING, parameters.body.floating, strict=True):
        _paint_group(canvas, [course for owner, course in ribs if owner == name], appearance, grain, short=True)


def _paint_group(
    canvas: Canvas, courses: list[np.ndarray], appearance: Appearance, grain: np.ndarray, short: bool
) -> None:
    """Ribs that look alike; short ones taper."""
    if not courses:
        return
    points = np.concatenate(courses)
    box = canvas.box(points.min(axis=0) - ROOM_MM, points.max(axis=0) + ROOM_MM)
    if is_empty(box):
        return
    bone = np.full([s.stop - s.start for s in reversed(box)], 9, np.float32).transpose(2, 1, 0)
    for course in courses:
        _stamp_rib(bone, box, canvas, course, appearance.thickness, short)
    canvas.mark(box, bone, Bone.RIB)
    # The grain lies in the canvas, not in the box: a rib looks the same whatever is painted with it.
    here = np.roll(grain, [-s.start for s in box], axis=(0, 1, 2))
    paint_shell(canvas, box, bone, 1.0, 880.0 * appearance.brightness, 200.0 * appearance.brightness, here)


def _stamp_rib(
    bone: np.ndarray, box: Ranges, canvas: Canvas, course: np.ndarray, thickness: float, short: bool
) -> None:
    count = len(course) - 1
    for n, ends in enumerate(zip(course, course[1:])):
        along = (n + 0.5) / count
        radius = 3.0 + 0.5 * np.sin(np.pi * along) - (3.2 * max(along - 0.55, 0) if short else 0)
        radius *= thickness
        tangent = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        tall = np.array([0, 0, 1.0]) - tangent[2] * tangent
        stamp_tube(bone, box, canvas, ends, (radius, radius), (tall / np.linalg.norm(tall), 1.75))


def _paint_cartilage(canvas: Canvas, trunk: Trunk, tips: list[np.ndarray], hu: float, grain: np.ndarray) -> None:
    """From each front end up to the sternum's lower end, along the costal arch."""
    z = 95.0 * trunk.size
    d = trunk.axes(z)[1]
    cx, cy = trunk.centre(z)
    box = canvas.box((-150, float(cy), -120), (150, float(cy + d + 20), 260))
    if is_empty(box):
        return
    soft = np.full([s.stop - s.start for s in box], 9, np.float32)
    for tip in tips:
        side = np.sign(tip[0])
        goal = np.array([cx + side * 14, cy + d - 1, max(z, tip[2] + 25)])
        bend = np.array([0.62 * tip[0], 0.35 * tip[1] + 0.65 * goal[1], tip[2] + 2])
        course = make_interp_spline([0, 1, 2], np.stack((tip, bend, goal)), k=2)(np.linspace(0, 2, 12))
        for ends in zip(course, course[1:]):
            stamp_tube(soft, box, canvas, ends, (4.5, 4.5))
    canvas.paint_few(box, soft, hu)
    sternum = np.full_like(soft, 9)
    for z0 in np.arange(z - 8, 250, 12):
        ends = np.array([cx, cy + trunk.axes(z0)[1] - 2, z0]), np.array([cx, cy + trunk.axes(z0 + 12)[1] - 2, z0 + 12])
        stamp_tube(sternum, box, canvas, ends, (5, 5), (np.array([1.0, 0, 0]), 3.0))
    paint_shell(canvas, box, sternum, 1.0, 480.0, 120.0, grain)
