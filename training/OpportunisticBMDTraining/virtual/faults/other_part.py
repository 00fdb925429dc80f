"""Scans of something else: another part of the trunk, or a phantom in place of a patient."""

from __future__ import annotations

from dataclasses import replace

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDTraining.virtual.faults.fault import Fault, Random
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.phantom import draw_phantom_scan, phantom_ct
from OpportunisticBMDTraining.virtual.spine import place_vertebrae

LENGTH_MM = 130.0
NOT_THERE = (
    "box_leaves_scan",
    "not_found",
    "cut_off",
    "no_region",
    "too_few_vertebrae",
    "not_in_body",
    "unsure_levels",
)


def _elsewhere(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    """Above T11, or below L3."""
    spine = {vertebra.shape.name: float(vertebra.centre[2]) for vertebra in place_vertebrae(patient)}
    if rng.random() < 0.5:
        scan = replace(patient.scan, top=spine["T10"] + LENGTH_MM, bottom=spine["T10"] - float(rng.uniform(0, 10)))
        return replace(patient, scan=scan), "chest down to T10"
    scan = replace(patient.scan, top=spine["L4"] + float(rng.uniform(0, 10)), bottom=spine["L4"] - LENGTH_MM)
    return replace(patient, scan=scan), "from L4 downwards"


def _phantom(rng: Random, ct: CT) -> tuple[CT, str]:
    scanned = phantom_ct(draw_phantom_scan(int(rng.integers(60))))
    return CT(scanned.volume, replace(ct.acquisition, kvp=scanned.acquisition.kvp)), "European Spine Phantom"


ELSEWHERE = Fault("scan without T12 to L2", "vertebrae_not_found", (*NOT_THERE, "not_a_trunk"), patient=_elsewhere)
PHANTOM = Fault("a phantom, no patient", "not_a_trunk", ("vertebrae_not_found", *NOT_THERE), scan=_phantom)
