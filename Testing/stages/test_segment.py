"""Labels land on the right voxels of the CT's own grid, one whole body for each vertebra.

Where AnatomyNet stands, a network calls everything dense bone, and names it after the height channel: what is tested
is the way from the CT to the network's input and back, without a trained model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from example_results import BODIES, RADII_MM, synthetic_bodies
from grids import GRIDS, every_grid
from OpportunisticBMDLib.core.box import Box, tightened
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.stages.segment import LEAST_VOLUME_MM3, Look, Segmenter, segmentation_input

CENTRE_RAS = np.array([12.0, -34.0, 150.0])
WINDOW = {"low_hu": -250.0, "high_hu": 750.0}
CARD = ModelCard(
    stage="segmentation",
    name="dense-is-bone",
    version="1",
    architecture={"name": "AnatomyNet", "parameters": {}},
    grid={"spacing_mm": [1.5] * 3, "size": [56, 60, 88]},
    window=WINDOW,
    outputs={"classes": ["background", *VERTEBRAE]},
    training={},
    figures={},
    licence="Apache-2.0",
    intended_use="Tests.",
)


class DenseIsBone:
    """(N, 2, I, J, K) -> (N, 4, I, J, K): denser than a level is bone, of the vertebra whose height is nearest."""

    def __init__(self, heights: tuple[float, float, float], level_hu: float = 95.0, sharpness: float = 60.0) -> None:
        self.level = (level_hu + 250.0) / 1000.0
        self.heights, self.sharpness = heights, sharpness
        self.looks = 0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        self.looks += 1
        grey, height = image[:, 0], image[:, 1]
        bone = self.sharpness * (grey - self.level)
        return softmax(np.stack([-bone, *(bone - 20 * abs(height - h) for h in self.heights)], axis=1), axis=1)


def bodies_box() -> Box:
    """Around the three ellipsoids with their cortex."""
    centres = np.array(list(BODIES.values())) + CENTRE_RAS
    half = 1.1 * np.array(RADII_MM)
    return Box(np.stack((centres.min(axis=0) - half, centres.max(axis=0) + half), axis=1), 0.9)


def segmenter(**changes: float) -> Segmenter:
    box = bodies_box()
    heights = [(z + CENTRE_RAS[2] - box.centre_ras[2]) / (np.ptp(box.ras_mm[2]) / 2) for _, _, z in BODIES.values()]
    return Segmenter(DenseIsBone(tuple(heights), **changes), CARD)


def patient_grid(orientation: Grid, length_mm: float = 110.0) -> Grid:
    """A field of view around the synthetic patient, with another grid's axes and (nearly) its voxels."""
    axes = orientation.affine[:3, :3] / orientation.spacing
    spacing = np.maximum(orientation.spacing, 1.4)
    size = np.ceil(length_mm / spacing).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = CENTRE_RAS - affine[:3, :3] @ ((size - 1) / 2)
    return Grid(tuple(size), affine)


def centres_of(grid: Grid) -> np.ndarray:
    """(I, J, K, 3) RAS mm."""
    return grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))


def body_of(name: str, grid: Grid, grown_mm: float = 0.0) -> np.ndarray:
    """The voxels of a body with its cortex, its radii changed by some millimetres."""
    distance = (centres_of(grid) - CENTRE_RAS - BODIES[name]) / (1.1 * np.array(RADII_MM) + grown_mm)
    return np.linalg.norm(distance, axis=-1) < 1


@every_grid
def test_each_body_gets_its_label_on_any_grid(grid):
    ct = synthetic_bodies(patient_grid(grid))[0].volume
    segmentation = segmenter()(ct, bodies_box())
    labels = segmentation.labels
    assert labels.grid.is_close(ct.grid)
    assert labels.array.dtype == np.uint8
    margin = 1.0 + ct.grid.spacing.max() / 2
    for name, label in LABELS.items():
        assert (labels.array[body_of(name, ct.grid, -margin)] == label).all()
        assert body_of(name, ct.grid, margin)[labels.array == label].all()
        centroid = ct.grid.ras_of(np.argwhere(labels.array == label).mean(axis=0))
        # Half a voxel of the network's grid would be 0.75 mm.
        np.testing.assert_allclose(centroid, CENTRE_RAS + BODIES[name], atol=0.4 + 0.1 * ct.grid.spacing.max())
        assert 0.85 < segmentation.confidence[name] <= 1


def test_network_sees_the_windowed_ct_and_the_height_in_the_box():
    crop = Grid.axis_aligned((4, 5, 9), (1.5, 1.5, 10.0), (0.0, 0.0, 200.0))
    hu = np.linspace(-1024, 2000, 180, dtype=np.float32).reshape(4, 5, 9)
    image = segmentation_input(Volume(hu, crop), np.array([180.0, 220.0]), WINDOW)
    assert image.shape == (2, 4, 5, 9)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[0], np.clip((hu + 250) / 1000, 0, 1), atol=1e-6)
    np.testing.assert_allclose(image[1, 0, 0], [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2])
    assert (image[1] == image[1, :1, :1]).all()


@every_grid
def test_nothing_is_lost_by_minding_only_the_part_that_may_hold_bodies(grid, monkeypatch):
    ct = synthetic_bodies(patient_grid(grid))[0].volume
    found = segmenter(sharpness=6.0)(ct, bodies_box())
    monkeypatch.setattr(Look, "part_of", lambda look, grid: tuple(slice(0, n) for n in grid.size))
    expected = segmenter(sharpness=6.0)(ct, bodies_box())
    np.testing.assert_array_equal(found.labels.array, expected.labels.array)
    assert found.confidence == pytest.approx(expected.confidence, abs=1e-5)


@pytest.mark.parametrize(("off_mm", "looks"), [(0.0, 2), (1.0, 2), (-8.0, 3), (8.0, 3)])
def test_a_box_settles_by_one_look_and_one_more_is_taken_where_it_has(off_mm, looks):
    ct = synthetic_bodies(patient_grid(GRIDS["canonical"]))[0].volume
    tight = tightened(bodies_box(), segmenter()(ct, bodies_box()))
    one = segmenter()
    box, segmentation = one.settled(ct, replace(tight, ras_mm=tight.ras_mm + [[0], [0], [off_mm]]))
    assert one.network.looks == looks
    np.testing.assert_allclose(box.ras_mm[2], tight.ras_mm[2], atol=2.0)
    assert box.score == tight.score
    expected = segmenter()(ct, box)
    np.testing.assert_array_equal(segmentation.labels.array, expected.labels.array)
    assert segmentation.confidence == expected.confidence


def test_a_box_whose_bodies_reach_the_end_of_the_scan_stays():
    """Their whole extent is not known."""
    whole = synthetic_bodies(patient_grid(GRIDS["canonical"]))[0].volume
    floor = int(np.round(whole.grid.index_of(CENTRE_RAS + BODIES["L2"])[2]))
    size = (*whole.grid.size[:2], whole.grid.size[2] - floor)
    cut = Volume(whole.array[:, :, floor:], whole.grid.cropped((0, 0, floor), size))
    off = replace(bodies_box(), ras_mm=bodies_box().ras_mm + [[0], [0], [6]])
    box, segmentation = segmenter().settled(cut, off)
    assert box is off and (segmentation.labels.array[:, :, 0] == LABELS["L2"]).any()


def test_hole_in_a_body_is_filled():
    ct = synthetic_bodies(patient_grid(GRIDS["canonical"]))[0].volume
    pocket = np.linalg.norm(centres_of(ct.grid) - CENTRE_RAS - BODIES["L1"], axis=-1) < 4
    hollow = Volume(np.where(pocket, -50, ct.array), ct.grid)
    labels = segmenter()(hollow, bodies_box()).labels.array
    assert pocket.sum() > 20
    assert (labels[pocket] == LABELS["L1"]).all()


def test_bone_apart_from_the_body_is_dropped():
    ct = synthetic_bodies(patient_grid(GRIDS["oblique"]))[0].volume
    # Behind the body, as a spinous process is.
    process = np.linalg.norm(centres_of(ct.grid) - CENTRE_RAS - BODIES["L1"] - (0, -26, 0), axis=-1) < 5
    labels = segmenter()(Volume(np.where(process, 600, ct.array), ct.grid), bodies_box()).labels.array
    assert process.sum() > 20
    assert not labels[process].any()
    assert (labels == LABELS["L1"]).any()


def test_speck_is_no_vertebra():
    ct = synthetic_bodies(patient_grid(GRIDS["canonical"]))[0].volume
    bone = body_of("T12", ct.grid, grown_mm=1.5)
    speck = np.linalg.norm(centres_of(ct.grid) - CENTRE_RAS - BODIES["T12"], axis=-1) < 5
    assert 0 < speck.sum() * ct.grid.voxel_volume < LEAST_VOLUME_MM3
    hu = np.where(speck, 300, np.where(bone, 40, ct.array))
    segmentation = segmenter()(Volume(hu, ct.grid), bodies_box())
    assert set(np.unique(segmentation.labels.array)) == {0, LABELS["L1"], LABELS["L2"]}
    assert set(segmentation.confidence) == {"L1", "L2"}


def test_confidence_is_the_mean_probability_of_the_labelled_voxels():
    ct = synthetic_bodies(patient_grid(GRIDS["canonical"]))[0].volume
    sure, unsure = (segmenter(sharpness=s)(ct, bodies_box()).confidence["L1"] for s in (60.0, 6.0))
    # At 150 HU the unsure network gives bone the odds exp(2 x 6 x 0.055), at the cortex more.
    assert 0.6 < unsure < 0.85 < 0.9 < sure


def test_scan_that_cuts_the_box_keeps_what_it_shows():
    """The field of view ends inside L2: T12 and L1 are whole, of L2 the upper part is labelled."""
    whole = synthetic_bodies(patient_grid(GRIDS["canonical"]))[0].volume
    floor = int(np.round(whole.grid.index_of(CENTRE_RAS + BODIES["L2"])[2]))
    size = (*whole.grid.size[:2], whole.grid.size[2] - floor)
    cut = Volume(whole.array[:, :, floor:], whole.grid.cropped((0, 0, floor), size))
    labels = segmenter()(cut, bodies_box()).labels.array
    expected = segmenter()(whole, bodies_box()).labels.array[:, :, floor:]
    assert labels.shape == size
    # The outermost slice has only air below it.
    np.testing.assert_array_equal(labels[:, :, 2:], expected[:, :, 2:])
    assert (labels[:, :, 1] == LABELS["L2"]).any()


def test_scan_larger_than_the_crop_is_labelled_only_around_the_box():
    grid = patient_grid(GRIDS["head first"], length_mm=200.0)
    ct = synthetic_bodies(grid)[0].volume
    far = np.linalg.norm(centres_of(grid) - CENTRE_RAS - (60, 0, 0), axis=-1) < 12
    labels = segmenter()(Volume(np.where(far, 400, ct.array), grid), bodies_box()).labels.array
    assert far.any()
    assert not labels[far].any()
    assert set(np.unique(labels)) == {0, 1, 2, 3}


def test_box_beside_the_scan_gives_no_labels():
    ct = synthetic_bodies(patient_grid(GRIDS["oblique"]))[0].volume
    away = replace(bodies_box(), ras_mm=bodies_box().ras_mm + 400.0)
    segmentation = segmenter()(ct, away)
    assert segmentation.labels.array.shape == ct.grid.size
    assert not segmentation.labels.array.any()
    assert segmentation.confidence == {}
