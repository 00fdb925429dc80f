"""Headers that lack what a density needs, that tell of images made otherwise, or that lie."""

from __future__ import annotations

from dataclasses import replace

from OpportunisticBMDLib.calibration.lines import REFERENCE_KVP
from OpportunisticBMDLib.core.ct import Acquisition, ImageKind
from OpportunisticBMDTraining.virtual.faults.fault import Change, Fault, Random, one_of
from OpportunisticBMDTraining.virtual.parameters import PatientParameters

VOLTAGES = (80.0, 100.0, 120.0, 140.0)
LEAST_APART_KV = 15.0
ITERATIVE = {"I31f\\3": "SAFIRE", "I40f\\5": "SAFIRE", "J30s\\4": "IRIS"}  # kernels, and what they tell


def _no_voltage(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    return replace(header, kvp=None), f"nothing of the {header.kvp:g} kV is stated"


def _wrong_voltage(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    true = header.kvp or 0.0
    stated = one_of(rng, *(kvp for kvp in VOLTAGES if abs(kvp - true) >= LEAST_APART_KV))
    return replace(header, kvp=stated), f"{stated:g} kV are stated, of {true:g}"


def _odd_voltage(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    stated = one_of(rng, 60.0, 70.0, 150.0)
    return replace(header, kvp=stated), f"{stated:g} kV are stated"


def _monoenergetic(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    energy = one_of(rng, 65.0, 70.0, 75.0)
    return replace(header, image_kind=ImageKind.MONOENERGETIC, energy_kev=energy), f"monoenergetic, {energy:g} keV"


def _of_kind(kind: ImageKind) -> Change[Acquisition]:
    return lambda rng, header: (replace(header, image_kind=kind), kind.value)


def _as_at_120_kvp(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    """Scanned anew: a blend is made to look like 120 kVp."""
    scan = replace(patient.scan, kvp=REFERENCE_KVP)
    return replace(patient, scan=scan, compact=1.0, fat_contrast=1.0), "HU as at 120 kVp"


def _filtered(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    return replace(header, spectrum="tin filter"), "a tin filter"


def _projected(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    thickness = (header.slice_thickness_mm or 1.0) * float(rng.uniform(7, 12))
    return replace(header, slice_thickness_mm=thickness), f"slices of {thickness:.0f} mm are stated"


def _iterative(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    if rng.random() < 0.5:
        kernel = one_of(rng, *ITERATIVE)
        return replace(header, kernel=kernel, reconstruction=ITERATIVE[kernel]), f"kernel {kernel}"
    name = one_of(rng, "ADMIRE", "ASIR", "TrueFidelity")
    return replace(header, reconstruction=name), f"reconstruction {name}"


def _tilted(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    angle = float(rng.uniform(8, 22)) * one_of(rng, -1, 1)
    return replace(header, gantry_tilt_degrees=angle), f"a gantry tilt of {angle:.0f} degrees is stated"


def _child(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    age = float(rng.integers(3, 18))
    return replace(header, age_years=age), f"{age:g} years old"


NO_VOLTAGE = Fault("tube voltage unstated", "kvp_unknown", header=_no_voltage)
WRONG_VOLTAGE = Fault("tube voltage wrongly stated", "line_doubted", ("unusual_hu",), header=_wrong_voltage)
ODD_VOLTAGE = Fault("tube voltage that few use", "kvp_unusual", header=_odd_voltage)
MONOENERGETIC = Fault("monoenergetic image", "image_kind", header=_monoenergetic)
UNSTATED_ENERGY = Fault("multi-energy image, energy unstated", "image_kind", header=_of_kind(ImageKind.UNSTATED))
BLEND = Fault("blend of two voltages", "image_kind", patient=_as_at_120_kvp, header=_of_kind(ImageKind.BLEND))
FILTERED = Fault("tin filter", "spectrum_unlike_kvp", header=_filtered)
PROJECTED = Fault("projection of slices", "overlapping_slices", ("thick_slices",), header=_projected)
ITERATIVE_RECONSTRUCTION = Fault("iterative reconstruction", "reconstruction", header=_iterative)
TILT_STATED = Fault("gantry tilt, stated", "gantry_tilt", header=_tilted)
CHILD = Fault("child", "child", header=_child)
