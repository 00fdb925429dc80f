"""A tilted gantry is a note where the tilt was undone, and a warning where it was lost."""

from __future__ import annotations

import pytest

from seen_scans import seen, told


@pytest.mark.parametrize(
    "facts", [{}, {"gantry_tilt_degrees": 0.0}, {"gantry_tilt_degrees": 0.5, "shear_degrees": 0.0}]
)
def test_an_upright_gantry_needs_no_word(facts):
    assert told(seen(**facts), "gantry_tilt") == []


@pytest.mark.parametrize(
    ("stated", "undone", "severity"),
    [
        (-15.0, 15.0, "info"),
        (None, 15.0, "info"),
        (15.0, None, "info"),  # no DICOM: nobody knows how the slices lay
        (15.0, 0.0, "info"),
        (-25.0, 2.0, "warning"),
        (25.0, 0.0, "warning"),
    ],
)
def test_a_tilt_that_was_lost_is_a_warning(stated, undone, severity):
    (reason,) = told(seen(gantry_tilt_degrees=stated, shear_degrees=undone), "gantry_tilt")
    assert reason.severity == severity
    assert reason.figure.value == max(abs(stated or 0), undone or 0)
