"""Where no vertebrae were found, heads, limbs and phantoms are told from trunks."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.quality import unlike_a_trunk

GRID = Grid.axis_aligned((100, 100, 20), (5.0, 5.0, 8.0))


def body(width_mm: float, depth_mm: float, fat: bool = True, axes: tuple[int, int, int] = (0, 1, 2)) -> Volume:
    """An ellipse of muscle with fat within, in air; its array's axes in another order if asked."""
    x, y, _ = np.moveaxis(GRID.ras_of(np.stack(np.meshgrid(*map(np.arange, GRID.size), indexing="ij"), axis=-1)), -1, 0)
    inside = np.hypot(x / width_mm, y / depth_mm) * 2
    hu = np.where(inside < 1, 50.0, AIR_HU)
    if fat:
        hu[(inside < 0.6) & (inside > 0.45)] = -100
    affine = GRID.affine.copy()
    affine[:, :3] = affine[:, axes]
    return Volume(hu.transpose(axes), Grid(tuple(GRID.size[a] for a in axes), affine))


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
@pytest.mark.parametrize(("width_mm", "depth_mm"), [(280, 190), (400, 300), (480, 480)])
def test_a_trunk_may_hold_a_spine(width_mm, depth_mm, axes):
    assert unlike_a_trunk(body(width_mm, depth_mm, axes=axes)) is None


@pytest.mark.parametrize(("width_mm", "depth_mm"), [(150, 190), (110, 110)])
def test_a_head_and_a_limb_are_told_by_their_size(width_mm, depth_mm):
    reason = unlike_a_trunk(body(width_mm, depth_mm))
    assert (reason.code, reason.severity) == ("not_a_trunk", "refusal")
    assert reason.figure.value == pytest.approx(np.pi / 4 * width_mm * depth_mm / 100, rel=0.05)


def test_a_phantom_is_told_by_its_lack_of_fat():
    reason = unlike_a_trunk(body(320, 220, fat=False))
    assert reason.code == "not_a_trunk" and reason.figure is None and "phantom" in reason.message


def test_a_field_of_view_within_the_body_tells_no_size():
    ct = body(400, 300)
    assert unlike_a_trunk(ct.part((slice(35, 65), slice(35, 65), slice(0, 20)))) is None
