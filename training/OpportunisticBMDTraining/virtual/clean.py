"""Which virtual patients give a clean scan: nothing in patient, scan or header that a check should speak of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

from OpportunisticBMDLib.core.levels import Variant
from OpportunisticBMDTraining.virtual.agent import without_agent
from OpportunisticBMDTraining.virtual.implants import holds_metal
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.patient import draw_parameters
from OpportunisticBMDTraining.virtual.spine import Vertebra, place_vertebrae
from OpportunisticBMDTraining.virtual.true_levels import variant_of

AROUND = ("T11", "T12", "L1", "L2", "L3")
MIDDLE = AROUND[1:4]
LEAST_RIB12_MM = 50.0  # about 40 mm decides what a vertebra is called, and a few mm of doubt are no fault
MOST_SLICE_MM = 3.5
MOST_EDGE = 0.3  # overshoot of a kernel for soft tissue
MOST_CURVE_DEG = 10.0  # between two bodies: from here on a curve is called scoliosis
SPARE_MM = 10.0  # that the scan shows above T12 and below L2


def clean_patients(cohort: str, first_seed: int) -> Iterator[PatientParameters]:
    """Those of a cohort whose seeds follow, without an agent in their veins, and the others left out."""
    for seed in count(first_seed):
        parameters = without_agent(draw_parameters(seed, cohort))
        if not blemish(parameters):
            yield parameters


def blemish(parameters: PatientParameters) -> str:
    """Why a scan is not clean; "" where it is.

    Density, age, size, spurs, worn endplates, tube voltage, the scanner's own slope and offset, noise and field of
    view are as the cohort draws them.
    """
    scan, shapes = parameters.scan, {shape.name: shape for shape in parameters.vertebrae}
    around, middle = [shapes[name] for name in AROUND], [shapes[name] for name in MIDDLE]
    signs = {
        "contrast agent": parameters.contrast,
        "implant": bool(parameters.implants) or holds_metal(parameters),
        "fracture": any(shape.fracture for shape in parameters.vertebrae),
        "hollow endplate": any(shape.dents for shape in middle),
        "gas": any(shape.vacuum for shape in around[:-1]),
        "unusual levels": variant_of(parameters.body, parameters.vertebrae) is not Variant.USUAL,
        "short ribs": min(parameters.body.rib12) < LEAST_RIB12_MM,
        "scoliosis": float(np.ptp([shape.tilt for shape in around])) >= MOST_CURVE_DEG,
        "thick slices": scan.slice_thickness > MOST_SLICE_MM,
        "sharp kernel": scan.edge > MOST_EDGE,
        "cut off": not _shows_all(parameters),
    }
    return next((name for name, is_there in signs.items() if is_there), "")


def _shows_all(parameters: PatientParameters) -> bool:
    spine = {vertebra.shape.name: vertebra for vertebra in place_vertebrae(parameters)}
    top, bottom = _edge(spine["T12"], 1), _edge(spine["L2"], -1)
    return parameters.scan.top >= top + SPARE_MM and parameters.scan.bottom <= bottom - SPARE_MM


def _edge(body: Vertebra, up: int) -> float:
    """Height of the highest or lowest point of an endplate's edge, mm."""
    s = body.shape
    corners = [(x * s.width / 2, y * s.depth / 2) for x in (-1, 1) for y in (-1, 1)]
    heights = [float(body.to_ras(x, y, up * s.height / 2)[2]) for x, y in corners]
    return max(heights) if up > 0 else min(heights)
