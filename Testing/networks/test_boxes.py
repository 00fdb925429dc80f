"""Boxes by numpy between and after a detector's layers are those of torchvision's whole detector."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.models.detection import FasterRCNN
from torchvision.ops import nms

from OpportunisticBMDLib.inference.network import Found
from OpportunisticBMDLib.inference.torch_engine import TorchDetector
from OpportunisticBMDLib.models.modules import load_network
from OpportunisticBMDLib.networks import boxes
from OpportunisticBMDLib.networks.faster_rcnn import spine_detector

PIXEL_MM = 2.0
# The margins' side is no multiple of the coarsest level's stride in the second: its anchors are nearer to each other.
SIZES = [(150, 130), (350, 161), (410, 257)]


@pytest.fixture(scope="module", params=["shipped", "untrained"])
def detector(request) -> FasterRCNN:
    if request.param == "shipped":
        return load_network("localizer", spine_detector)[0]
    torch.manual_seed(3)
    return spine_detector(PIXEL_MM).eval()


def by_numpy(detector: FasterRCNN, picture: np.ndarray) -> Found:
    """Its layers by torch, all else by `boxes`."""
    conversion = pytest.importorskip("OpportunisticBMDLib.inference.openvino_conversion", reason="needs the dev extra")
    padded, shown = boxes.prepared(picture), picture.shape[1:]
    outputs = conversion.Features(detector)(torch.from_numpy(padded))
    maps, logits, changes = outputs[:3], outputs[3:7], outputs[7:]
    of_anchors = ([part[0].numpy() for part in parts] for parts in (logits, changes))
    likely = boxes.proposals(*of_anchors, boxes.anchor_sides(PIXEL_MM), padded.shape[2:], shown)
    levels = boxes.levels(likely)
    scores, moves = conversion.Head(detector)(*maps, torch.from_numpy(likely), torch.from_numpy(levels))
    return Found(*boxes.best_boxes(likely, scores.numpy(), moves.numpy(), shown))


@pytest.mark.parametrize("size", SIZES)
@torch.inference_mode()
def test_boxes_and_scores_are_those_of_torchvision(detector, size):
    rng = np.random.default_rng(0)
    grey = (0.3 * rng.random(size)).astype(np.float32)
    grey[30:-20, size[1] // 3 : size[1] // 2] += 0.5
    picture = np.stack((grey, grey, grey))
    expected, found = TorchDetector(detector)(picture), by_numpy(detector, picture)
    assert len(expected.boxes)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-2)


@torch.inference_mode()
def test_a_blank_picture_shows_what_torchvision_sees_in_it():
    detector, _ = load_network("localizer", spine_detector)
    picture = np.zeros((3, 128, 96), np.float32)
    expected, found = TorchDetector(detector)(picture), by_numpy(detector, picture)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)


def test_of_boxes_that_overlap_the_best_is_kept():
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 60, (200, 2))
    some = np.concatenate((corners, corners + rng.uniform(5, 40, (200, 2))), axis=1).astype(np.float32)
    scores = rng.random(200).astype(np.float32)
    order = np.argsort(-scores)
    expected = nms(torch.from_numpy(some), torch.from_numpy(scores), boxes.BOXES_OVERLAP).numpy()
    kept, _ = boxes.best_boxes(some, scores, np.zeros((200, 4), np.float32), (200, 200))
    likely = expected[scores[expected] > boxes.LEAST_SCORE][: boxes.MOST_BOXES]
    np.testing.assert_allclose(kept, some[likely], atol=1e-4)
    assert scores[order[0]] == scores[likely[0]]
