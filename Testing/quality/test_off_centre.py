"""How far a body lies from what the field of view does not show."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import BODIES, grid_of, synthetic_case
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.quality.off_centre import rim_mm
from seen_scans import seen, told


def cut_at(mm: float) -> Volume:
    """The synthetic patient in a field of view that ends so far to the right of L1."""
    ct = synthetic_case(grid_of("straight"))[0].volume
    right = ct.grid.ras_of(np.stack(np.meshgrid(*map(np.arange, ct.grid.size), indexing="ij"), axis=-1))[..., 0]
    return Volume(np.where(right > 12 + BODIES["L1"][0] + mm, AIR_HU, ct.array), ct.grid)


def test_a_field_around_the_spine_needs_no_word():
    assert told(seen(), "off_centre") == []


@pytest.mark.parametrize("mm", [26.0, 34.0])
def test_a_body_near_the_rim_is_noted_with_its_distance(mm):
    (reason,) = told(seen(cut_at(mm)), "off_centre")
    assert reason.severity == "info" and reason.figure.value == pytest.approx(mm, abs=4.5)


def test_the_edge_of_the_scan_is_a_rim():
    ct, segmentation = synthetic_case(grid_of("straight"))
    narrow = (slice(10, 47), slice(0, 56), slice(0, 48))
    scan = seen(ct.volume.part(narrow), segmentation.labels.part(narrow))
    assert rim_mm(scan.whole, scan.readings["L1"].region) < 40
