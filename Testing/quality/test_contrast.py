"""What is said of a contrast agent: seen, stated, taken off or not."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib import quality
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.contrast import Contrast, Phase
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.surroundings import Surroundings
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality.contrast import contrast_agent
from OpportunisticBMDLib.stages.contrast import correction_for

VENOUS = Phase.PORTAL_VENOUS


def reasons(contrast: Contrast, **facts) -> list[Reason]:
    grid = Grid.axis_aligned((4, 4, 4), (1, 1, 1))
    labels = Segmentation(Volume(np.zeros(grid.size, np.uint8), grid), {})
    around = Surroundings(line_for(120.0), contrast, correction_for(contrast, 120.0))
    acquisition = Acquisition("CT", "virtual", **facts)
    scan = quality.SeenScan(Volume(np.zeros(grid.size), grid), labels, acquisition, around=around)
    return list(contrast_agent(scan))


def codes(contrast: Contrast, **facts) -> list[tuple[str, str]]:
    return [(str(reason.code), reason.severity) for reason in reasons(contrast, **facts)]


@pytest.mark.parametrize(("phase", "severity"), [(VENOUS, "warning"), (Phase.ARTERIAL, "info"), (Phase.LATE, "info")])
def test_what_is_taken_off_is_a_note_where_little_is_left_of_it(phase, severity):
    (reason,) = reasons(Contrast(phase, "pixels", phase, 0.98, True))
    assert (str(reason.code), reason.severity) == ("contrast_corrected", severity)
    assert phase.value in reason.message and "were taken off" in reason.message and "98 %" in reason.message


@pytest.mark.parametrize(("probability", "severity"), [(0.98, "info"), (0.75, "warning")])
def test_a_header_that_speaks_of_an_agent_is_looked_at_where_the_pixels_are_not_sure_of_none(probability, severity):
    assert codes(Contrast(Phase.NONE, "pixels", Phase.NONE, probability, True)) == [("header_contradicted", severity)]


def test_a_phase_that_is_not_sure_is_a_warning():
    (reason,) = reasons(Contrast(VENOUS, "pixels", VENOUS, 0.72))
    assert (str(reason.code), reason.severity) == ("contrast_agent", "warning") and "nothing was" in reason.message


def test_an_agent_that_the_header_alone_knows_is_a_warning():
    assert codes(Contrast(None, "header", stated=True)) == [("contrast_agent", "warning")]


@pytest.mark.parametrize(
    ("contrast", "expected"),
    [
        (Contrast(Phase.NONE, "pixels", Phase.NONE, 0.99, True), [("header_contradicted", "info")]),
        (
            Contrast(VENOUS, "pixels", VENOUS, 0.99, False),
            [("contrast_corrected", "warning"), ("header_contradicted", "info")],
        ),
        (Contrast(Phase.NONE, "pixels", Phase.NONE, 0.99, False), []),
        (Contrast(Phase.NONE, "pixels", Phase.NONE, 0.99, None), []),
        (Contrast(VENOUS, "pixels", VENOUS, 0.99, True), [("contrast_corrected", "warning")]),
    ],
)
def test_a_header_that_says_otherwise_is_named(contrast, expected):
    assert codes(contrast) == expected


def test_words_of_a_header_do_not_count_where_the_vessels_hold_nothing():
    hint = {"contrast_agent": "", "contrast_hint": "portal venous"}
    assert codes(Contrast(Phase.NONE, "pixels", Phase.NONE, 0.99), **hint) == []
    assert codes(Contrast(None, "neither", stated=None), **hint) == [("contrast_likely", "warning")]


def test_what_was_swallowed_is_a_note_as_long_as_the_vessels_hold_nothing():
    oral = {"contrast_agent": "Gastrografin", "contrast_oral_only": True}
    assert codes(Contrast(Phase.NONE, "pixels", Phase.NONE, 0.99), **oral) == [("oral_contrast", "info")]
    assert codes(Contrast(VENOUS, "pixels", VENOUS, 0.99), **oral) == [("contrast_corrected", "warning")]
