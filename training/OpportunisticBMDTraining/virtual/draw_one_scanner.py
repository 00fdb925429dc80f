"""The cohort `one-scanner`: patients and scans as in the paper, drawn from a seed."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDTraining.virtual.agent import with_agent
from OpportunisticBMDTraining.virtual.parameters import (
    DEPTH,
    DISC,
    HEIGHT,
    LEAN,
    LEVELS,
    WIDTH,
    BodyParameters,
    PatientParameters,
    ScanParameters,
    VertebraParameters,
)
from OpportunisticBMDTraining.virtual.tissues import with_tissues


def draw_one_scanner(seed: int) -> PatientParameters:
    """Draws a patient: sex, age, size, spine, trunk and scan."""
    rng = np.random.default_rng([seed, 0])
    sex = str(rng.choice(["female", "male"]))
    age = float(rng.uniform(35, 88))
    size = float(np.clip(rng.normal(0.93 if sex == "female" else 1.0, 0.04), 0.82, 1.12))
    # Density falls with age by about 2 mg/cm3 a year; the rest is the person's own. QCT reads some 20 mg/cm3 less,
    # with the marrow's fat and away from the endplates: 108 +- 40, as the paper's cohort.
    density = float(np.clip(128 + (61 - age) * 1.75 + rng.normal(0, 28), 35, 280))
    fat = float(np.clip(0.45 + 0.004 * (age - 61) - 0.0008 * (density - 128) + rng.normal(0, 0.05), 0.2, 0.7))
    contrast = bool(rng.random() < 0.45)
    body = draw_body(rng, sex, size, contrast)
    vertebrae = _draw_spine(rng, sex, age, size, density)
    patient = PatientParameters(
        seed=int(seed),
        sex=sex,
        age=age,
        size=size,
        marrow_fat=fat,
        contrast=contrast,
        vertebrae=vertebrae,
        body=body,
        scan=_draw_scan(rng, size, body),
    )
    return with_agent(with_tissues(patient), {"right": 1.0})


def _draw_spine(
    rng: np.random.Generator, sex: str, age: float, size: float, density: float
) -> tuple[VertebraParameters, ...]:
    curve, shift = rng.normal(1.0, 0.22), rng.normal(0, 3.0)
    scoliosis, phase = rng.normal(0, 2.5), rng.uniform(0, 2 * np.pi)
    wide, deep, high = size * rng.normal(1, 0.03), size * rng.normal(1, 0.03), size * rng.normal(1, 0.025)
    discs = size * np.clip(rng.normal(1.08, 0.16), 0.6, 1.45)
    cortex = float(np.clip(rng.normal(0.4, 0.07), 0.25, 0.6))
    vertebrae = []
    for n, name in enumerate(LEVELS):
        wedge = (2.5 if sex == "female" else 3.5) - (n - 7) * 1.1 + rng.normal(0, 1.3)
        vertebrae.append(
            VertebraParameters(
                name=name,
                width=float(WIDTH[n] * wide * rng.normal(1, 0.015)),
                depth=float(DEPTH[n] * deep * rng.normal(1, 0.015)),
                height=float(HEIGHT[n] * high * rng.normal(1, 0.02)),
                disc_below=float(DISC[n] * discs * np.clip(rng.normal(1, 0.1), 0.6, 1.4)),
                lean=float(LEAN[n] * curve + shift + rng.normal(0, 0.8)),
                tilt=float(scoliosis * np.sin(phase + 0.7 * n) + rng.normal(0, 0.5)),
                wedge=float(np.clip(wedge, -6, 9)),
                waist=float(np.clip(rng.normal(0.10, 0.02), 0.04, 0.16)),
                endplate_depth=float(np.clip(rng.normal(1.6, 0.5), 0.4, 3.2)),
                lip=float(np.clip(rng.gamma(1.2, 0.0008 * max(age - 35, 5)), 0, 0.16)),
                cortex=cortex,
                endplate=float(np.clip(rng.normal(0.65, 0.1), 0.4, 1.0)),
                density=float(np.clip(density + rng.normal(0, 6), 35, 280)),
            )
        )
    return tuple(vertebrae)


def draw_body(rng: np.random.Generator, sex: str, size: float, contrast: bool) -> BodyParameters:
    """The trunk.

    Args:
        size: of the skeleton, relative to a man of 175 cm.
        contrast: whether an agent was injected, early or late.
    """
    arterial = rng.random() < 0.4
    aorta = float(rng.uniform(250, 400) if arterial else rng.uniform(130, 190))
    vein = float(rng.uniform(90, 130) if arterial else rng.uniform(130, 180))
    twelfth = float(rng.uniform(45, 135))
    eleventh = float(rng.uniform(170, 225))

    def near_twelfth() -> float:
        return float(np.clip(twelfth + rng.normal(0, 10), 30, 140))

    def near_eleventh() -> float:
        return float(eleventh + rng.normal(0, 8))

    return BodyParameters(
        chest_width=float(144 * size * rng.normal(1, 0.05)),
        chest_depth=float(98 * size * rng.normal(1, 0.07)),
        waist=float(np.clip(rng.normal(0.95 if sex == "male" else 0.9, 0.05), 0.8, 1.1)),
        fat=float(np.clip(rng.gamma(4, 3.8 if sex == "male" else 4.8), 4, 50)),
        wall=float(np.clip(rng.normal(12, 2.5), 7, 18)),
        rib_drop=float(np.clip(rng.normal(92, 12), 62, 122)),
        rib12=(near_twelfth(), near_twelfth()),
        rib11=(near_eleventh(), near_eleventh()),
        dome=float(rng.normal(112, 15)),
        aorta_hu=aorta if contrast else 42.0,
        vein_hu=vein if contrast else 38.0,
        kidney_hu=float(rng.uniform(140, 220)) if contrast else 32.0,
        liver_hu=float(rng.uniform(75, 115) if contrast else rng.uniform(35, 62)),
        liver_size=float(np.clip(rng.normal(1, 0.08), 0.8, 1.2)),
        kidney_size=float(np.clip(size * rng.normal(1, 0.07), 0.8, 1.2)),
        bowel_gas=float(rng.uniform(0.1, 0.5)),
        oral_hu=float(rng.uniform(180, 420) if rng.random() < 0.25 else rng.uniform(5, 50)),
    )


def _draw_scan(rng: np.random.Generator, size: float, body: BodyParameters) -> ScanParameters:
    widest = 2 * (body.chest_width + 0.75 * body.wall + body.fat)
    field = float(np.clip(widest * rng.uniform(0.93, 1.25), 300, 460))
    pixel = float(np.clip(field / 512 * rng.uniform(1.0, 1.2), 0.7, 0.98))
    to_pelvis = rng.random() < 0.5
    return ScanParameters(
        kvp=float(rng.choice([120, 120, 120, 120, 120, 120, 120, 120, 100, 140])),
        noise_hu=float(np.clip(rng.normal(14, 5) * body.chest_width / 135, 8, 30)),
        kernel_sigma=float(rng.uniform(0.45, 0.8)),
        slice_thickness=1.25,
        pixel=pixel,
        field_of_view=field,
        top=float(size * rng.uniform(85, 165)),
        bottom=float(-size * (rng.uniform(150, 230) if to_pelvis else rng.uniform(75, 150))),
        centre=(float(rng.normal(0, 6)), float(rng.normal(36, 5))),
        slope=float(np.clip(rng.normal(1, 0.01), 0.98, 1.02)),
        offset=float(rng.uniform(-3, 3)),
        cupping_hu=float(rng.uniform(-3, 3)),
        table_gap=float(rng.uniform(-5, 8)),
        table_sag=float(rng.uniform(2e-4, 7e-4)),
        table_hu=float(rng.uniform(50, 550)),
    )
