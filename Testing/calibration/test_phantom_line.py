"""A scanner's own line, from the scan of a phantom: whatever the scanner, the pose and the grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grids import GRIDS, every_grid, rotated
from OpportunisticBMDLib.calibration.phantom_line import line_of_phantom
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS, Insert
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.materials import PER_HA
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading import read_ct
from painted_phantoms import Rod, around_origin, painted, rods_of

phantom = pytest.importorskip(
    "OpportunisticBMDTraining.virtual.phantom", reason="virtual phantoms need the training extra"
)
ESP, CCI, MINDWAYS = (PHANTOMS[name] for name in ("esp", "qrm-cci", "mindways"))
SCANNER = Calibration("true", "HA", 1.32, 12.0, "of the scanner")
SCANS = (5, 21, 27, 38, 49)  # every scanner once, all voltages, poses and slices from 0.6 to 5 mm
CCI_PLACES = ((12.0, 20.0), (0.0, 0.0))
ROW = ((-40.0, 0.0), (-20.0, 3.0), (0.0, 5.0), (20.0, 3.0), (40.0, 0.0))


@pytest.mark.slow
@pytest.mark.parametrize("seed", SCANS)
def test_the_line_of_any_scanner_is_recovered_from_a_spine_phantom(seed):
    scan = phantom.draw_phantom_scan(seed)
    found = line_of_phantom(phantom.phantom_ct(scan), ESP)
    assert found.line.slope_hu_per_mg_cm3 == pytest.approx(scan.line.slope_hu_per_mg_cm3, rel=0.02)
    for density in phantom.DENSITIES:
        assert found.line.bmd(scan.line.hu(density)) == pytest.approx(density, abs=2.0)
    middles = np.array([insert.centre_ras_mm for insert in found.inserts])
    assert np.linalg.norm(np.diff(middles, axis=0), axis=1) == pytest.approx(scan.spacing, abs=3.0)


def as_it_is(ct: Volume) -> Volume:
    return ct


def noisy(ct: Volume) -> Volume:
    """30 HU more."""
    noise = np.random.default_rng(3).normal(0, 30, ct.array.shape)
    return Volume((ct.array + noise).astype(np.float32), ct.grid)


def tilted(ct: Volume) -> Volume:
    """By 10 degrees."""
    return Volume(ct.array, Grid(ct.grid.size, rotated(ct.grid.affine, degrees=(0, 10, 0))))


def coarse(ct: Volume) -> Volume:
    """Pixels of 1.2 mm."""
    return ct.resampled(ct.grid.covering((1.2, 1.2, 3.0)))


@pytest.mark.parametrize("changed", [as_it_is, noisy, tilted, coarse])
def test_rods_are_found_in_a_real_scan(shared_data, changed):
    """A QRM thorax phantom whose scanner shows water at 37 HU; read by hand, the rod is at 310 HU."""
    ct = read_ct(shared_data / "qrm-thorax" / "qrm-thorax-dicom.zip")
    found = line_of_phantom(CT(changed(ct.volume), ct.acquisition), CCI)
    assert found.line.slope_hu_per_mg_cm3 == pytest.approx((310 - 37) / 200, rel=0.03)
    assert found.line.intercept_hu == pytest.approx(37, abs=5)
    assert found.scan.scanned_on == "2016-02-11" and found.line.name.endswith("of 2016-02-11")


@pytest.mark.parametrize("phantom_named", PHANTOMS)
def test_a_patient_is_no_phantom(real_ct, phantom_named):
    ct = read_ct(real_ct("abdomen-native") / "ct.nii.gz")
    with pytest.raises(BadInput, match=r"name the phantom that was scanned\.$"):
        line_of_phantom(ct, PHANTOMS[phantom_named])


@every_grid
def test_rods_are_found_on_any_grid(grid):
    ct = painted(around_origin(grid, 125.0), rods_of(CCI, SCANNER, CCI_PLACES, 20.0), 75.0)
    found = line_of_phantom(ct, CCI)
    assert found.line.slope_hu_per_mg_cm3 == pytest.approx(SCANNER.slope_hu_per_mg_cm3, rel=0.01)
    assert found.line.intercept_hu == pytest.approx(SCANNER.intercept_hu, abs=2.0)
    middles = [insert.centre_ras_mm[:2] for insert in found.inserts]
    assert np.abs(np.array(middles) - CCI_PLACES).max() < 1.0


def test_the_water_that_mindways_rods_hold_is_minded():
    """Fitted as its guide says: HU - water over K2HPO4, then slope - 0.2174 and intercept + 999.6."""
    ct = painted(around_origin(GRIDS["thick slices"], 125.0), rods_of(MINDWAYS, SCANNER, ROW, 45.0), 130.0)
    found = line_of_phantom(ct, MINDWAYS)
    shown = np.array([insert.hu_mean - rod.water_mg_cm3 for insert, rod in zip(found.inserts, MINDWAYS.inserts)])
    slope, intercept = np.polyfit(MINDWAYS.densities, shown, 1)
    assert found.line.intercept_hu == pytest.approx(intercept + 999.6, abs=0.01)
    assert found.line.slope_hu_per_mg_cm3 == pytest.approx((slope - 0.2174) * PER_HA["K2HPO4"], abs=1e-3)
    assert found.line.slope_hu_per_mg_cm3 == pytest.approx(SCANNER.slope_hu_per_mg_cm3, rel=0.01)
    assert found.line.material == "HA" and found.material == "K2HPO4"


def test_a_line_says_how_sure_it_is():
    ct = painted(around_origin(GRIDS["canonical"], 125.0), rods_of(CCI, SCANNER, CCI_PLACES, 20.0), 75.0)
    line = line_of_phantom(ct, CCI).line
    assert 0.01 <= line.slope_sd < 0.03 and 1.0 < line.intercept_sd_hu < 5.0


def test_tables_lie_under_phantoms_and_do_not_matter():
    rods = [*rods_of(CCI, SCANNER, CCI_PLACES, 20.0), Rod((0.0, -200.0, 0.0), 140.0, 60.0, 300.0)]
    found = line_of_phantom(painted(around_origin(GRIDS["canonical"], 140.0), rods, 75.0), CCI)
    assert found.line.slope_hu_per_mg_cm3 == pytest.approx(SCANNER.slope_hu_per_mg_cm3, rel=0.01)


def test_a_body_without_inserts_is_refused():
    with pytest.raises(BadInput, match=r"The 2 inserts of the phantom \(QRM .*\) are not all found in rods: .*\.$"):
        line_of_phantom(painted(around_origin(GRIDS["canonical"], 125.0), [], 75.0), CCI)


def test_air_is_refused():
    grid = around_origin(GRIDS["thick slices"], 60.0)
    with pytest.raises(BadInput, match="not all found"):
        line_of_phantom(painted(grid, [], -1000.0), CCI)


def test_one_rod_of_two_is_not_enough():
    water, rod = rods_of(CCI, SCANNER, CCI_PLACES, 20.0)
    for alone in (water, rod):
        with pytest.raises(BadInput, match="not all found"):
            line_of_phantom(painted(around_origin(GRIDS["canonical"], 125.0), [alone], 75.0), CCI)


def test_another_phantom_than_the_one_named_is_refused():
    """Rods of 100 and 400 mg/cm3 where 0 and 200 are named."""
    other = replace(CCI, inserts=(Insert("low", 100.0), Insert("high", 400.0)))
    ct = painted(around_origin(GRIDS["canonical"], 125.0), rods_of(other, SCANNER, CCI_PLACES, 20.0), 75.0)
    with pytest.raises(BadInput, match=r"shows other densities: name the phantom that was scanned\.$"):
        line_of_phantom(ct, CCI)


def test_inserts_that_lie_on_no_line_are_refused():
    rods = rods_of(MINDWAYS, SCANNER, ROW, 45.0)
    rods[3] = replace(rods[3], hu=rods[3].hu + 15.0)
    ct = painted(around_origin(GRIDS["thick slices"], 125.0), rods, 130.0)
    with pytest.raises(BadInput, match=r"do not lie on a line, one is off by \d+ mg/cm3: .*\.$"):
        line_of_phantom(ct, MINDWAYS)


def test_inserts_that_a_window_has_cut_off_are_refused():
    ct = painted(around_origin(GRIDS["canonical"], 125.0), rods_of(CCI, SCANNER, CCI_PLACES, 20.0), 75.0)
    cut = CT(Volume(ct.volume.array.clip(-200, 250), ct.volume.grid), ct.acquisition)
    with pytest.raises(BadInput, match=r"lies at an end of the HU that the file holds \(-200 to 250\): .*\.$"):
        line_of_phantom(cut, CCI)
