"""The cohort `many-scanners`: any body, any spine, any scanner, drawn from a seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from OpportunisticBMDTraining.virtual.agent import HEADERS, iodine_at, with_agent
from OpportunisticBMDTraining.virtual.draw_any_scan import draw_scan, draw_voltage
from OpportunisticBMDTraining.virtual.draw_any_spine import draw_spine
from OpportunisticBMDTraining.virtual.draw_hard_scan import with_hard_scan
from OpportunisticBMDTraining.virtual.draw_one_scanner import draw_body
from OpportunisticBMDTraining.virtual.materials import calibration
from OpportunisticBMDTraining.virtual.parameters import (
    Appearance,
    Arm,
    BodyParameters,
    Implant,
    PatientParameters,
    TextureParameters,
)
from OpportunisticBMDTraining.virtual.tissues import with_tissues

VOLTAGES = (80.0, 100.0, 120.0, 140.0)
FAT = (1.14, 1.05, 1.0, 0.97)  # HU of fat relative to 120 kVp

THIRTEEN_RIBS, FEW_RIBS, SIX_LUMBAR = 0.08, 0.10, 0.07  # shares of the cohort
CEMENT, SCREWS, HIP, ARMS = 0.03, 0.035, 0.04, 0.12
CEMENTED = ("T8", "T11", "T12", "L1", "L2", "L3", "L4")
SCREWED_AWAY = (("L3", "L4"), ("L4", "L5"), ("L3", "L4", "L5"), ("T8", "T9", "T10"))
SCREWED_HERE = (("L2", "L3"), ("T11", "T12", "L1", "L2"), ("T12", "L2"))


def draw_many_scanners(seed: int) -> PatientParameters:
    """Draws a patient: sex, age, size, spine, trunk, what was injected or implanted, and scan."""
    rng = np.random.default_rng([seed, 10])
    sex = str(rng.choice(["female", "male"]))
    age = float(rng.uniform(25, 92))
    size = float(np.clip(rng.normal(0.93 if sex == "female" else 1.0, 0.05), 0.8, 1.14))
    density = float(np.clip(128 + (59 - age) * 1.45 + rng.normal(0, 28), 35, 280))
    fat = float(np.clip(0.45 + 0.005 * (age - 60) - 0.0006 * (density - 128) + rng.normal(0, 0.07), 0.2, 0.7))
    contrast = bool(rng.random() < 0.5)
    kvp = draw_voltage(rng)
    vertebrae = draw_spine(rng, sex, age, size, density, six_lumbar=rng.random() < SIX_LUMBAR)
    body = _draw_body(rng, sex, age, size, contrast, kvp)
    implants = _draw_implants(rng)
    scan = draw_scan(rng, kvp, size, body, vertebrae, to_hips=any(i.kind == "hip" for i in implants))
    if contrast:
        rng.random()  # once the marrow's uptake; kept, so that a seed stays the same patient
    patient = PatientParameters(
        seed=int(seed),
        sex=sex,
        age=age,
        size=size,
        marrow_fat=fat,
        contrast=contrast,
        vertebrae=vertebrae,
        body=body,
        scan=scan,
        cohort="many-scanners",
        compact=calibration(kvp)[0] / calibration(120.0)[0],
        fat_contrast=float(np.interp(kvp, VOLTAGES, FAT)),
        texture=_draw_texture(rng),
        implants=implants,
    )
    patient = with_hard_scan(replace(patient, body=replace(body, **_draw_slender_bones(rng, body))))
    return with_agent(with_tissues(patient), HEADERS)


def _draw_texture(rng: np.random.Generator) -> TextureParameters:
    return TextureParameters(
        grain=float(rng.uniform(0.1, 0.35)),
        patch=float(rng.uniform(0.04, 0.2)),
        ends=float(rng.uniform(0.1, 0.6)),
        vessel=float(rng.uniform(0.1, 0.9)),
    )


def _draw_body(
    rng: np.random.Generator, sex: str, age: float, size: float, contrast: bool, kvp: float
) -> BodyParameters:
    """The trunk of the cohort `one-scanner`, with more ways to differ."""
    body = draw_body(rng, sex, size, contrast)
    iodine = iodine_at(kvp)
    liver = body.liver_hu - (float(rng.uniform(10, 50)) if rng.random() < 0.2 else 0.0)  # steatosis
    drunk = float(rng.uniform(150, 500) * iodine)
    body = replace(
        body,
        chest_width=float(body.chest_width * np.clip(rng.normal(1, 0.05), 0.88, 1.15)),
        chest_depth=float(body.chest_depth * np.clip(rng.normal(1, 0.05), 0.88, 1.15)),
        waist=float(np.clip(body.waist + rng.normal(0, 0.04), 0.78, 1.15)),
        fat=float(np.clip(rng.gamma(3, 6), 3, 60)),
        liver_hu=liver,
        oral_hu=drunk if rng.random() < 0.25 else float(rng.uniform(0, 50)),
        chalk=float(np.clip(4.2 - 0.028 * age + rng.normal(0, 0.7), 0.8, 4.5)),
        arms=_draw_arms(rng),
    )
    rib12, rib13 = _draw_ribs(rng)
    return replace(body, rib12=rib12, rib13=rib13)


def _draw_ribs(rng: np.random.Generator) -> tuple[tuple[float, float], tuple[float, float]]:
    """Lengths (right, left) of the twelfth ribs, and of thirteenth ribs on L1, 0 where there are none; mm."""
    kind = rng.random()
    twelfth = float(rng.uniform(50, 145))
    right, left = (float(np.clip(twelfth + rng.normal(0, 10), 30, 155)) for _ in range(2))
    if kind < THIRTEEN_RIBS:
        length = float(rng.uniform(22, 95))
        extra = [float(np.clip(length + rng.normal(0, 8), 18, 110)) for _ in range(2)]
        if rng.random() < 0.25:
            extra[int(rng.integers(2))] = 0.0
        return (right, left), (extra[0], extra[1])
    if kind < THIRTEEN_RIBS + FEW_RIBS:
        right, left = (0.0 if rng.random() < 0.5 else float(rng.uniform(12, 38)) for _ in range(2))
    return (right, left), (0.0, 0.0)


def _draw_slender_bones(rng: np.random.Generator, body: BodyParameters) -> dict[str, Any]:
    """Floating ribs thin and faint as in many a CT, flat or steep ribs, faint transverse processes."""
    fading = float(rng.beta(1.0, 0.8))  # 1 = the twelfth rib all but vanishes
    eleventh = Appearance(1 - 0.3 * fading * rng.random(), 1 - 0.4 * fading * rng.random())
    twelfth = Appearance(1 - fading * rng.uniform(0.3, 0.55), 1 - fading * rng.uniform(0.4, 0.75))
    return {
        "floating": (eleventh, twelfth, twelfth),
        "sides": float(rng.uniform(0.35, 1.1)),
        "rib_drop": float(body.rib_drop * rng.uniform(0.65, 1.15)),
    }


def _draw_arms(rng: np.random.Generator) -> tuple[Arm, ...]:
    if rng.random() >= ARMS:
        return ()
    sides = ((-1, 1), (-1,), (1,))[rng.integers(3)]
    return tuple(
        Arm(
            side=side,
            gap=float(rng.uniform(-8, 12)),
            front=float(rng.uniform(-30, 50)),
            radius=float(rng.uniform(34, 52)),
            nail=bool(rng.random() < 0.12),
        )
        for side in sides
    )


def _draw_implants(rng: np.random.Generator) -> tuple[Implant, ...]:
    implants = []
    if rng.random() < CEMENT:
        implants.append(Implant("cement", (str(rng.choice(CEMENTED)),), hu=float(rng.uniform(900, 2400))))
    if rng.random() < SCREWS:
        where = SCREWED_AWAY if rng.random() < 0.7 else SCREWED_HERE
        implants.append(Implant("screws", where[rng.integers(len(where))], hu=float(rng.uniform(5000, 9000))))
    if rng.random() < HIP:
        implants.append(Implant("hip", side=int(rng.choice([-1, 1])), hu=float(rng.uniform(7000, 12000))))
    return tuple(implants)
