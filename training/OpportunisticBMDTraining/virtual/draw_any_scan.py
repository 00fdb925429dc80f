"""Scans of the cohort `many-scanners`: voltage, kernel, slices, field of view, and where the scan begins and ends."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDTraining.virtual.parameters import BodyParameters, ScanParameters, VertebraParameters
from OpportunisticBMDTraining.virtual.spine import Vertebra, place

VOLTAGES = {80.0: 0.05, 90.0: 0.02, 100.0: 0.15, 110.0: 0.03, 120.0: 0.57, 130.0: 0.06, 140.0: 0.12}
THICKNESS_MM = {0.6: 0.05, 0.75: 0.06, 1.0: 0.16, 1.25: 0.2, 1.5: 0.09, 2.0: 0.11, 2.5: 0.12, 3.0: 0.08, 5.0: 0.13}
PADDING_HU: dict[float, float] = {-1024: 0.5, -1500: 0.05, -2000: 0.15, -2048: 0.1, -3024: 0.2}
CUT_OFF = 0.03  # share of the scans that end within T12, and of those that end within L2
MOST_SLICES = 400
CORNERS = ((-0.7, 0.7), (0.7, 0.7), (-0.7, -0.7), (0.7, -0.7))  # of a body's ends, in half widths and depths


def draw_voltage(rng: np.random.Generator) -> float:
    """kVp."""
    return _one_of(rng, VOLTAGES)


def draw_scan(
    rng: np.random.Generator,
    kvp: float,
    size: float,
    body: BodyParameters,
    vertebrae: tuple[VertebraParameters, ...],
    *,
    to_hips: bool,
) -> ScanParameters:
    """How this patient is scanned.

    Args:
        to_hips: whether the scan shall reach the hips.
    """
    thickness = max(_one_of(rng, THICKNESS_MM), 1.5 if to_hips else 0.0)
    increment = thickness * float(rng.choice([0.5, 0.6, 0.8])) if thickness > 0.7 and rng.random() < 0.35 else 0.0
    top, bottom = _draw_ends(rng, size, place(vertebrae), to_hips, MOST_SLICES * (increment or thickness))
    field, centre = _draw_field(rng, body)
    sharp = rng.random() < 0.25
    loud = (
        13 * np.exp(rng.normal(0, 0.4)) * (1.25 / thickness) ** 0.3 * (body.chest_width / 135) * (1.5 if sharp else 1)
    )
    return ScanParameters(
        kvp=kvp,
        noise_hu=float(np.clip(loud, 6, 45)),
        kernel_sigma=float(rng.uniform(0.3, 0.45) if sharp else rng.uniform(0.4, 0.95)),
        slice_thickness=thickness,
        pixel=float(np.clip(field / 512 * rng.uniform(1.0, 1.3), 0.5, 1.0)),
        field_of_view=field,
        top=top,
        bottom=bottom,
        centre=centre,
        slope=float(rng.uniform(0.95, 1.05)),
        offset=float(rng.uniform(-5, 5)),
        cupping_hu=float(rng.uniform(-7, 7)),
        table_gap=float(rng.uniform(-5, 12)),
        table_sag=float(rng.uniform(0, 9e-4)),
        table_hu=float(rng.uniform(-100, 600)),
        increment=increment,
        edge=float(rng.uniform(0.3, 1.2)) if sharp else float(max(rng.normal(0, 0.1), 0)),
        smear=float(thickness * rng.uniform(0.08, 0.25)),
        padding_hu=int(_one_of(rng, PADDING_HU)),
        circle=bool(rng.random() < 0.8),
    )


def _one_of(rng: np.random.Generator, odds: dict[float, float]) -> float:
    return float(rng.choice(list(odds), p=np.array(list(odds.values())) / sum(odds.values())))


def _draw_ends(
    rng: np.random.Generator, size: float, spine: tuple[Vertebra, ...], to_hips: bool, longest: float
) -> tuple[float, float]:
    """Top and bottom of the scan, mm above the centre of L1."""
    at = {v.shape.name: v for v in spine}
    highest, lowest = _edge(at["T12"], 1), _edge(at["L2"], -1)
    kind, end = rng.random(2), rng.uniform(0, 1, 2)
    above = 4 + 24 * end[0] if kind[0] < 0.3 else 28 + 130 * end[0]
    below = 4 + 24 * end[1] if kind[1] < 0.3 else 28 + 80 * end[1] if kind[1] < 0.6 else 108 + 110 * end[1]
    if to_hips:
        below = lowest + size * 265.0
    shrink = min((longest - (highest - lowest)) / (above + below), 1.0)
    top = float(min(highest + shrink * above, at["T5"].centre[2]))
    bottom = float(lowest - shrink * below)
    cut = rng.random()
    if cut < CUT_OFF:
        top = float(at["T12"].centre[2] + rng.uniform(-0.6, 0.4) * at["T12"].shape.height)
    elif cut < 2 * CUT_OFF:
        bottom = float(at["L2"].centre[2] + rng.uniform(-0.4, 0.6) * at["L2"].shape.height)
    return top, bottom


def _edge(vertebra: Vertebra, up: int) -> float:
    """Height of the highest or lowest point of a body, mm."""
    s = vertebra.shape
    points = [
        vertebra.to_ras(x * s.width / 2, y * s.depth / 2, up * (s.height / 2 + 0.1 * s.depth)) for x, y in CORNERS
    ]
    heights = [float(p[2]) for p in points]
    return max(heights) if up > 0 else min(heights)


def _draw_field(rng: np.random.Generator, body: BodyParameters) -> tuple[float, tuple[float, float]]:
    """Field of view and its centre: on the spine alone, within the body, around it, or far around it; mm."""
    widest = 2 * (body.chest_width + 0.75 * body.wall + body.fat)
    kind = rng.random()
    if kind < 0.1:
        field, front, loose = float(rng.uniform(200, 260)), 10.0, 12.0
    elif kind < 0.3:
        field, front, loose = widest * float(rng.uniform(0.7, 0.95)), 34.0, 12.0
    else:
        field, front, loose = widest * float(rng.uniform(0.95, 1.35)), 38.0, 14.0
    field = float(np.clip(field, 200, 500))
    most = field / 2 - 75  # the vertebrae stay inside the circle
    x, y = (float(np.clip(v, -most, most)) for v in (rng.normal(0, loose), rng.normal(front, loose)))
    return field, (x, y)
