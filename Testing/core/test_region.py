"""The region that is read: an elliptic cylinder that any grid sees at the same place and of the same size."""

from __future__ import annotations

import numpy as np
import pytest

from example_results import grid_of
from OpportunisticBMDLib.core.region import Region

ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")
CENTRE = np.array([14.0, -30.0, 147.0])


def leaning(degrees: float = 20.0) -> Region:
    """12 x 9 x 4.5 mm, its top leaning backwards."""
    angle = np.deg2rad(degrees)
    axes = np.array([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]])
    return Region(CENTRE, np.array([[12.0], [9.0], [4.5]]) * axes)


def test_own_coordinates_are_1_at_the_ends_of_the_half_axes():
    region = leaning()
    np.testing.assert_allclose(region.local(CENTRE + region.half_axes), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(region.half_mm, (12, 9, 4.5))
    assert region.contains(CENTRE) and region.contains(CENTRE + 0.99 * region.half_axes).all()
    assert not region.contains(CENTRE + 1.01 * region.half_axes).any()
    assert not region.contains(CENTRE + 0.8 * (region.half_axes[0] + region.half_axes[1]))  # a corner of its box


@pytest.mark.parametrize("height", [-1.0, 0.0, 1.0])
def test_outline_is_its_ellipse_at_a_height(height):
    region = leaning()
    x, y, z = region.local(region.outline(height)).T
    np.testing.assert_allclose(np.hypot(x, y), 1, atol=1e-9)
    np.testing.assert_allclose(z, height, atol=1e-9)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("spacing", [(0.7, 0.7, 1.25), (2.0, 2.2, 3.0), (0.9, 0.8, 8.0)])
def test_shares_add_up_to_its_volume_and_its_centre_on_any_grid(orientation, spacing):
    grid = grid_of(orientation, size=(80, 80, 60), spacing=spacing)
    region = leaning()
    ranges, shares = region.shares(grid)
    assert shares.min() >= 0 and shares.max() <= 1
    assert shares.sum() * grid.voxel_volume == pytest.approx(region.volume_mm3, rel=0.01)
    index = np.stack(np.meshgrid(*(np.arange(r.start, r.stop) for r in ranges), indexing="ij"), axis=-1)
    centre = (grid.ras_of(index) * shares[..., None]).sum(axis=(0, 1, 2)) / shares.sum()
    np.testing.assert_allclose(centre, CENTRE, atol=0.05)


def test_what_lies_outside_the_scan_has_no_share():
    grid = grid_of("straight", size=(80, 80, 60), spacing=(1.0, 1.0, 1.0))
    cut = grid.cropped((0, 0, 0), (80, 80, int(grid.index_of(CENTRE)[2] + 0.5)))
    _, shares = Region(CENTRE, np.diag([12.0, 9.0, 4.5])).shares(cut)
    half = Region(CENTRE, np.diag([12.0, 9.0, 4.5])).volume_mm3 / 2
    assert shares.sum() == pytest.approx(half, rel=0.15)
    _, none = Region(CENTRE + 500, np.diag([12.0, 9.0, 4.5])).shares(cut)
    assert none.size >= 1 and not none.any()


@pytest.mark.parametrize(
    "axes",
    [np.eye(2), np.diag([1.0, 1.0, 0.0]), [[1, 0, 0], [1, 1, 0], [0, 0, 1]], np.full((3, 3), np.nan)],
    ids=["shape", "flat", "oblique", "unknown"],
)
def test_half_axes_that_span_no_cylinder_are_refused(axes):
    with pytest.raises(ValueError, match="half axes"):
        Region(CENTRE, np.array(axes, float))
