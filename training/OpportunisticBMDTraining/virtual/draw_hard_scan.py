"""What makes scans of the cohort `many-scanners` differ most, and puts ribs where there are none.

Drawn from a stream of its own: who is not changed here is the same patient as without.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import Vertebra, place

THIN, RADIOTHERAPY, THICK, SHORT = 0.08, 0.06, 0.10, 0.09  # shares of the cohort
TOO_SHORT = 0.02  # share of the scans that end above L1
CHALKY, BRIGHT_KIDNEYS = 0.25, 0.12
WIDEST_MM = 650.0


def with_hard_scan(patient: PatientParameters) -> PatientParameters:
    """The same patient, in some cases thin, on a flat table, in very thick slices, or cut within a body."""
    rng = np.random.default_rng([patient.seed, 11])
    kind = rng.random()
    if kind < THIN:
        patient = _thin(rng, patient)
    elif kind < THIN + RADIOTHERAPY:
        patient = _for_radiotherapy(rng, patient)
    elif kind < THIN + RADIOTHERAPY + THICK:
        patient = _in_thick_slices(rng, patient)
    if rng.random() < SHORT:
        patient = _short(rng, patient)
    body = patient.body
    if patient.age > 45 and rng.random() < CHALKY:
        body = replace(body, cartilage_hu=float(rng.uniform(150, 500)))
    if patient.contrast and rng.random() < BRIGHT_KIDNEYS:
        body = replace(body, kidney_hu=float(rng.uniform(250, 700)))
    return replace(patient, body=body)


def _thin(rng: np.random.Generator, patient: PatientParameters) -> PatientParameters:
    body = patient.body
    body = replace(
        body,
        fat=float(rng.uniform(2, 7)),
        wall=float(rng.uniform(6, 9)),
        chest_width=body.chest_width * float(rng.uniform(0.85, 0.95)),
        chest_depth=body.chest_depth * float(rng.uniform(0.8, 0.93)),
    )
    return replace(patient, body=body)


def _for_radiotherapy(rng: np.random.Generator, patient: PatientParameters) -> PatientParameters:
    """A flat table, and a field of view of up to 65 cm that holds table and arms."""
    field = float(rng.uniform(500, WIDEST_MM))
    scan = replace(
        patient.scan,
        field_of_view=field,
        pixel=field / 512,
        slice_thickness=float(rng.choice([2.5, 3.0, 5.0])),
        increment=0.0,
        table_sag=0.0,
        table_hu=float(rng.uniform(0, 900)),
    )
    return replace(patient, scan=scan)


def _in_thick_slices(rng: np.random.Generator, patient: PatientParameters) -> PatientParameters:
    thickness = float(rng.choice([6.0, 7.0, 8.0, 10.0]))
    scan = replace(patient.scan, slice_thickness=thickness, increment=0.0, smear=float(thickness * rng.uniform(0, 0.2)))
    return replace(patient, scan=scan)


def _short(rng: np.random.Generator, patient: PatientParameters) -> PatientParameters:
    """A scan that begins within T11 or ends within L2 or L3; a few end above L1, as scans of the chest do."""
    at = {v.shape.name: v for v in place(patient.vertebrae)}
    scan = patient.scan
    way = rng.random()
    if way < TOO_SHORT / SHORT:
        bottom = _within(rng, at[str(rng.choice(["T11", "T12"]))])
        return replace(patient, scan=replace(scan, bottom=bottom, top=max(scan.top, bottom + 120)))
    if way < 0.5:
        return replace(patient, scan=replace(scan, top=_within(rng, at["T11"])))
    return replace(patient, scan=replace(scan, bottom=_within(rng, at[str(rng.choice(["L2", "L3"]))])))


def _within(rng: np.random.Generator, vertebra: Vertebra) -> float:
    """A height within a body, mm."""
    return float(vertebra.centre[2] + rng.uniform(-0.5, 0.5) * vertebra.shape.height)
