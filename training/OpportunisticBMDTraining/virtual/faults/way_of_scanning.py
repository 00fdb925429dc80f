"""Slices, dose and kernels that a reading cannot bear, or should be told."""

from __future__ import annotations

from dataclasses import replace

from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDTraining.virtual.faults.fault import Fault, Random, one_of
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import place_vertebrae

SHARP_KERNELS = ("B70f", "Br69d\\3", "BONE", "LUNG", "EDGE", "YC", "FC52")  # of four makers


def _thick(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    thickness = one_of(rng, 7.0, 8.0, 10.0, 12.0)
    smear = thickness * float(rng.uniform(0, 0.2))
    scan = replace(patient.scan, slice_thickness=thickness, increment=0.0, smear=smear)
    return replace(patient, scan=scan), f"slices of {thickness:g} mm"


def _noisy(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    noise = float(rng.uniform(100, 250))
    return replace(patient, scan=replace(patient.scan, noise_hu=noise)), f"noise of {noise:.0f} HU"


def _sharp(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    edge = float(rng.uniform(1.0, 2.5))
    noise = patient.scan.noise_hu * float(rng.uniform(1.5, 3))
    scan = replace(patient.scan, kernel_sigma=0.3, edge=edge, noise_hu=noise)
    return replace(patient, scan=scan), f"a kernel that overshoots by {edge:.1f}, noise of {noise:.0f} HU"


def _sharp_by_name(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    kernel = one_of(rng, *SHARP_KERNELS)
    return replace(header, kernel=kernel), f"kernel {kernel}"


def _off_centre(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    """The spine lies within the field, near its rim."""
    spine = {vertebra.shape.name: vertebra for vertebra in place_vertebrae(patient)}
    field, spare = float(rng.uniform(320, 420)), float(rng.uniform(26, 36))
    x = float(spine["L1"].centre[0] + one_of(rng, -1, 1) * (field / 2 - spare))
    centre = x, float(spine["L1"].centre[1] + rng.uniform(-5, 15))
    scan = replace(patient.scan, field_of_view=field, pixel=field / 512, centre=centre)
    return replace(patient, scan=scan), f"L1's middle {spare:.0f} mm from the rim of a field of {field:.0f} mm"


THICK = Fault("slices of 7 to 12 mm", "thick_slices", patient=_thick)
NOISY = Fault("noise of 100 to 250 HU", "noisy", ("unsure_segmentation", "vertebrae_not_found"), patient=_noisy)
SHARP = Fault("sharp kernel, unnamed", "sharp_kernel", ("noisy",), patient=_sharp)
SHARP_BY_NAME = Fault("sharp kernel, named", "sharp_kernel", header=_sharp_by_name)
OFF_CENTRE = Fault("spine near the field's rim", "off_centre", ("cut_off",), patient=_off_centre)
