"""Metal and cement: pedicle screws with rods, cemented bodies, and hip replacements."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDTraining.virtual.canvas import Canvas, ellipsoid, is_empty, stamp_tube
from OpportunisticBMDTraining.virtual.parameters import Implant, PatientParameters
from OpportunisticBMDTraining.virtual.spine import Vertebra, arch_width


def paint_implants(canvas: Canvas, parameters: PatientParameters, vertebrae: tuple[Vertebra, ...]) -> None:
    """Paints what was implanted over the bones."""
    spine = {v.shape.name: v for v in vertebrae}
    for implant in parameters.implants:
        held = [spine[name] for name in implant.levels]
        if implant.kind == "cement":
            for vertebra in held:
                _paint_cement(canvas, vertebra, implant)
        elif implant.kind == "screws":
            _paint_screws(canvas, held, implant)
        else:
            _paint_hip(canvas, vertebrae[-1].centre, parameters.size, implant)


def held_by(parameters: PatientParameters) -> dict[str, str]:
    """Vertebra -> what it holds: "cement" or "screws"."""
    return {name: implant.kind for implant in parameters.implants for name in implant.levels}


def holds_metal(parameters: PatientParameters) -> bool:
    """Whether there is anything in the patient that throws streaks."""
    return any(i.kind != "cement" for i in parameters.implants) or any(arm.nail for arm in parameters.body.arms)


def _paint_cement(canvas: Canvas, vertebra: Vertebra, implant: Implant) -> None:
    """Two lobes, one through each pedicle, that meet in the front half of the body."""
    s = vertebra.shape
    box = canvas.box(vertebra.centre - 32, vertebra.centre + 32)
    if is_empty(box):
        return
    p = vertebra.local(canvas.coordinates(box))
    lobes = [
        ellipsoid(p, (side * 0.17 * s.width, 0.1 * s.depth, high * s.height), (0.19 * s.width, 0.24 * s.depth, tall))
        for side, high, tall in ((-1, 0.06, 0.33 * s.height), (1, -0.08, 0.29 * s.height))
    ]
    canvas.paint(box, np.minimum(*lobes), implant.hu)


def _paint_screws(canvas: Canvas, held: list[Vertebra], implant: Implant) -> None:
    """A screw through each pedicle into the body, and a rod along their heads on each side."""
    centres = np.array([v.centre for v in held])
    box = canvas.box(centres.min(axis=0) - (40, 70, 30), centres.max(axis=0) + (40, 25, 30))
    if is_empty(box):
        return
    d = np.full([s.stop - s.start for s in box], 9, np.float32)
    for side in (-1, 1):
        heads = []
        for v in held:
            w, b, h = arch_width(v.shape), v.shape.depth * 0.45, v.shape.height
            heads.append(v.to_ras(side * (w + 5), -b - 24, 0.22 * h))
            tip = v.to_ras(side * 0.5 * w, 0.25 * v.shape.depth, 0.1 * h)
            stamp_tube(d, box, canvas, (heads[-1], tip), (3.0, 2.4))
            stamp_tube(d, box, canvas, (heads[-1], heads[-1] - v.axes[1] * 4), (5.5, 5.5))
        for ends in zip(heads, heads[1:]):
            stamp_tube(d, box, canvas, ends, (2.8, 2.8))
    canvas.paint_few(box, d, implant.hu)


def _paint_hip(canvas: Canvas, lowest: np.ndarray, size: float, implant: Implant) -> None:
    """Ball and stem of one hip; `lowest` is the centre of the lowest lumbar body, RAS mm."""
    ball = lowest + np.array([implant.side * 88.0, 22, -112]) * size
    box = canvas.box(ball - (50, 40, 90), ball + (50, 40, 40))
    if is_empty(box):
        return
    d = np.full([s.stop - s.start for s in box], 9, np.float32)
    neck = ball + np.array([implant.side * 24.0, -4, -22]) * size
    stem = neck + np.array([implant.side * 6.0, -4, -110]) * size
    stamp_tube(d, box, canvas, (ball, ball), (24 * size, 24 * size))
    stamp_tube(d, box, canvas, (ball, neck), (9, 8))
    stamp_tube(d, box, canvas, (neck, stem), (9, 6))
    canvas.paint_few(box, d, implant.hu)
