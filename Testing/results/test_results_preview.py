"""The picture looks the same way up whatever way the voxels are stored."""

from __future__ import annotations

import io
import re
import time
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import SimpleITK as sitk

from example_results import (
    BODIES,
    EXAMPLES,
    acquisition,
    box_of,
    former,
    grid_of,
    normal,
    refused,
    region_of,
    review,
    synthetic_bodies,
)
from example_trust import header_contradicted, levels_unsure
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.preview import as_png, coronal_projection, draw_preview
from OpportunisticBMDLib.results.trust_words import trust_line

SHOWN = {**EXAMPLES, **{make.__name__: make for make in (header_contradicted, levels_unsure)}}
ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")
REAL = Path(__file__).parents[3] / "shared" / "data" / "chest-contrast"


def pictures(figure) -> list:
    return [axes for axes in figure.axes if axes.images]


def outlines(axes) -> list[np.ndarray]:
    """The vertices of each contour, in the order in which they were drawn."""
    return [np.concatenate([path.vertices for path in lines.get_paths()]) for lines in axes.collections]


def words(figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def shown_at(axes, across: float, up: float) -> float:
    """The HU that the picture shows at a place in mm, by the axes that the reader sees."""
    image = axes.images[0]
    left, right, bottom, top = image.get_extent()
    rows, columns = image.get_array().shape
    row, column = int((up - bottom) / (top - bottom) * rows), int((across - left) / (right - left) * columns)
    return float(image.get_array()[row, column])


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_projection_finds_bone_where_it_is(orientation):
    ct, _ = synthetic_bodies(grid_of(orientation))
    sheet = coronal_projection(ct.volume)
    assert np.allclose(sheet.grid.affine[:3, :3], np.diag(sheet.grid.spacing)) and sheet.grid.size[1] == 1
    bone = sheet.grid.ras_of(np.argwhere(sheet.array > 140))[:, [0, 2]]
    expected = np.array(list(BODIES.values()))[:, [0, 2]] + (12, 150)
    assert np.allclose(bone.mean(axis=0), expected.mean(axis=0), atol=1.0)
    for place in expected:
        assert np.linalg.norm(bone - place, axis=1).min() < 2.5


def test_the_projection_of_a_straight_grid_is_the_plain_maximum():
    ct, _ = synthetic_bodies(grid_of("flipped"))
    plain = ct.volume.array.max(axis=1)[::-1]
    assert np.array_equal(coronal_projection(ct.volume).array[:, 0], plain)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_radiological_convention_on_every_grid(orientation):
    ct, segmentation = synthetic_bodies(grid_of(orientation))
    # A bright bead to the right of, in front of and above L1's centre, within every one of L1's slices' neighbours.
    centre = np.array(BODIES["L1"]) + (12, -34, 150)
    array = ct.volume.array.copy()
    index = np.stack(np.meshgrid(*(np.arange(n) for n in ct.volume.grid.size), indexing="ij"), axis=-1)
    ras = ct.volume.grid.ras_of(index)
    array[np.linalg.norm(ras - centre - (30, 0, 0), axis=-1) < 6] = 1500
    array[np.linalg.norm(ras - centre - (0, 30, 0), axis=-1) < 6] = 900
    figure = draw_preview(CT(Volume(array, ct.volume.grid), ct.acquisition), segmentation, normal())
    projection, _, _, sagittal, axial, _, _ = pictures(figure)

    assert shown_at(projection, centre[0] + 30, centre[2]) > 1000
    assert shown_at(axial, centre[0] + 30, centre[1]) > 1000
    assert shown_at(axial, centre[0], centre[1] + 30) == pytest.approx(900, abs=150)
    assert shown_at(sagittal, centre[1] + 30, centre[2]) == pytest.approx(900, abs=150)
    for axes in (projection, axial, sagittal):
        left, right = axes.get_xlim()
        bottom, top = axes.get_ylim()
        assert left > right and top > bottom  # right or front on the left; head or front on top
        assert axes.get_aspect() == 1.0
    letters = [[text.get_text() for text in axes.texts[:2]] for axes in (projection, axial, sagittal)]
    assert letters == [["R", "L"], ["R", "L"], ["A", "P"]]


@pytest.mark.parametrize("orientation", ("left-handed", "oblique"))
def test_outlines_lie_on_the_edge_of_the_masks(orientation):
    ct, segmentation = synthetic_bodies(grid_of(orientation))
    axial = pictures(draw_preview(ct, segmentation, normal()))[4]
    line = outlines(axial)[0]
    radii = np.hypot((line[:, 0] - 12) / 20, (line[:, 1] + 52) / 15)
    assert len(line) > 50 and radii.min() > 0.85 and radii.max() < 1.15


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_what_was_read_is_drawn_where_it_lies_on_every_grid(orientation):
    """An ellipse on the axial slice, a rectangle of 9 mm on the sagittal one."""
    ct, segmentation = synthetic_bodies(grid_of(orientation))
    _, _, _, sagittal, axial, _, _ = pictures(draw_preview(ct, segmentation, normal()))
    centre, (a, b, h) = region_of("L1").centre_ras, region_of("L1").half_mm
    ellipse, cut = outlines(axial)[-1], outlines(sagittal)[-1]
    radii = np.hypot((ellipse[:, 0] - centre[0]) / a, (ellipse[:, 1] - centre[1]) / b)
    assert len(ellipse) > 50 and radii.min() > 0.97 and radii.max() < 1.03
    assert np.ptp(cut, axis=0) == pytest.approx((2 * b, 2 * h), abs=0.6) and 2 * h == 9.0
    assert (cut.max(axis=0) + cut.min(axis=0)) / 2 == pytest.approx((centre[1], centre[2]), abs=0.3)


def test_a_former_result_shows_no_region_and_says_so():
    ct, segmentation = synthetic_bodies(grid_of("straight"))
    figure, now = (draw_preview(ct, segmentation, result) for result in (former(), normal()))
    for axes, with_region in zip(pictures(figure)[1:], pictures(now)[1:]):
        assert len(outlines(axes)) < len(outlines(with_region))
    assert "former scale" in words(figure) and "K2HPO4" not in words(figure) and "9 mm" not in words(figure)


def test_an_empty_mask_is_said_to_be_missing():
    ct, segmentation = synthetic_bodies(grid_of("straight"))
    array = np.where(segmentation.labels.array == LABELS["T12"], 0, segmentation.labels.array)
    figure = draw_preview(ct, Segmentation(Volume(array, ct.volume.grid), {}), normal())
    assert len(pictures(figure)) == 5
    assert any("T12 was not found" in text.get_text() for axes in figure.axes for text in axes.texts)


def test_a_refusal_shows_the_projection_and_the_reason():
    ct, _ = synthetic_bodies(grid_of("oblique"))
    figure = draw_preview(ct, None, refused())
    assert len(pictures(figure)) == 1 and not pictures(figure)[0].patches
    assert "Not measured" in words(figure) and "upper edge of L1" in words(figure)


def test_figures_are_given_with_units():
    ct, segmentation = synthetic_bodies(grid_of("straight"))
    text = words(draw_preview(ct, segmentation, review()))
    for part in (
        "112.4 ± 9.1",
        "mg/cm³ HA",
        "Osteopenia (80 to 120 mg/cm³)",
        "Mean of T12 and L1",
        "not measurable",
        "141 ± 38 HU read",
        "161 ± 44 HU mask",
        "(K2HPO4 108.9)",
        "read in the middle 9 mm",
        "For research, not diagnosis.",
    ):
        assert part in text


def test_many_reasons_are_counted_not_cut():
    ct, segmentation = synthetic_bodies(grid_of("straight"))
    sentence = "Reason number {} is one that takes $more$ than a line to tell it all."
    reasons = tuple(Reason("metal", "warning", sentence.format(n)) for n in range(20))
    text = words(draw_preview(ct, segmentation, replace(review(), reasons=reasons)))
    shown, left_out = text.count("Reason number"), int(re.search(r"and (\d+) more, see report.html", text).group(1))
    assert shown >= 3 and shown + left_out == 20


def told(number: int, **grid: tuple[int, int, int]):
    """A preview with so many reasons of two lines each."""
    ct, segmentation = synthetic_bodies(grid_of("straight", **grid))
    sentence = "Reason number {} is one that takes more than a line to tell all of it."
    reasons = tuple(Reason("metal", "warning", sentence.format(n)) for n in range(number))
    return draw_preview(ct, segmentation, replace(review(), reasons=reasons))


def test_reasons_fill_the_room_above_the_legend():
    figure = told(5)
    assert "more, see" not in words(figure)
    check_places(figure)


def test_below_a_flat_projection_there_is_room_for_more_reasons():
    figure = told(9, size=(160, 56, 48))
    assert "more, see" in words(told(9)) and "more, see" not in words(figure)
    check_places(figure)


@pytest.mark.parametrize("name", SHOWN)
def test_nothing_runs_over_the_edge_or_into_another_text(name):
    ct, segmentation = synthetic_bodies(grid_of("straight"))
    result = replace(
        SHOWN[name](),
        acquisition=acquisition(kernel="['Br40d', '3']", contrast_agent="Iopromide 370 mg/ml, oral and rectal"),
    )
    check_places(draw_preview(ct, None if name == "refused" else segmentation, result))


def check_places(figure) -> None:
    """No text over the edge, and none on another."""
    as_png(figure)
    renderer = figure.canvas.get_renderer()
    extents = [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts]
    for text, extent in extents:
        assert extent.x0 >= 0 and extent.x1 <= figure.bbox.width, text
        assert extent.y0 >= 0 and extent.y1 <= figure.bbox.height, text
    for number, (text, extent) in enumerate(extents):
        for other_text, other in extents[number + 1 :]:
            assert not extent.padded(-2).overlaps(other.padded(-2)), f"{text!r} on {other_text!r}"


def test_what_was_corrected_and_by_which_line_is_told_in_a_line():
    ct, segmentation = synthetic_bodies(grid_of("straight"))
    assert trust_line(header_contradicted()) in words(draw_preview(ct, segmentation, header_contradicted()))


def test_the_bytes_are_a_png():
    ct, segmentation = synthetic_bodies(grid_of("straight"))
    picture = matplotlib.image.imread(io.BytesIO(as_png(draw_preview(ct, segmentation, normal()))), format="png")
    assert picture.shape[:2] == (1152, 1920) and picture[..., :3].std() > 0.05


@pytest.mark.skipif(not REAL.exists(), reason="the chest CT with contrast is not here")
def test_a_real_left_handed_ct_is_drawn_in_time():
    volume = Volume.from_sitk(sitk.ReadImage(str(REAL / "ct.nii.gz")))
    numbers = Volume.from_sitk(sitk.ReadImage(str(REAL / "labels.nii.gz"))).array
    labels = np.zeros(numbers.shape, np.uint8)
    for number, name in ((32, "T12"), (31, "L1"), (30, "L2")):
        labels[numbers == number] = LABELS[name]
    started = time.process_time()
    figure = draw_preview(
        CT(volume, acquisition()),
        Segmentation(Volume(labels, volume.grid), {}),
        replace(former(), box=box_of((-20, -53, -290))),  # whose regions are not those of this patient
    )
    as_png(figure)
    assert time.process_time() - started < 6  # of processor, as a wall clock measures the neighbours too
    aorta = pictures(figure)[4].images[0].get_array()
    assert (aorta[150:] > 300).any()  # the aorta full of contrast lies in front of the vertebra: at the top
