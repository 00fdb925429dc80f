"""The box comes back in patient space, whatever grid the CT is stored on.

Where the detector stands, a network finds everything bright in the picture: how boxes are turned into millimetres
and the two views are joined is then seen without a trained model.
"""

from __future__ import annotations

import numpy as np
import pytest

from example_results import BODIES, RADII_MM, synthetic_bodies
from grids import every_grid
from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.inference.network import Found
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.stages.localize import APART_MM, VIEWS_SD_MM, Localizer

CENTRE_RAS = np.array([12.0, -34.0, 150.0])
SPACING_MM, PIXEL_MM = 1.0, 2.0
CARD = ModelCard(
    stage="localizer",
    name="bright-spot",
    version="1",
    architecture={"name": "fasterrcnn_mobilenet_v3_large_fpn", "parameters": {"pixel_mm": PIXEL_MM}},
    grid={"spacing_mm": [SPACING_MM] * 3, "size": None},
    window={"low_hu": -100.0, "high_hu": 1000.0},
    outputs={"classes": ["background", "T12-L2"], "least_score": 0.5},
    training={},
    figures={},
    licence="Apache-2.0",
    intended_use="Tests.",
)


class BrightSpotDetector:
    """One box around all pixels brighter than a level, with a score for each picture, and a poor one in a corner."""

    def __init__(self, scores: tuple[float, ...] = (0.9,), level_hu: float = 250.0) -> None:
        self.level = (level_hu + 100.0) / 1100.0
        self.scores = list(scores)

    def __call__(self, picture: np.ndarray) -> Found:
        score = self.scores[0] if len(self.scores) == 1 else self.scores.pop(0)
        rows, columns = np.nonzero(picture[0] > self.level)
        if not len(rows):
            return Found(np.zeros((0, 4)), np.zeros(0))
        best = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        return Found(np.array([best, [0, 0, 5, 5]], np.float32), np.array([score, score / 4]))


def patient_grid(orientation: Grid) -> Grid:
    """A field of 110 mm around the synthetic patient, with another grid's axes and (nearly) its voxels."""
    axes = orientation.affine[:3, :3] / orientation.spacing
    spacing = np.maximum(orientation.spacing, 1.4)
    size = np.ceil(110.0 / spacing).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = CENTRE_RAS - affine[:3, :3] @ ((size - 1) / 2)
    return Grid(tuple(size), affine)


def bodies_box() -> np.ndarray:
    """(3, 2) mm: around the three ellipsoids with their cortex."""
    centres = np.array(list(BODIES.values())) + CENTRE_RAS
    half = 1.1 * np.array(RADII_MM)
    return np.stack((centres.min(axis=0) - half, centres.max(axis=0) + half), axis=1)


def scan_of(*blocks: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]) -> Volume:
    """Air with blocks of bone, each given by its right, anterior and superior range in mm."""
    grid = Grid.axis_aligned((160, 100, 180), (1.0, 1.0, 1.0))
    right, front, height = (grid.ras_of(np.eye(3)[a] * np.arange(n)[:, None])[:, a] for a, n in enumerate(grid.size))
    hu = np.full(grid.size, AIR_HU, np.float32)
    for block in blocks:
        inside = [(low < x) & (x < high) for x, (low, high) in zip((right, front, height), block)]
        hu[np.ix_(*inside)] = 600.0
    return Volume(hu, grid)


SPINE = ((-20.0, 20.0), (-30.0, 10.0), (-40.0, 40.0))


@every_grid
def test_box_surrounds_the_bodies_on_any_grid(grid):
    ct, _ = synthetic_bodies(patient_grid(grid))
    box = Localizer(BrightSpotDetector(), CARD)(ct.volume)
    np.testing.assert_allclose(box.ras_mm, bodies_box(), atol=PIXEL_MM + ct.volume.grid.spacing.max() / 2)
    np.testing.assert_allclose(box.centre_ras, bodies_box().mean(axis=1), atol=PIXEL_MM)


def test_front_and_back_come_from_the_slab_alone():
    """Bone beside the slab that reaches further forward, such as a rib, does not stretch the box forward."""
    rib = ((22.0, 30.0), (-30.0, 45.0), (-10.0, 0.0))
    mirrored = ((-30.0, -22.0), *rib[1:])
    box = Localizer(BrightSpotDetector(), CARD)(scan_of(SPINE, rib, mirrored))
    np.testing.assert_allclose(box.ras_mm, [(-30.0, 30.0), SPINE[1], SPINE[2]], atol=PIXEL_MM)


def test_views_that_agree_are_averaged_in_height():
    beside = ((22.0, 30.0), (-5.0, 5.0), (-40.0, 50.0)), ((-30.0, -22.0), (-5.0, 5.0), (-40.0, 50.0))
    box = Localizer(BrightSpotDetector(), CARD)(scan_of(SPINE, *beside))
    np.testing.assert_allclose(box.ras_mm[2], [-40.0, 45.0], atol=PIXEL_MM)


def test_views_that_disagree_meet_halfway_and_lower_the_score():
    beside = ((22.0, 30.0), (-5.0, 5.0), (-40.0, 70.0)), ((-30.0, -22.0), (-5.0, 5.0), (-40.0, 70.0))
    box = Localizer(BrightSpotDetector(), CARD)(scan_of(SPINE, *beside))
    np.testing.assert_allclose(box.ras_mm, [(-30.0, 30.0), SPINE[1], (-40.0, 55.0)], atol=PIXEL_MM)
    assert box.score == pytest.approx(0.9 * np.exp(-((15.0 / VIEWS_SD_MM) ** 2) / 2), abs=0.05)


def test_views_of_different_vertebrae_leave_the_coronal_height():
    beside = ((22.0, 30.0), (-5.0, 5.0), (-40.0, 85.0)), ((-30.0, -22.0), (-5.0, 5.0), (-40.0, 85.0))
    assert APART_MM < (85.0 - 40.0) / 2
    box = Localizer(BrightSpotDetector(), CARD)(scan_of(SPINE, *beside))
    np.testing.assert_allclose(box.ras_mm, [(-30.0, 30.0), SPINE[1], (-40.0, 85.0)], atol=PIXEL_MM)
    assert box.score < 0.2


def test_of_two_boxes_in_one_view_that_is_taken_with_which_the_other_view_agrees():
    class Doubtful(BrightSpotDetector):
        """Sees the spine a vertebra too low in the first picture, and where it is with a lower score."""

        def __call__(self, picture: np.ndarray) -> Found:
            found = super().__call__(picture)
            if hasattr(self, "seen"):
                return found
            self.seen = True
            best = found.boxes[:1]
            return Found(np.concatenate((best - [0.0, 16.0, 0.0, 16.0], best)), np.array([0.99, 0.6]))

    box = Localizer(Doubtful(), CARD)(scan_of(SPINE))
    np.testing.assert_allclose(box.ras_mm[2], SPINE[2], atol=PIXEL_MM)
    assert box.score == pytest.approx(0.6, abs=0.01)


def test_score_is_that_of_the_less_certain_view():
    box = Localizer(BrightSpotDetector(scores=(0.95, 0.7)), CARD)(scan_of(SPINE))
    assert box.score == pytest.approx(0.7)


def test_score_at_the_limit_is_accepted():
    assert Localizer(BrightSpotDetector(scores=(0.5,)), CARD)(scan_of(SPINE)).score == pytest.approx(0.5)


@pytest.mark.parametrize("scores", [(0.49,), (0.95, 0.3), (0.3, 0.95)])
def test_low_score_in_either_view_is_refused(scores):
    with pytest.raises(Refused, match="T12, L1 and L2 were not found") as refusal:
        Localizer(BrightSpotDetector(scores=scores), CARD)(scan_of(SPINE))
    assert refusal.value.code == "vertebrae_not_found"


def test_scan_without_bone_is_refused():
    with pytest.raises(Refused):
        Localizer(BrightSpotDetector(), CARD)(scan_of())


def test_scan_that_ends_within_the_box_is_refused_with_that_reason():
    class Foretelling(BrightSpotDetector):
        """Reaches as far below the bone as the bone is high, as if the scan had ended there."""

        def __call__(self, picture: np.ndarray) -> Found:
            found = super().__call__(picture)
            found.boxes[0, 1] -= found.boxes[0, 3] - found.boxes[0, 1]
            return found

    with pytest.raises(Refused, match="ends within") as refusal:
        Localizer(Foretelling(), CARD)(scan_of(((-20.0, 20.0), (-30.0, 10.0), (-90.0, -30.0))))
    assert refusal.value.code == "box_leaves_scan"
