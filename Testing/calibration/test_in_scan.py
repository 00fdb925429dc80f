"""A phantom under the patient: found by itself, named rightly, and never where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grids import rotated
from OpportunisticBMDLib.calibration.in_scan import line_of_phantom_below
from OpportunisticBMDLib.calibration.phantoms import BELOW_PATIENTS, PHANTOMS, Insert
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.reading import read_ct
from painted_phantoms import Rod, painted, rods_of

SCANNER = Calibration("true", "HA", 1.37, 9.0, "of the scanner")
BODIES = {name: np.array([3.0, 95.0, up]) for name, up in (("T12", 32.0), ("L1", 0.0), ("L2", -34.0))}
FLAT = Grid.axis_aligned((200, 130, 26), (1.1, 1.1, 5.0))
BDC_6 = PHANTOMS["bdc-6"]


def row_of(phantom, **changes):
    """The phantom's rods side by side, 28 mm apart."""
    middles = [(28.0 * (n - (len(phantom.inserts) - 1) / 2), -6.0) for n in range(len(phantom.inserts))]
    return [replace(rod, **changes) for rod in rods_of(phantom, SCANNER, middles, 200.0)]


def below(rods, grid=FLAT, body_hu=0.0, noise_hu=20.0):
    return painted(grid, rods, body_hu, noise_hu=noise_hu, body_mm=130.0)


@pytest.mark.parametrize("phantom", BELOW_PATIENTS, ids=lambda phantom: phantom.name)
def test_each_phantom_is_found_and_named(phantom):
    line = line_of_phantom_below(
        below(row_of(phantom), body_hu=70.0 if phantom is PHANTOMS["mindways"] else 0.0), BODIES
    )
    assert line is not None and line.name == phantom.name and line.kind == "phantom"
    assert line.slope_hu_per_mg_cm3 == pytest.approx(SCANNER.slope_hu_per_mg_cm3, rel=0.01)
    assert line.bmd(SCANNER.hu(100.0)) == pytest.approx(100.0, abs=2.0)


@pytest.mark.parametrize(
    "affine",
    [FLAT.affine @ np.diag([-1.0, -1.0, 1.0, 1.0]), rotated(FLAT.affine, degrees=(0, 0, 12))],
    ids=["as scanners write it", "turned on the table"],
)
def test_a_phantom_is_found_on_other_grids(affine):
    centred = affine.copy()
    centred[:3, 3] = -affine[:3, :3] @ ((np.array(FLAT.size) - 1) / 2)
    line = line_of_phantom_below(below(row_of(BDC_6), Grid(FLAT.size, centred)), BODIES)
    assert line is not None and line.bmd(SCANNER.hu(100.0)) == pytest.approx(100.0, abs=2.0)


def test_a_line_does_not_tell_the_day_of_a_patients_scan():
    ct = below(row_of(BDC_6))
    dated = CT(ct.volume, replace(ct.acquisition, scanned_on="2026-05-12"))
    line = line_of_phantom_below(dated, BODIES)
    assert line is not None and line.measured_on is None and "2026" not in f"{line.name} {line.source}"


def test_noise_of_a_large_patient_hides_no_phantom():
    line = line_of_phantom_below(below(row_of(BDC_6), noise_hu=60.0), BODIES)
    assert line is not None and line.bmd(SCANNER.hu(100.0)) == pytest.approx(100.0, abs=3.0)


def test_three_rods_that_two_makers_have_are_not_taken_for_either():
    unclear = replace(PHANTOMS["bdc-3"], inserts=tuple(Insert(f"{d}", d) for d in (0.0, 100.0, 200.0)))
    assert line_of_phantom_below(below(row_of(unclear), body_hu=40.0), BODIES) is None


def test_a_phantom_with_other_densities_is_not_found():
    """Rods whose densities do not lie as the phantom's do: one was taken for another."""
    rods = row_of(BDC_6)
    rods[2] = replace(rods[2], hu=rods[2].hu - 40.0)
    assert line_of_phantom_below(below(rods), BODIES) is None


def test_rods_that_end_beside_the_bodies_are_no_phantom():
    assert line_of_phantom_below(below(row_of(BDC_6, half_length=22.0)), BODIES) is None


def test_a_mattress_or_table_is_no_phantom():
    layers = [Rod((0.0, -200.0, 0.0), radius, 200.0, hu) for radius, hu in ((190.0, 250.0), (186.0, -900.0))]
    assert line_of_phantom_below(below(layers, body_hu=-1000.0), BODIES) is None


@pytest.mark.parametrize("bodies", [{}, {"L1": BODIES["L1"]}], ids=["no bodies", "too little of the scan"])
def test_without_bodies_or_slices_nothing_is_told(bodies):
    assert line_of_phantom_below(below(row_of(BDC_6)), bodies) is None


@pytest.mark.parametrize("away", [(0.0, 0.0), (30.0, -25.0), (-25.0, 20.0)])
def test_no_phantom_is_found_in_a_patient_without_one(real_ct, away):
    ct: CT = read_ct(real_ct("abdomen-native") / "ct.nii.gz")
    middles = {"T12": (-4.2, 125.1, 414.4), "L1": (-5.7, 133.9, 382.6), "L2": (-4.9, 145.0, 348.7)}
    bodies = {name: np.array(middle) + [*away, 0.0] for name, middle in middles.items()}
    assert line_of_phantom_below(ct, bodies) is None
