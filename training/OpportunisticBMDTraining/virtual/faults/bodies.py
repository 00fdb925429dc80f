"""What is wrong with the bodies themselves: implants, fractures, a curve to the side, ribs that rename them."""

from __future__ import annotations

from dataclasses import replace

from OpportunisticBMDLib.quality.compression import FRACTURE
from OpportunisticBMDTraining.virtual.draw_any_spine import with_bend, with_fracture
from OpportunisticBMDTraining.virtual.faults.fault import Fault, Random, one_of
from OpportunisticBMDTraining.virtual.parameters import Implant, PatientParameters
from OpportunisticBMDTraining.virtual.true_compression import true_compression

SCREWED = (("T12", "L1"), ("L1", "L2"), ("L2", "L3"), ("T11", "T12"), ("T11", "T12", "L1", "L2"), ("T12", "L2"))


def _cement(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    name, hu = one_of(rng, "T12", "L1", "L2"), float(rng.uniform(900, 2400))
    return _holding(patient, Implant("cement", (name,), hu=hu)), f"cement of {hu:.0f} HU in {name}"


def _screws(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    names, hu = one_of(rng, *SCREWED), float(rng.uniform(5000, 9000))
    return _holding(patient, Implant("screws", names, hu=hu)), f"screws in {' and '.join(names)}"


def _holding(patient: PatientParameters, implant: Implant) -> PatientParameters:
    return replace(patient, implants=(*patient.implants, implant))


def _fracture(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    name = one_of(rng, "T12", "L1", "L2")
    while True:
        vertebrae = with_fracture(rng, patient.vertebrae, name)
        shape = next(shape for shape in vertebrae if shape.name == name)
        if true_compression(shape).grade >= FRACTURE:
            words = f"{shape.fracture} of {name}, {true_compression(shape).loss:.0%} of its height lost"
            return replace(patient, vertebrae=vertebrae), words


def _scoliosis(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    bend, phase = float(rng.uniform(10, 20)) * one_of(rng, -1, 1), float(rng.uniform(0, 6.28))
    vertebrae = with_bend(patient.vertebrae, bend, phase)
    tilts = [shape.tilt for shape in vertebrae if shape.name in ("T11", "T12", "L1", "L2", "L3")]
    return replace(patient, vertebrae=vertebrae), f"{max(tilts) - min(tilts):.0f} degrees between bodies of T11 to L3"


def _ribs(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    """A thirteenth pair, so that what was L1 is called T12."""
    length = float(rng.uniform(50, 95))
    right, left = (float(length + rng.normal(0, 5)) for _ in range(2))
    return replace(patient, body=replace(patient.body, rib13=(right, left))), f"thirteenth ribs of {length:.0f} mm"


CEMENT = Fault("cement", "metal", ("dense_lesion", "region_left_out"), patient=_cement)
SCREWS = Fault("screws", "metal", ("metal_near", "region_left_out"), patient=_screws)
COMPRESSED = Fault("fracture of grade 2 or 3", "compressed", ("too_flat", "too_small", "no_region"), patient=_fracture)
SCOLIOSIS = Fault("scoliosis", "scoliosis", patient=_scoliosis)
RIBS = Fault("thirteen pairs of ribs", "unusual_levels", ("unsure_levels",), patient=_ribs)
