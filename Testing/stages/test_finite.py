"""A network that gives no numbers: each stage says so, and none of them goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from example_results import box_of, grid_of, synthetic_case
from known_network import CARD, SixMore
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.inference.network import Found
from OpportunisticBMDLib.stages.localize import Localizer
from OpportunisticBMDLib.stages.measure import Densitometer
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import read_region
from OpportunisticBMDLib.stages.segment import Segmenter
from OpportunisticBMDLib.stages.skeleton import SkeletonFinder

LINE = Calibration("a line", "HA", 1.28, 0.0, "a test")


class Everywhere:
    """(N, C, I, J, K) -> (N, classes, I, J, K) of one value."""

    def __init__(self, value: float, classes: int) -> None:
        self.value, self.classes = value, classes

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return np.full((len(image), self.classes, *image.shape[2:]), self.value, np.float32)


def architecture(name: str, **parameters: float) -> dict:
    return {"name": name, "parameters": parameters}


@pytest.fixture(scope="module")
def case():
    return synthetic_case(grid_of("straight"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_masks_and_bones(case, value):
    ct, _ = case
    grid = {"spacing_mm": [4.0] * 3, "size": [16, 16, 16]}
    card = replace(CARD, stage="segmentation", grid=grid, architecture=architecture("AnatomyNet"))
    bones = replace(CARD, stage="skeleton", grid=grid, architecture=architecture("SkeletonNet"))
    with pytest.raises(BadInput, match="segmentation model six-more 1 gives no finite numbers"):
        Segmenter(Everywhere(value, 4), card)(ct.volume, box_of())
    with pytest.raises(BadInput, match="skeleton model six-more 1 gives no finite numbers"):
        SkeletonFinder(Everywhere(value, 7), bones)(ct.volume, np.zeros(3))


@pytest.mark.parametrize(
    "found",
    [
        Found(np.array([[10.0, 10.0, 20.0, 20.0]]), np.array([np.nan])),
        Found(np.array([[10.0, np.nan, 20.0, 20.0]]), np.array([0.9])),
    ],
    ids=["score", "box"],
)
def test_boxes(case, found):
    ct, _ = case
    card = replace(
        CARD,
        stage="localizer",
        architecture=architecture("fasterrcnn_mobilenet_v3_large_fpn", pixel_mm=4.0),
        grid={"spacing_mm": [4.0] * 3, "size": None},
        outputs={"least_score": 0.3},
    )
    with pytest.raises(BadInput, match="localizer model six-more 1 gives no finite numbers"):
        Localizer(lambda picture: found, card)(ct.volume)


def test_densities(case):
    ct, segmentation = case
    network = SixMore()
    network.bins[3] = np.nan
    reading = read_region(ct.volume, segmentation.labels, "L1", place_region(segmentation.labels, "L1"))
    with pytest.raises(BadInput, match="bmd model six-more 1 gives no finite numbers"):
        Densitometer(network, CARD).density(ct.volume, reading, LINE)
