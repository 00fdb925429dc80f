"""What localizer and AnatomyNet are fitted on: picture, box and masks belong together, before and after each
augmentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from example_results import BODIES, RADII_MM, grid_of, synthetic_bodies

pytest.importorskip("lightning", reason="fitting needs the training extra")
pytest.importorskip("monai", reason="fitting needs the training extra")

import torch
from scipy import ndimage
from torchvision.ops import box_iou

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.box import MARGIN_MM, box_ras
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.stages.projection import Projection
from OpportunisticBMDLib.system.files import PART_PREFIX
from OpportunisticBMDTraining.fit.samples.prepare import (
    CROP_SIZE,
    Sample,
    labels_of,
    load_samples,
    negative_of,
    sample_of,
    shares_of,
)
from OpportunisticBMDTraining.fit.tasks import localizer, segmentation

CENTRE_RAS = np.array([12.0, -34.0, 150.0])
BMD = {"T12": 150.0, "L1": 120.0, "L2": 90.0}
ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")


def centres_of(grid: Grid) -> np.ndarray:
    """(I, J, K, 3) RAS mm."""
    return grid.ras_of(np.moveaxis(np.indices(grid.size), 0, -1))


def blocks_sample() -> Sample:
    """Three blocks of bone of known density left of the middle, in tissue of 50 mg/cm3, with bright projections."""
    grid = Grid.axis_aligned((60, 56, 80), (1.5, 1.5, 1.5), CENTRE_RAS)
    labels = np.zeros(grid.size, np.uint8)
    density = np.full(grid.size, 50.0)
    for first, name in zip((52, 31, 10), VERTEBRAE):
        labels[12:36, 20:38, first : first + 16] = LABELS[name]
        density[9:39, 17:41, first - 2 : first + 18] = BMD[name]
    masks = Volume(labels, grid)
    box = box_ras(masks)
    pixels = np.full((300, 220), 0.0, np.float32)
    projection = Projection(pixels, (CENTRE_RAS[0] - 110.0, CENTRE_RAS[2] - 150.0), 1.0)
    x0, y0, x1, y1 = (projection.to_pixels(*box[[0, 2]]) - projection.padding).round().astype(int)
    pixels[y0:y1, x0:x1] = 800.0
    ct = Volume(line_for(120).hu(density).astype(np.float32), grid)
    return Sample("blocks", ct, shares_of(masks, grid), (projection, projection), (box[[0, 2]], box[[0, 2]]))


@pytest.fixture(scope="module")
def blocks() -> Sample:
    return blocks_sample()


@pytest.fixture(scope="module", params=ORIENTATIONS)
def patient(request) -> Sample:
    ct, segmentation = synthetic_bodies(grid_of(request.param))
    return sample_of("patient-7", ct.volume, segmentation.labels)


# Samples


def bright_box(projection: Projection, above_hu: float) -> np.ndarray:
    """(2, 2) mm around everything brighter than a level."""
    rows, columns = np.nonzero(projection.pixels > above_hu)
    edges = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) + projection.padding
    return projection.to_mm(edges)


def test_sample_holds_ct_and_masks_around_the_bodies(patient):
    assert patient.ct.grid.is_close(patient.labels.grid)
    assert patient.ct.grid.size == CROP_SIZE
    np.testing.assert_allclose(patient.ct.grid.affine[:3, :3], np.eye(3) * 1.5)
    for name, label in LABELS.items():
        index = np.argwhere(patient.labels.array == label)
        np.testing.assert_allclose(patient.ct.grid.ras_of(index.mean(axis=0)), CENTRE_RAS + BODIES[name], atol=0.6)
        volume = len(index) * patient.labels.grid.voxel_volume
        assert volume == pytest.approx(4 / 3 * np.pi * np.prod(RADII_MM), rel=0.08)
        deep = np.linalg.norm((centres_of(patient.ct.grid) - CENTRE_RAS - BODIES[name]) / RADII_MM, axis=-1) < 0.5
        np.testing.assert_allclose(patient.ct.array[deep], 150.0, atol=1.0)


def test_boxes_of_a_sample_lie_around_its_masks(patient):
    box = box_ras(patient.labels)
    np.testing.assert_allclose(patient.boxes[0], box[[0, 2]], atol=2.5)
    for side in patient.boxes[1:]:
        np.testing.assert_allclose(side, box[[1, 2]], atol=2.5)


def test_boxes_of_a_sample_lie_around_the_bodies_in_its_projections(patient):
    assert len(patient.projections) == len(patient.boxes) == 4
    for view, (projection, box) in enumerate(zip(patient.projections, patient.boxes)):
        radii = np.array(RADII_MM)[[0 if view == 0 else 1, 2]]
        # The cortex is a tenth of the radius thick; the margin is wider.
        inset = (MARGIN_MM - 0.1 * radii)[:, None] * (1, -1)
        np.testing.assert_allclose(bright_box(projection, 260.0), box + inset, atol=2.5)


def test_sample_comes_back_from_its_file(patient, tmp_path):
    patient.save(tmp_path / "patient-7.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["patient-7.npz"]
    back = Sample.load(tmp_path / "patient-7.npz")
    assert back.name == "patient-7"
    assert back.ct.grid.is_close(patient.ct.grid)
    np.testing.assert_allclose(back.ct.array, patient.ct.array, atol=0.5)
    np.testing.assert_array_equal(back.labels.array, patient.labels.array)
    assert len(back.projections) == len(patient.projections)
    for found, expected in zip(back.projections, patient.projections):
        assert found.corner_mm == pytest.approx(expected.corner_mm)
        assert found.spacing_mm == expected.spacing_mm
        np.testing.assert_allclose(found.pixels, expected.pixels, atol=0.5)
    np.testing.assert_allclose(back.boxes, patient.boxes)


def test_file_with_a_pickle_is_not_loaded(blocks, tmp_path):
    blocks.save(tmp_path / "blocks.npz")
    with np.load(tmp_path / "blocks.npz") as stored:
        arrays = dict(stored)
    assert not any(array.dtype.hasobject for array in arrays.values())
    np.savez(tmp_path / "blocks.npz", **{**arrays, "boxes": np.array([{}, None, 1], dtype=object)})
    with pytest.raises(ValueError, match="allow_pickle"):
        Sample.load(tmp_path / "blocks.npz")


def test_folder_is_loaded_by_name_without_unfinished_files(blocks, tmp_path):
    for name in ("virtual-2", "abdomen", "virtual-1"):
        blocks.save(tmp_path / f"{name}.npz")
    (tmp_path / f"{PART_PREFIX}killed").mkdir()
    (tmp_path / f"{PART_PREFIX}killed" / "virtual-3.npz").write_bytes(b"half a file")
    assert [sample.name for sample in load_samples(tmp_path)] == ["abdomen", "virtual-1", "virtual-2"]


# Segmentation


@pytest.mark.parametrize("seed", range(6))
def test_masks_follow_the_bone_through_bending_turning_and_stretching(seed, monkeypatch):
    monkeypatch.setattr(segmentation, "CUT", 0.0)
    sample = blocks_sample()
    # Contrast beyond any noise, so that the bone itself is seen after the augmentation.
    vivid = replace(sample, ct=Volume(np.where(sample.labels.array > 0, 2000.0, AIR_HU), sample.ct.grid))
    example = segmentation.augmented(vivid, np.random.default_rng(seed))
    hu = example.ct.array
    assert hu.dtype == np.float32
    bone, mask = hu > (hu.min() + hu.max()) / 2, labels_of(example.shares) > 0
    assert mask.any()
    assert 2 * (bone & mask).sum() / (bone.sum() + mask.sum()) > 0.9


def test_mirrored_patients_keep_the_order_of_their_vertebrae(blocks):
    for seed in range(4):
        labels = labels_of(segmentation.augmented(blocks, np.random.default_rng(seed)).shares)
        heights = [np.argwhere(labels == label)[:, 2].mean() for label in LABELS.values()]
        assert heights == sorted(heights, reverse=True)


def test_other_density_changes_each_vertebra_by_one_amount_up_to_its_cortex(blocks):
    before, shares = blocks.ct.array, blocks.shares / np.float32(255)
    change = segmentation.with_other_density(before, shares, np.random.default_rng(3)) - before
    labels = blocks.labels.array
    means = [change[labels == label].mean() for label in LABELS.values()]
    for label, mean in zip(LABELS.values(), means):
        around = ndimage.binary_dilation(labels == label)
        np.testing.assert_allclose(change[around], mean, atol=1e-3)
    assert min(abs(np.diff(means))) > 0.1
    assert not change[~ndimage.binary_dilation(labels > 0, np.ones((3, 3, 3)))].any()


def test_thick_slices_blur_heights_alone_and_move_neither_bone_nor_masks(blocks):
    example = segmentation.plain(sample_of_size(blocks))
    heights = np.arange(segmentation.SIZE[2], dtype=np.float32)
    ramp = np.broadcast_to(heights, segmentation.SIZE)
    for seed in range(8):
        ct, shares = segmentation.in_thick_slices(ramp, example.shares, np.random.default_rng(seed))
        inner = slice(8, -8)  # beyond the last slice's middle there is nothing to interpolate between
        np.testing.assert_allclose(ct[..., inner], ramp[..., inner], atol=0.35)
        assert ct.dtype == shares.dtype == np.float32
        assert shares.min() >= 0 and shares.sum(axis=0).max() <= 1 + 1e-6
        for thick, thin in zip(shares, example.shares, strict=True):
            for axis in range(3):
                places = np.arange(thick.shape[axis])
                others = tuple(a for a in range(3) if a != axis)
                middles = [np.average(places, weights=shape.sum(axis=others)) for shape in (thick, thin)]
                assert abs(middles[0] - middles[1]) < 2.1  # voxels; half of the thickest slice


def test_loss_of_the_edges_is_least_where_each_class_has_its_share():
    target = torch.rand(1, 4, 3, 3, 3)
    target /= target.sum(dim=1, keepdim=True)
    logits = target.log().requires_grad_()
    segmentation.entropy(logits, target).backward()
    assert logits.grad.abs().max() < 1e-7
    logits.grad = None
    segmentation.dice_and_entropy(logits, target).backward()
    assert logits.grad.abs().max() > 1e-5


def test_scan_that_ends_within_the_box_shows_neither_bone_nor_mask_beyond(blocks):
    example = segmentation.plain(sample_of_size(blocks))
    whole = np.zeros_like(example.ct.array)
    for seed in range(8):
        ct, shares = segmentation.cut_off(whole, example.shares, np.random.default_rng(seed))
        cut = (ct == AIR_HU).all(axis=(0, 1))
        assert 4 <= cut.sum() < 28 and cut[0] != cut[-1]
        assert not shares[..., cut].any()
        np.testing.assert_array_equal(shares[..., ~cut], example.shares[..., ~cut])
        assert not ct[..., ~cut].any()


def sample_of_size(sample: Sample) -> Sample:
    """The sample on a grid of the size that `prepare` writes."""
    crop = Grid.axis_aligned(CROP_SIZE, (1.5,) * 3, CENTRE_RAS)
    return replace(sample, ct=sample.ct.resampled(crop), shares=shares_of(sample.labels, crop))


def test_network_sees_ct_masks_and_height_at_the_same_voxel(blocks):
    grid = Grid.axis_aligned(CROP_SIZE, (1.5,) * 3, CENTRE_RAS)
    hu, shares = np.full(grid.size, AIR_HU, np.float32), np.zeros((3, *grid.size), np.uint8)
    voxel = np.array([50, 40, 80])
    hu[tuple(voxel)], shares[1][tuple(voxel)] = 300.0, 255
    example = segmentation.plain(replace(blocks, ct=Volume(hu, grid), shares=shares))
    image, target = example.tensors()
    assert image.shape == (2, *segmentation.SIZE)
    assert target.shape == (4, *segmentation.SIZE)
    np.testing.assert_allclose(target.sum(dim=0), 1)
    (index,) = np.argwhere(target[2].numpy())
    np.testing.assert_allclose(example.ct.grid.ras_of(index), grid.ras_of(voxel))
    assert image[0][tuple(index)] == pytest.approx((300 + 250) / 1000)
    assert (image[0] > 0).sum() == 1
    assert image[1][tuple(index)] == pytest.approx(0, abs=1e-4), "the one voxel is the middle of its box"


def test_masks_may_fill_a_part_of_a_voxel(patient):
    volumes = [share.sum() / 255 * patient.ct.grid.voxel_volume for share in patient.shares]
    np.testing.assert_allclose(volumes, 4 / 3 * np.pi * np.prod(RADII_MM), rtol=0.05)
    assert ((patient.shares > 50) & (patient.shares < 200)).any()


def test_segmentation_batch_holds_three_vertebrae_inside_the_box(blocks, monkeypatch):
    monkeypatch.setattr(segmentation, "CUT", 0.0)
    monkeypatch.setattr(segmentation, "SHIFT_SD_MM", 0.0)
    task = segmentation.SegmentationTask([], [blocks], [])
    image, target = task.batch(np.random.default_rng(4))
    assert image.shape == (1, 2, *segmentation.SIZE)
    assert target.shape == (1, 4, *segmentation.SIZE)
    labels = target.argmax(dim=1)
    assert set(labels.unique().tolist()) == {0, 1, 2, 3}
    height = image[0, 1][labels[0] > 0]
    # The box reaches 5 mm beyond the bodies; without a shift, its edges are off by 4 mm at most.
    assert -1 < height.min() < -0.7 and 0.7 < height.max() < 1


# Localizer


def test_picture_and_box_are_in_the_same_pixels(blocks):
    picture, box = localizer.picture_of(blocks.projections[0], blocks.boxes[0])
    assert box.shape == (1, 4)
    rows, columns = np.nonzero(picture[0].numpy() > 0.5)
    bright = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(box[0], bright, atol=0.51)


def test_shortened_scan_shows_the_same_patient_at_the_same_height(blocks):
    projection, box = blocks.projections[0], blocks.boxes[0]
    rows = np.arange(300, dtype=np.float32)
    numbered = Projection(np.broadcast_to(rows[:, None], (300, 220)), projection.corner_mm, projection.spacing_mm)
    heights, cut_below, cut_above = set(), [], []
    for seed in range(300):
        short = localizer.shortened(numbered, box, np.random.default_rng(seed))
        first = short.pixels[0, 0]
        np.testing.assert_array_equal(short.pixels[:, 0], first + np.arange(len(short.pixels)))
        assert short.corner_mm == pytest.approx((numbered.corner_mm[0], numbered.corner_mm[1] + first))
        assert len(short.pixels) >= 20
        heights.add(len(short.pixels))
        bottom, top = short.corner_mm[1], short.corner_mm[1] + len(short.pixels)
        cut_below.append(bottom - box[1, 0])
        cut_above.append(box[1, 1] - top)
    assert len(heights) > 50
    for cut in (cut_below, cut_above):
        assert 0 < np.mean(np.array(cut) > 0) < 0.3, "mostly around the box, sometimes through it"
        assert max(cut) <= 76


def test_visible_share_of_a_box():
    projection = Projection(np.zeros((100, 50), np.float32), (0.0, 0.0), 1.0)
    for low, high, share in ((10, 60, 1.0), (-50, 50, 0.5), (80, 120, 0.5), (-100, 300, 0.25), (150, 200, 0.0)):
        assert localizer.visible_share(projection, np.array([[0, 50], [low, high]])) == pytest.approx(share)


def test_box_stays_around_the_bodies_through_every_augmentation(blocks):
    torch.manual_seed(0)
    task = localizer.LocalizerTask([], [blocks], [], batch_size=16)
    overlaps = []
    for picture, target in task.batch(np.random.default_rng(0)):
        assert picture.min() >= 0 and picture.max() <= 1
        assert target["labels"].tolist() == [1]
        columns, rows = (np.nonzero((picture[0] > 0.4).any(dim=axis).numpy())[0] for axis in (0, 1))
        bright = torch.tensor([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]])
        overlaps.append(box_iou(bright.float(), target["boxes"]).item())
    # A scan that begins or ends inside the box shows only a part of it.
    assert np.median(overlaps) > 0.9
    assert min(overlaps) > 0.4


def test_scan_that_shows_less_than_half_of_the_box_has_none(blocks):
    torch.manual_seed(0)
    # 60 of its 97 mm lie below the scan's first slice.
    below = blocks.boxes[0] + [[0.0], [-160.0]]
    lacking = replace(blocks, boxes=(below, below))
    task = localizer.LocalizerTask([], [lacking], [], batch_size=8)
    for _, target in task.batch(np.random.default_rng(0)):
        assert target["boxes"].shape == (0, 4)
        assert target["labels"].shape == (0,)


def test_negative_has_nothing_to_find(blocks, tmp_path):
    negative = negative_of("negative", blocks.ct)
    assert blocks.shows_all and not negative.shows_all
    negative.save(tmp_path / "negative.npz")
    negative = Sample.load(tmp_path / "negative.npz")
    task = localizer.LocalizerTask(real=[], virtual=[negative], held_out=[])
    pictures = task.batch(np.random.default_rng(0))
    assert all(target["boxes"].shape == (0, 4) for _, target in pictures)
    assert max(picture.max() for picture, _ in pictures) > 0.3
    assert segmentation.SegmentationTask(real=[negative, blocks], virtual=[], held_out=[]).real == [blocks]
