"""Spines of the cohort `many-scanners`: curved, worn, broken, with five or six lumbar bodies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from OpportunisticBMDTraining.virtual.parameters import (
    DEPTH,
    DISC,
    HEIGHT,
    LEAN,
    LEVELS,
    WIDTH,
    Dent,
    Spur,
    VertebraParameters,
)

T12 = LEVELS.index("T12")
BEND_PACE = 0.7  # radians from body to body
LEAN_OF_SIX = (*LEAN[:-2], -7.0, -15.0, -25.0)
# How often each level breaks: most often where the stiff chest meets the mobile loin.
BREAKS = {"T7": 1, "T8": 1, "T11": 1.5, "T12": 3, "L1": 3.5, "L2": 2, "L3": 1, "L4": 1}


def draw_spine(
    rng: np.random.Generator, sex: str, age: float, size: float, density: float, *, six_lumbar: bool
) -> tuple[VertebraParameters, ...]:
    """T5 to L5 or L6.

    Args:
        density: the patient's mean, mg/cm3; each vertebra differs from it.
    """
    vertebrae = _healthy(rng, sex, age, size, density, six_lumbar)
    vertebrae = [_with_schmorls_nodes(rng, v) for v in vertebrae]
    vertebrae = _worn(rng, vertebrae, age)
    vertebrae = _with_spurs(rng, vertebrae, sex, age)
    return _drawable(_broken(rng, vertebrae, age, density))


def with_fracture(
    rng: np.random.Generator, vertebrae: tuple[VertebraParameters, ...], name: str
) -> tuple[VertebraParameters, ...]:
    """The same spine after a compression fracture of one body."""
    return _drawable(_broken_at(rng, list(vertebrae), name))


def with_bend(vertebrae: tuple[VertebraParameters, ...], bend: float, phase: float) -> tuple[VertebraParameters, ...]:
    """The same spine curved to the sides, each body turned with it.

    Args:
        bend: by how much the bodies at the curve's ends tilt more, degrees.
        phase: where along the spine the curve lies, radians.
    """
    angles = phase + BEND_PACE * np.arange(len(vertebrae))
    return _drawable(
        [
            replace(v, tilt=v.tilt + bend * float(np.sin(angle)), turn=v.turn + 0.7 * bend * float(np.cos(angle)))
            for v, angle in zip(vertebrae, angles)
        ]
    )


def _drawable(vertebrae: list[VertebraParameters]) -> tuple[VertebraParameters, ...]:
    return tuple(_with_room(_shallow_enough(v)) for v in vertebrae)


def _healthy(
    rng: np.random.Generator, sex: str, age: float, size: float, density: float, six_lumbar: bool
) -> list[VertebraParameters]:
    names = (*LEVELS, "L6") if six_lumbar else LEVELS
    leans = LEAN_OF_SIX if six_lumbar else LEAN
    curve, shift = float(np.clip(rng.normal(1.0, 0.35), 0.2, 2.0)), rng.normal(0, 4.0)
    kyphosis = float(min(rng.gamma(1.0, 0.8), 3.0))  # degrees more for each thoracic body
    bend = float(rng.uniform(6, 15) * rng.choice([-1, 1]) if rng.random() < 0.15 else rng.normal(0, 3))
    phase, pace = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.9)
    wide, deep, high = size * rng.normal(1, 0.04), size * rng.normal(1, 0.04), size * rng.normal(1, 0.03)
    discs = size * np.clip(rng.normal(1.05, 0.2), 0.5, 1.5)
    cortex = float(np.clip(rng.gamma(6, 0.075), 0.2, 1.0))
    plates = float(np.clip(rng.normal(0.7, 0.18), 0.35, 1.3))
    spread = float(rng.uniform(2, 12))
    lean = np.array(leans) * curve + shift - kyphosis * np.maximum(T12 - np.arange(len(leans)), 0)
    vertebrae = []
    for n, name in enumerate(names):
        row = min(n, len(LEVELS) - 1)
        wedge = (2.5 if sex == "female" else 3.5) - (n - 7) * 1.1 + rng.normal(0, 1.8)
        vertebrae.append(
            VertebraParameters(
                name=name,
                width=float(WIDTH[row] * wide * rng.normal(1, 0.02)),
                depth=float(DEPTH[row] * deep * rng.normal(1, 0.02)),
                height=float(HEIGHT[row] * high * rng.normal(1, 0.03)),
                disc_below=float(DISC[row] * discs * np.clip(rng.normal(1, 0.15), 0.5, 1.5)),
                lean=float(np.clip(lean[n] + rng.normal(0, 1.0), -45, 45)),
                tilt=float(bend * np.sin(phase + pace * n) + rng.normal(0, 0.8)),
                wedge=float(np.clip(wedge, -6, 9)),
                waist=float(np.clip(rng.normal(0.10, 0.03), 0.02, 0.18)),
                endplate_depth=float(np.clip(rng.normal(1.7, 0.7), 0.3, 4.0)),
                lip=float(np.clip(rng.gamma(1.2, 0.0009 * max(age - 35, 5)), 0, 0.18)),
                cortex=cortex,
                endplate=float(np.clip(plates + rng.normal(0, 0.1), 0.3, 1.4)),
                density=float(np.clip(density + rng.normal(0, spread), 35, 280)),
                turn=float(0.7 * bend * np.cos(phase + pace * n)),
            )
        )
    return vertebrae


def _with_schmorls_nodes(rng: np.random.Generator, v: VertebraParameters) -> VertebraParameters:
    dents = []
    for above in (True, False):
        if rng.random() < 0.05:
            x, y = rng.normal(0, 0.12) * v.width, rng.normal(-0.03, 0.1) * v.depth
            dents.append(Dent(float(x), float(y), above, float(rng.uniform(3.5, 7)), float(rng.uniform(2.5, 7))))
    return replace(v, dents=tuple(dents)) if dents else v


def _worn(rng: np.random.Generator, vertebrae: list[VertebraParameters], age: float) -> list[VertebraParameters]:
    """Flat discs, gas in some of them, and dense bone at their endplates."""
    worn = list(vertebrae)
    for n in range(len(worn) - 1):
        low = 2.0 if n > T12 + 1 else 1.0
        if rng.random() >= low * 0.004 * max(age - 30, 2):
            continue
        flat = float(rng.uniform(0.3, 0.75))
        gas = float(rng.uniform(0.15, 0.8)) if rng.random() < 0.4 else 0.0
        dense = float(rng.gamma(1.5, 0.35))
        worn[n] = replace(
            worn[n],
            disc_below=max(worn[n].disc_below * flat, 1.5),
            vacuum=gas,
            sclerosis=(worn[n].sclerosis[0], min(dense, 1.5)),
        )
        worn[n + 1] = replace(worn[n + 1], sclerosis=(min(0.7 * dense, 1.5), 0.0))
    return worn


def _with_spurs(
    rng: np.random.Generator, vertebrae: list[VertebraParameters], sex: str, age: float
) -> list[VertebraParameters]:
    """Osteophytes; in some, bridges along the right front of the spine (hyperostosis)."""
    bridging = rng.random() < (0.12 if sex == "male" else 0.06) * (age > 50)
    first, last = sorted(rng.choice(np.arange(2, 11), 2, replace=False)) if bridging else (99, 0)
    rate = 0.03 * max(age - 35, 1) * rng.random()
    result = []
    for n, v in enumerate(vertebrae):
        spurs = [
            Spur(float(rng.normal(0, 70)), float(rng.gamma(4, 1.3)), float(rng.uniform(1.8, 3.5)), rng.random() < 0.1)
            for _ in range(min(rng.poisson(rate), 4))
        ]
        if first <= n <= last:
            spurs.append(Spur(float(rng.normal(35, 15)), float(rng.uniform(3, 8)), float(rng.uniform(2.5, 4.5)), True))
        result.append(replace(v, spurs=tuple(spurs)))
    return result


def _broken(
    rng: np.random.Generator, vertebrae: list[VertebraParameters], age: float, density: float
) -> list[VertebraParameters]:
    """Compression fractures in some; what lies above a wedge leans forward by its angle."""
    risk = float(np.clip(0.08 + 0.006 * (age - 50) + 0.0015 * (120 - density), 0.04, 0.5))
    broken = list(vertebrae)
    if rng.random() >= risk:
        return broken
    names, odds = list(BREAKS), np.array(list(BREAKS.values())) / sum(BREAKS.values())
    count = min(int(rng.geometric(0.6)), 3)
    for name in rng.choice(names, count, replace=False, p=odds):
        broken = _broken_at(rng, broken, name)
    return broken


def _broken_at(rng: np.random.Generator, vertebrae: list[VertebraParameters], name: str) -> list[VertebraParameters]:
    broken = list(vertebrae)
    n = next(n for n, v in enumerate(broken) if v.name == name)
    before = broken[n].wedge
    broken[n] = _fractured_at_random(rng, broken[n])
    bend = broken[n].wedge - before
    broken[n] = replace(broken[n], lean=broken[n].lean - 0.5 * bend)
    # The person straightens up again above, in part.
    for m in range(n):
        broken[m] = replace(broken[m], lean=broken[m].lean - bend * max(1 - 0.15 * (n - m), 0.3))
    return broken


def _fractured_at_random(rng: np.random.Generator, v: VertebraParameters) -> VertebraParameters:
    kind = str(rng.choice(["wedge", "biconcave", "crush"], p=[0.5, 0.3, 0.2]))
    broken = fractured(v, kind, loss=float(rng.uniform(0.2, 0.55)), upper=float(rng.uniform(0.35, 0.65)))
    dents = tuple(
        replace(d, x=d.x + float(rng.normal(0, 1.5)), y=d.y + float(rng.normal(0, 1.5))) for d in broken.dents
    )
    return replace(
        broken,
        dents=dents,
        sclerosis=(float(rng.uniform(0, 1.0)), float(rng.uniform(0, 1.0))),
        density=float(min(v.density + rng.uniform(0, 20), 280)),
    )


def fractured(v: VertebraParameters, kind: str, loss: float, upper: float = 0.5) -> VertebraParameters:
    """A body after a compression fracture.

    Args:
        kind: "wedge" (the front sinks), "biconcave" (the endplates sink in the middle) or "crush" (all of it sinks).
        loss: share of the height that is lost where most is lost.
        upper: share of the upper endplate in what is lost, where both sink.
    """
    fall = loss * v.height
    v = replace(v, fracture=kind, loss=loss)
    if kind == "wedge":
        angle = float(np.rad2deg(np.arctan(fall / v.depth)))
        return replace(v, height=v.height - fall / 2, wedge=v.wedge + angle, waist=0.5 * v.waist)
    if kind == "crush":
        wide = 1 + 0.1 * loss
        return replace(
            v,
            height=v.height - fall,
            width=v.width * wide,
            depth=v.depth * wide,
            endplate_depth=min(v.endplate_depth, 1.0),
            dents=(),
            waist=-0.08 * loss,
        )
    radius = 0.36 * v.depth
    dents = tuple(Dent(0.0, 0.0, above, radius, part * fall) for above, part in ((True, upper), (False, 1 - upper)))
    return replace(v, dents=dents, endplate_depth=min(v.endplate_depth, 1.5))


def _with_room(v: VertebraParameters) -> VertebraParameters:
    lean, tilt = np.abs(np.sin(np.deg2rad([v.lean, v.tilt])))
    return replace(v, room=float(max(9.0, 0.5 * (v.depth * lean + v.width * tilt) + 2)))


def _shallow_enough(v: VertebraParameters) -> VertebraParameters:
    """The dents of a body with 8 mm of bone left between the deepest of them."""
    deepest = sum(max((d.depth for d in v.dents if d.above == above), default=0.0) for above in (True, False))
    room = max(v.height - 2 * v.endplate_depth - 8, 0.0)
    if deepest <= room:
        return v
    return replace(v, dents=tuple(replace(d, depth=d.depth * room / deepest) for d in v.dents))
