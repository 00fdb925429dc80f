"""Scans that end within a body or right behind it, at their top, their bottom or at a side."""

from __future__ import annotations

from dataclasses import replace

from OpportunisticBMDTraining.virtual.faults.fault import Fault, Random, one_of
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.spine import place_vertebrae

SHORTEST_MM = 110.0  # of what the scan goes on to show


def _ends(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    spine = {vertebra.shape.name: vertebra for vertebra in place_vertebrae(patient)}
    name = one_of(rng, "T12", "L1", "L2")
    height, end = float(spine[name].centre[2]), one_of(rng, "top", "bottom")
    away = float(rng.uniform(-0.35, 0.35) * spine[name].shape.height)
    scan = patient.scan
    if end == "top":
        scan = replace(scan, top=height + away, bottom=min(scan.bottom, height + away - SHORTEST_MM))
    else:
        scan = replace(scan, bottom=height + away, top=max(scan.top, height + away + SHORTEST_MM))
    return replace(patient, scan=scan), f"{end} of the scan {away:+.0f} mm from the middle of {name}"


def _field(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    spine = {vertebra.shape.name: vertebra for vertebra in place_vertebrae(patient)}
    field, side = float(rng.uniform(150, 230)), one_of(rng, -1, 1)
    beyond = float(rng.uniform(-8, 16))  # how far the rim lies outwards of the middle of L1
    x, y = spine["L1"].centre[:2]
    centre = float(x - side * (field / 2 - beyond)), float(y + rng.uniform(0, 25))
    is_round = bool(rng.random() < 0.7)
    scan = replace(patient.scan, field_of_view=field, pixel=max(field / 400, 0.5), centre=centre, circle=is_round)
    rim = "round" if is_round else "square"
    return replace(patient, scan=scan), f"{rim} field of {field:.0f} mm that ends {beyond:+.0f} mm from L1's middle"


def _tight(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
    """Neither ribs nor sacrum are there to count from."""
    spine = {vertebra.shape.name: vertebra for vertebra in place_vertebrae(patient)}
    above, below = rng.uniform(3, 8, 2)
    top = float(spine["T12"].centre[2] + spine["T12"].shape.height / 2 + above)
    bottom = float(spine["L2"].centre[2] - spine["L2"].shape.height / 2 - below)
    scan = replace(patient.scan, top=top, bottom=bottom)
    return replace(patient, scan=scan), f"{above:.0f} mm above T12 and {below:.0f} mm below L2"


ENDS = Fault(
    "scan ends within a body",
    "cut_off",
    ("box_leaves_scan", "not_found", "vertebrae_not_found", "too_small", "unusual_volume", "no_region"),
    patient=_ends,
)
FIELD = Fault(
    "narrow field cuts the bodies",
    "cut_off",
    ("off_centre", "not_found", "vertebrae_not_found", "box_leaves_scan", "not_in_body", "region_left_out"),
    patient=_field,
)
TIGHT = Fault(
    "scan of T12 to L2 alone",
    "unsure_levels",
    ("cut_off", "box_leaves_scan", "vertebrae_not_found", "not_found", "too_small"),
    patient=_tight,
)
