"""Images that are not of one usual tube voltage are named, with the line that they were read with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from example_results import acquisition
from OpportunisticBMDLib import quality
from OpportunisticBMDLib.calibration import line_for, line_of
from OpportunisticBMDLib.core.contrast import Contrast
from OpportunisticBMDLib.core.ct import ImageKind
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reason import Figure, Reason
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.surroundings import Surroundings
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import SeenScan

GRID = Grid.axis_aligned((8, 8, 8), (0.8, 0.8, 2.5))
SEVENTY_KEV = {"image_kind": ImageKind.MONOENERGETIC, "energy_kev": 70.0, "kvp": None}
OWN_MESSAGES = ("image_kind", "kvp", "spectrum", "contrast", "oral", "overlapping")


def cautions(*, has_own_line: bool = False, **facts: object) -> list[Reason]:
    ct, labels = Volume(np.zeros(GRID.size, np.int16), GRID), Volume(np.zeros(GRID.size, np.uint8), GRID)
    line = replace(line_for(120), kind="given" if has_own_line else "voltage")
    scan = SeenScan(ct, Segmentation(labels, {}), acquisition(**facts), around=Surroundings(line, Contrast()))
    return [reason for reason in quality.cautions(scan) if reason.code.value.startswith(OWN_MESSAGES)]


def told(**facts: object) -> list[tuple[str, str]]:
    return [(reason.code.value, reason.severity) for reason in cautions(**facts)]


@pytest.mark.parametrize("kvp", [80.0, 100.0, 120.0, 140.0])
def test_usual_voltages_need_no_word(kvp):
    assert told(kvp=kvp) == []


@pytest.mark.parametrize(
    ("kvp", "line", "limit"),
    [(70.0, "70 kVp", 80.0), (150.0, "150 kVp", 140.0), (60.0, "70 kVp", 80.0), (180.0, "150 kVp", 140.0)],
)
def test_unusual_voltages_are_named_with_the_line_that_was_used(kvp, line, limit):
    (reason,) = cautions(kvp=kvp)
    assert (reason.code, reason.severity, reason.figure) == ("kvp_unusual", "warning", Figure(kvp, limit))
    assert f"{kvp:g} kV" in reason.message and line in reason.message
    assert line_of(acquisition(kvp=kvp)).name == line


@pytest.mark.parametrize("kvp", [0.0, -1.0, 120000.0, None])
def test_what_is_no_voltage_is_unknown(kvp):
    assert told(kvp=kvp) == [("kvp_unknown", "warning")]
    assert line_of(acquisition(kvp=kvp)).name == "120 kVp"


def test_a_spectrum_that_the_voltage_does_not_tell_is_named():
    (reason,) = cautions(kvp=100.0, spectrum="tin filter")
    assert (reason.code, reason.severity) == ("spectrum_unlike_kvp", "warning")
    assert "tin filter" in reason.message and "100 kVp" in reason.message
    assert told(kvp=None, spectrum="80 and 140 kV in one series") == [("spectrum_unlike_kvp", "warning")]


def test_monoenergetic_images_are_read_with_the_line_of_their_energy():
    (reason,) = cautions(**SEVENTY_KEV)
    assert (reason.code, reason.severity) == ("image_kind", "warning")
    assert "virtual monoenergetic image of 70 keV" in reason.message
    assert line_of(acquisition(**SEVENTY_KEV)).name == "70 keV"


def test_blends_are_read_as_120_kvp_whatever_tube_the_header_names():
    assert told(image_kind=ImageKind.BLEND, kvp=140.0) == [("image_kind", "info")]
    assert line_of(acquisition(image_kind=ImageKind.BLEND, kvp=140.0)).name == "120 kVp"


def test_an_energy_that_nobody_states_is_named():
    assert told(image_kind=ImageKind.UNSTATED) == [("image_kind", "warning")]


def test_the_scanners_own_line_needs_no_voltage():
    assert cautions(has_own_line=True, kvp=None) == [] and cautions(has_own_line=True, kvp=70.0) == []
    assert [r.code for r in cautions(has_own_line=True, **SEVENTY_KEV)] == ["image_kind"]


def test_contrast_by_mouth_is_a_note_and_a_phase_without_agent_a_warning():
    assert told(contrast_agent="Gastrografin", contrast_oral_only=True) == [("oral_contrast", "info")]
    assert told(contrast_agent="Iohexol") == [("contrast_agent", "warning")]
    for agent in (None, ""):
        (reason,) = cautions(contrast_agent=agent, contrast_hint="portal venous")
        assert (reason.code, reason.severity) == ("contrast_likely", "warning") and "portal venous" in reason.message


@pytest.mark.parametrize(("thickness", "codes"), [(12.5, ["overlapping_slices"]), (7.5, []), (2.5, []), (None, [])])
def test_slices_much_thicker_than_they_are_apart_may_be_projections(thickness, codes):
    reasons = cautions(slice_thickness_mm=thickness)
    assert [reason.code for reason in reasons] == codes
    if reasons:
        assert reasons[0].severity == "warning" and reasons[0].figure == Figure(5.0, 3.0)
