"""Cancellous bone of the bodies: on a vertebra of known shape, and on the real labelled CTs."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.cancellous import CORTEX_MM, body_labels, cancellous_labels
from OpportunisticBMDTraining.public_cts import labelled_ct

NUMBERS = {"L1": 31}
HALF_WIDTH, HALF_DEPTH, HALF_HEIGHT = 22.0, 16.0, 13.0
CANAL_Y = -HALF_DEPTH - 8.0


def vertebra(spacing=(1.0, 1.0, 1.0), tilt_degrees=0.0) -> tuple[Volume, Volume]:
    """An elliptic body with two pedicles and an arch behind it, and its canal; tilted about the left-right axis."""
    extent = np.array([90.0, 110.0, 70.0])
    grid = Grid.axis_aligned(np.round(extent / spacing).astype(int), spacing, (0, -10, 0))
    right, front, up = np.moveaxis(grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1)), -1, 0)
    angle = np.deg2rad(tilt_degrees)
    front, up = np.cos(angle) * front + np.sin(angle) * up, np.cos(angle) * up - np.sin(angle) * front
    height = np.abs(up) < HALF_HEIGHT
    body = ((right / HALF_WIDTH) ** 2 + (front / HALF_DEPTH) ** 2 < 1) & height
    pedicles = (np.abs(np.abs(right) - 12) < 4) & (front < -5) & (front > CANAL_Y - 8) & (np.abs(up) < 7)
    arch = (np.abs(right) < 30) & (np.abs(front - CANAL_Y + 12) < 4) & (np.abs(up) < 9)
    canal = right**2 + (front - CANAL_Y) ** 2 < 7**2
    whole = (body | pedicles | arch) & ~canal
    return Volume(whole.astype(np.uint8) * 31, grid), Volume(canal, grid)


def ellipse_volume(margin: float) -> float:
    """mm3 of the body above, thinned by `margin` mm all round."""
    return np.pi * (HALF_WIDTH - margin) * (HALF_DEPTH - margin) * 2 * (HALF_HEIGHT - margin)


def volume_mm3(labels: Volume, name: str = "L1") -> float:
    return float((labels.array == LABELS[name]).sum() * labels.grid.voxel_volume)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 2.5), (2.0, 2.0, 2.0)])
@pytest.mark.parametrize("tilt", [0.0, 25.0])
def test_volume_is_that_of_the_body_without_arch_and_cortex(spacing, tilt):
    whole, canal = vertebra(spacing, tilt)
    assert volume_mm3(body_labels(whole, NUMBERS, canal)) == pytest.approx(ellipse_volume(0), rel=0.12)
    inner = cancellous_labels(whole, NUMBERS, canal)
    assert volume_mm3(inner) == pytest.approx(ellipse_volume(CORTEX_MM), rel=0.12)
    assert inner.grid.is_close(whole.grid) and inner.array.dtype == np.uint8


@pytest.mark.parametrize("tilt", [0.0, 25.0])
def test_nothing_reaches_as_far_back_as_the_canal(tilt):
    whole, canal = vertebra(tilt_degrees=tilt)
    labels = cancellous_labels(whole, NUMBERS, canal)
    points = labels.grid.ras_of(np.argwhere(labels.array))
    angle = np.deg2rad(tilt)
    front = np.cos(angle) * points[:, 1] + np.sin(angle) * points[:, 2]
    assert front.min() > CANAL_Y + 7  # the canal's radius


def test_flipped_and_left_handed_grids_give_the_same_bone():
    whole, canal = vertebra()
    expected = cancellous_labels(whole, NUMBERS, canal)
    affine = whole.grid.affine.copy()
    affine[:3, 3] = whole.grid.ras_of((0, whole.grid.size[1] - 1, 0))
    affine[:3, 1] *= -1
    flipped = Grid(whole.grid.size, affine)
    turned = cancellous_labels(Volume(whole.array[:, ::-1], flipped), NUMBERS, Volume(canal.array[:, ::-1], flipped))
    assert np.array_equal(turned.array[:, ::-1], expected.array)


def test_bone_cut_by_the_edge_of_the_volume_reaches_that_edge():
    whole, canal = vertebra()
    top = whole.grid.size[2] // 2 + 4
    grid = whole.grid.cropped((0, 0, 0), (*whole.grid.size[:2], top))
    labels = cancellous_labels(Volume(whole.array[:, :, :top], grid), NUMBERS, Volume(canal.array[:, :, :top], grid))
    assert labels.array[:, :, -1].sum() > 500


def test_thick_bright_cortex_is_left_out_where_the_ct_shows_it():
    whole, canal = vertebra()
    body = body_labels(whole, NUMBERS, canal)
    thin = cancellous_labels(whole, NUMBERS, canal)
    centre = vertebra()[0].grid.index_of((0, 0, 0)).round().astype(int)
    hu = np.where(body.array > 0, 150.0, 40.0) + np.random.default_rng(0).normal(0, 20, body.array.shape)
    top = thin.array[centre[0], centre[1]].nonzero()[0].max()
    hu[:, :, top:][body.array[:, :, top:] > 0] = 600
    labels = cancellous_labels(whole, NUMBERS, canal, Volume(hu.astype(np.float32), whole.grid))
    assert hu[labels.array > 0].max() < 300
    assert volume_mm3(labels) > 0.7 * volume_mm3(thin)


def test_a_vertebra_without_a_canal_behind_it_is_an_error():
    whole, canal = vertebra()
    with pytest.raises(ValueError, match="not labelled at L1"):
        cancellous_labels(whole, NUMBERS, Volume(np.zeros_like(canal.array), canal.grid))


def test_grids_have_to_agree():
    whole, canal = vertebra()
    moved = Volume(canal.array, canal.grid.cropped((1, 0, 0), canal.grid.size))
    with pytest.raises(ValueError, match="same grid"):
        cancellous_labels(whole, NUMBERS, moved)


@pytest.fixture(scope="module", params=["abdomen-native", "chest-contrast"])
def real(request, real_ct):
    real_ct(request.param)
    return labelled_ct(request.param)


def test_real_bodies_have_plausible_volume_order_and_density(real):
    ct, labels = real
    heights = []
    for name in VERTEBRAE:
        mask = labels.array == LABELS[name]
        hu = ct.array[mask]
        assert 5_000 < mask.sum() * labels.grid.voxel_volume < 40_000
        assert 40 < hu.mean() < 250
        assert (hu > 400).mean() < 0.02  # cortex
        assert (hu < -100).mean() < 0.01  # fat beside the bone
        heights.append(labels.grid.ras_of(np.argwhere(mask)).mean(axis=0)[2])
    assert 20 < heights[0] - heights[1] < 45 and 20 < heights[1] - heights[2] < 45
