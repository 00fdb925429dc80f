"""Which line a patient's scan is read by, and how sure it is for him."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDLib.calibration.fit import UNEVEN_SD_HU
from OpportunisticBMDLib.core.ct import ImageKind
from OpportunisticBMDLib.scanners.choose import APART_SD, KERNEL_SD_MG_CM3, line_among
from OpportunisticBMDLib.scanners.measurement import Measurement
from phantom_lines import line_of_day, scan_of


def known(*measured):
    return [Measurement(number, one) for number, one in enumerate(measured, start=1)]


def test_the_newest_line_of_the_scanner_is_taken_whatever_the_order():
    lines = known(line_of_day("2026-05-12", 1.33), line_of_day("2025-02-01", 1.30), line_of_day(None, 1.20))
    found = line_among(lines, scan_of())
    assert (found.slope_hu_per_mg_cm3, found.measured_on, found.kind) == (1.33, "2026-05-12", "scanner")
    assert found.source == "measured on a phantom (ESP, 3 inserts) on this scanner"


@pytest.mark.parametrize(
    "facts",
    [
        {"scanner_id": "another"},
        {"scanner_id": None, "scanner": "GE Revolution"},
        {"scanner_id": None, "scanner": None},
        {"kvp": 100.0},
        {"kvp": None},
        {"image_kind": ImageKind.BLEND},
        {"image_kind": ImageKind.MONOENERGETIC, "energy_kev": 70.0},
        {"spectrum": "tin filter"},
    ],
)
def test_another_scanner_voltage_or_kind_of_image_has_no_line(facts):
    assert line_among(known(line_of_day("2026-05-12")), scan_of(**facts)) is None


@pytest.mark.parametrize("kvp", [118.0, 125.0])
def test_voltages_that_are_nearly_the_same_are_one(kvp):
    assert line_among(known(line_of_day("2026-05-12")), scan_of(kvp=kvp)) is not None


def test_a_monoenergetic_image_is_read_by_a_phantom_at_its_own_energy():
    kind = {"image_kind": ImageKind.MONOENERGETIC, "energy_kev": 70.0, "kvp": None}
    lines = known(line_of_day("2026-05-12", **kind))
    assert line_among(lines, scan_of(**kind)) is not None
    assert line_among(lines, scan_of(**kind | {"energy_kev": 75.0})) is None
    assert line_among(lines, scan_of(kvp=None)) is None


def test_a_machine_that_is_not_stated_is_any_of_its_model_and_that_is_said():
    found = line_among(known(line_of_day("2026-05-12")), scan_of(scanner_id=None))
    assert found.source.endswith(" on a scanner of this model")


def test_the_kernel_of_the_scan_goes_before_a_newer_line():
    lines = known(line_of_day("2024-01-01", 1.30), line_of_day("2026-01-01", 1.38, kernel="FC30"))
    assert line_among(lines, scan_of()).slope_hu_per_mg_cm3 == 1.30


@pytest.mark.parametrize("kernel", ["FC08", None])
def test_a_line_of_another_kernel_says_so_and_is_less_sure(kernel):
    lines = known(line_of_day("2026-05-12"))
    same, other = line_among(lines, scan_of()), line_among(lines, scan_of(kernel=kernel))
    assert f"with the kernel FC12 instead of {kernel or 'one not stated'}" in other.source
    more = other.sd(100.0) ** 2 - same.sd(100.0) ** 2
    assert np.sqrt(more) == pytest.approx(KERNEL_SD_MG_CM3)


def test_one_line_leaves_what_a_phantom_scanned_apart_leaves():
    measured = line_of_day("2026-05-12")
    found = line_among(known(measured), scan_of())
    assert found.slope_sd == pytest.approx(np.hypot(measured.line.slope_sd, APART_SD))
    assert found.intercept_sd_hu == pytest.approx(np.hypot(measured.line.intercept_sd_hu, UNEVEN_SD_HU))
    assert found.moved_mg_cm3 is None


def test_a_scanner_that_drifts_is_less_sure():
    steady = known(*(line_of_day(f"2026-0{n}-01", 1.32) for n in (1, 2, 3)))
    drifting = known(*(line_of_day(f"2026-0{n}-01", 1.32 + 0.04 * n, 12.0 + 3 * n) for n in (1, 2, 3)))
    sure, unsure = line_among(steady, scan_of()), line_among(drifting, scan_of())
    assert unsure.slope_sd**2 - sure.slope_sd**2 == pytest.approx((0.04 / 1.40) ** 2)
    assert unsure.intercept_sd_hu**2 - sure.intercept_sd_hu**2 == pytest.approx(9.0)


def test_how_far_it_moved_is_told_by_the_last_two_of_one_kernel():
    lines = [
        line_of_day("2024-01-01", 1.2),
        line_of_day("2025-01-01", 1.30, 10.0),
        line_of_day("2026-01-01", 1.34, 9.0),
    ]
    lines.append(replace(line_of_day("2026-02-01", 1.5, kernel="FC30")))
    found = line_among(known(*lines), scan_of())
    assert found.moved_mg_cm3 == pytest.approx((134.0 + 9.0 - 10.0) / 1.30 - 100.0)


def test_a_ct_of_former_years_is_read_by_the_line_of_its_time():
    lines = known(line_of_day("2021-01-01", 1.20), line_of_day("2023-03-01", 1.24), line_of_day("2026-02-01", 1.36))
    former = line_among(lines, scan_of(scanned_on="2021-01-10"))
    assert (former.slope_hu_per_mg_cm3, former.measured_on, former.name) == (1.20, None, "European Spine Phantom")
    assert line_among(lines, scan_of(scanned_on="2023-06-10")).moved_mg_cm3 == pytest.approx(124 / 1.2 - 100)
    assert line_among(lines, scan_of(scanned_on=None)).measured_on == "2026-02-01"


def test_two_machines_of_a_model_are_no_scanner_that_moved():
    lines = known(line_of_day("2025-01-01", 1.20), line_of_day("2026-01-01", 1.36, scanner_id="another"))
    found = line_among(lines, scan_of(scanner_id=None))
    assert found.slope_hu_per_mg_cm3 == 1.36 and found.moved_mg_cm3 is None
