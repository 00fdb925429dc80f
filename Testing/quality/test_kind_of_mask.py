"""Masks of whole vertebrae, or of bodies with their cortex: what is read of them, and what is said."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import BODIES, CANAL_MM, RADII_MM, acquisition, grid_of, is_arch, synthetic_case
from OpportunisticBMDLib import quality
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality import SeenScan
from OpportunisticBMDLib.stages.place_region import body_height_mm, place_region
from OpportunisticBMDLib.stages.read_region import read_region


@pytest.fixture(scope="module", params=["straight", "left-handed", "oblique"])
def masks(request):
    """CT, and label maps of cancellous bone, of bodies with their cortex, and of whole vertebrae."""
    ct, segmentation = synthetic_case(grid_of(request.param, size=(80, 90, 64), spacing=(1.5, 1.5, 2.5)))
    grid = ct.volume.grid
    ras = grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)) - (12.0, -34.0, 150.0)
    body, whole = np.zeros(grid.size, np.uint8), np.zeros(grid.size, np.uint8)
    for name, label in LABELS.items():
        arch = is_arch(*np.moveaxis(ras - BODIES[name] - CANAL_MM, -1, 0))
        inside = np.linalg.norm((ras - BODIES[name]) / RADII_MM, axis=-1) < 1.1
        body[inside], whole[inside | arch] = label, label
    kinds = {"cancellous": segmentation.labels, "body": Volume(body, grid), "whole": Volume(whole, grid)}
    return ct.volume, kinds


def readings(masks, kind: str) -> dict:
    ct, kinds = masks
    return {name: read_region(ct, kinds[kind], name, place_region(kinds[kind], name)) for name in LABELS}


def said(masks, kind: str) -> list[tuple[str, str, str | None]]:
    ct, kinds = masks
    scan = SeenScan(ct, Segmentation(kinds[kind], {}), acquisition(), readings=readings(masks, kind))
    return [(r.code, r.severity, r.vertebra) for r in quality.cautions(scan)]


@pytest.mark.parametrize("kind", ["body", "whole"])
def test_the_region_is_that_of_the_cancellous_bone(masks, kind):
    _, kinds = masks
    for name, reading in readings(masks, kind).items():
        expected = readings(masks, "cancellous")[name]
        assert np.abs(reading.region.centre_ras - expected.region.centre_ras).max() < 1.5
        assert reading.region.half_mm == pytest.approx(expected.region.half_mm, rel=0.15)
        assert reading.hu_mean == pytest.approx(expected.hu_mean, abs=3)
        assert body_height_mm(kinds[kind], name, reading.region) == pytest.approx(2 * RADII_MM[2], abs=5)


def test_what_kind_of_mask_it_is_is_said(masks):
    assert said(masks, "cancellous") == []
    assert said(masks, "body") == [("cortex_in_mask", "info", name) for name in LABELS]
    assert said(masks, "whole") == [("whole_vertebra", "warning", name) for name in LABELS]
