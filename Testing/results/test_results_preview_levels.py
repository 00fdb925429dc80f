"""On the coronal picture every vertebra has its name beside it, and the ribs that were counted are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from example_levels import CENTRE_RAS, FIVE_BODIES, NO_RIB, RIB, STUMP, sure, unsure
from example_results import box_of, grid_of, normal, refused, synthetic_case
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.levels import Levels, Rib
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.preview import draw_preview

NAMES = ["T11", "T12", "L1", "L2", "L3"]


def drawn(levels: Levels | None, *, width: int | None = None, box=None):
    """The figure and its coronal axes; `width`: so many voxels across are kept around the spine."""
    ct, segmentation = synthetic_case(grid_of("straight"))
    if width is not None:
        ct, segmentation = narrowed(ct, segmentation, width)
    figure = draw_preview(ct, segmentation, replace(normal(), box=box or box_of(), levels=levels))
    return figure, next(axes for axes in figure.axes if axes.images)


def narrowed(ct: CT, segmentation: Segmentation, width: int) -> tuple[CT, Segmentation]:
    first = (ct.volume.grid.size[0] - width) // 2
    grid = ct.volume.grid.cropped((first, 0, 0), (width, *ct.volume.grid.size[1:]))
    array, labels = (v.array[first : first + width] for v in (ct.volume, segmentation.labels))
    return CT(Volume(array, grid), ct.acquisition), Segmentation(Volume(labels, grid), segmentation.confidence)


def along(name: str, side: int, rib: Rib = RIB) -> Rib:
    """Begins beside a body and falls to the side, as far as the picture shows."""
    right, front, up = np.add(CENTRE_RAS, FIVE_BODIES[name])
    course = [(right + side * (22 + far), front - 20, up - 0.3 * far) for far in np.linspace(0, 30, 8)]
    return replace(rib, course_ras_mm=tuple(course))


def with_ribs(levels: Levels, ribs: dict[str, tuple[Rib, Rib]]) -> Levels:
    def seen(vertebra):
        right, left = ribs.get(vertebra.name, (NO_RIB, NO_RIB))
        return replace(vertebra, right=right, left=left)

    return replace(levels, vertebrae=tuple(map(seen, levels.vertebrae)))


def ribs_of(axes) -> list:
    """Its lines, without the ruler, which runs level."""
    return [line for line in axes.lines if np.ptp(line.get_ydata()) > 0]


def names_of(axes) -> list:
    return [text for text in axes.texts if text.get_text()[0] in "TL" and text.get_text() != "L"]


def pixels(figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def test_every_vertebra_has_its_name_at_the_height_of_its_body():
    _, axes = drawn(sure())
    heights = {text.get_text(): text.get_position()[1] for text in names_of(axes)}
    assert sorted(heights, key=heights.get, reverse=True) == NAMES
    for name, height in heights.items():
        assert height == pytest.approx(CENTRE_RAS[2] + FIVE_BODIES[name][2], abs=3)


def test_those_that_are_measured_keep_their_look_and_the_others_are_quieter():
    with_levels, without = ({t.get_text(): t for t in names_of(drawn(levels)[1])} for levels in (sure(), None))
    assert set(without) == {"T12", "L1", "L2"}
    for name, text in without.items():
        same = with_levels[name]
        assert same.get_position() == text.get_position() and same.get_color() == text.get_color()
        assert (same.get_fontsize(), same.get_weight()) == (text.get_fontsize(), text.get_weight()) == (10, "bold")
    assert with_levels["L3"].get_fontsize() < 10 and with_levels["L3"].get_weight() != "bold"


def test_names_that_are_not_sure_have_a_question_mark():
    assert {text.get_text() for text in names_of(drawn(unsure())[1])} == {f"{name}?" for name in NAMES}
    moved = {text.get_text() for text in names_of(drawn(unsure().moved_by(1))[1])}
    assert moved >= {"T10", "T12", "L1", "L2"}


def test_pixels_change_where_ribs_are_and_nowhere_else():
    ribs = {"T11": (along("T11", 1, STUMP), NO_RIB), "T12": (along("T12", 1), along("T12", -1))}
    figure, axes = drawn(with_ribs(sure(), ribs))
    plain, _ = drawn(with_ribs(sure(), {}))
    rows, columns = np.nonzero(np.abs(pixels(figure) - pixels(plain)).sum(axis=-1) > 60)
    changed = np.stack((columns, figure.bbox.height - rows), axis=1)
    changed = changed[changed[:, 1] < axes.bbox.y1]  # above it the words tell by what the levels are sure
    counted = [rib for pair in ribs.values() for rib in pair if rib.course_ras_mm]
    places = np.concatenate(
        [dense(axes.transData.transform(np.array(rib.course_ras_mm)[:, [0, 2]])) for rib in counted]
    )
    far = np.linalg.norm(changed[:, None] - places[None], axis=-1)
    assert far.min(axis=1).max() < 8  # nothing but lines has changed
    assert np.percentile(far.min(axis=0), 80) < 8  # and along all of them


def dense(course: np.ndarray) -> np.ndarray:
    at = np.linspace(0, len(course) - 1, 60)
    return np.stack([np.interp(at, np.arange(len(course)), course[:, axis]) for axis in (0, 1)], axis=1)


def test_a_remnant_is_dotted_and_what_is_absent_or_not_clear_is_not_drawn():
    absent = replace(along("L1", 1), probability=0.02, remnant=0.01)
    unclear = replace(along("L1", -1), probability=0.5, remnant=0.1)
    _, axes = drawn(with_ribs(sure(), {"T12": (along("T12", 1), along("T12", -1, STUMP)), "L1": (absent, unclear)}))
    right, left = ribs_of(axes)
    assert (right.get_linestyle(), left.is_dashed()) == ("-", True) and not right.is_dashed()


def test_the_ribs_that_decide_have_colours_of_their_own():
    ribs = {name: (along(name, 1), NO_RIB) for name in ("T11", "T12", "L1")}
    t11, *others = with_ribs(sure(), ribs).vertebrae
    t10 = replace(t11, name="T10", centre_ras_mm=np.add(t11.centre_ras_mm, (0, 0, 8)))
    _, axes = drawn(replace(sure(), vertebrae=(t10, t11, *others)))
    colours = np.array([to_rgb(line.get_color()) for line in ribs_of(axes)])
    assert len(colours) == 4
    apart = np.abs(colours[:, None] - colours[None]).sum(axis=-1)[np.triu_indices(4, 1)]
    assert apart.min() > 0.3


def bodies_every(mm: float) -> Levels:
    """Many low bodies, the lowest and the uppermost at the ends of the scan."""
    _, middle, *_ = sure().vertebrae
    heights = np.arange(221.5, 78.5, -mm)
    vertebrae = [replace(middle, centre_ras_mm=(*middle.centre_ras_mm[:2], float(height))) for height in heights]
    return replace(unsure(), vertebrae=tuple(vertebrae)).moved_by(0)


@pytest.mark.parametrize("width", (None, 40, 24))
@pytest.mark.parametrize("place", ((12.0, -52.0, 150.0), (-60.0, -52.0, 150.0)))
@pytest.mark.parametrize("levels", (sure(), unsure(), bodies_every(4.0), bodies_every(14.0)))
def test_names_lie_in_the_picture_and_apart_from_each_other(levels, place, width):
    figure, axes = drawn(levels, width=width, box=box_of(place))
    figure.canvas.draw()
    extents = [text.get_window_extent() for text in names_of(axes)]
    assert len(extents) >= 3
    frame = axes.get_window_extent()
    letters = [text.get_window_extent() for text in axes.texts if text not in names_of(axes)]
    for number, extent in enumerate(extents):
        assert frame.x0 <= extent.x0 and extent.x1 <= frame.x1
        assert frame.y0 <= extent.y0 and extent.y1 <= frame.y1
        for other in (*extents[number + 1 :], *letters):
            assert not extent.padded(-1).overlaps(other.padded(-1))


def test_what_lies_outside_the_picture_is_not_named():
    far = replace(sure().vertebrae[0], name="T4", centre_ras_mm=(12.0, -34.0, 400.0))
    _, axes = drawn(replace(sure(), vertebrae=(far, *sure().vertebrae)))
    assert "T4" not in {text.get_text() for text in names_of(axes)}


def test_a_refusal_names_what_is_in_view_and_the_legend_says_what_lines_are():
    ct, _ = synthetic_case(grid_of("straight"))
    figure = draw_preview(ct, None, replace(refused(), levels=unsure()))
    axes = next(axes for axes in figure.axes if axes.images)
    assert len(names_of(axes)) == 5
    assert any("the ribs that were counted" in text.get_text() for text in figure.texts)
    plain = draw_preview(ct, None, refused())
    assert not any("ribs" in text.get_text() for text in plain.texts)
