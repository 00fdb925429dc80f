"""Torch modules in OpenVINO's form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import openvino
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN
from torchvision.ops import roi_align

from OpportunisticBMDLib.inference.torch_engine import NETWORKS
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.models.modules import load_network
from OpportunisticBMDLib.networks.boxes import COARSEST, FINEST
from OpportunisticBMDLib.networks.faster_rcnn import CHANNELS, spine_detector

SEEN_AT_MANY_SIZES = ("skeleton",)  # stages; others look at their card's size alone, which converts in half the time
POOLED, SAMPLES = 7, 2  # pixels of a box's side as its head sees it, and points along each that are averaged


def converted_network(stage: str, models: Path | None = None) -> openvino.Model:
    """(1, channels, I, J, K) -> probabilities, as a `network.Network` gives them."""
    return classifier(*load_network(stage, NETWORKS[stage], models))


def converted_features(models: Path | None = None) -> openvino.Model:
    """(1, 3, rows, columns) -> the maps that boxes are read from, then logits and changes of each level's anchors."""
    picture = torch.zeros(1, 3, 320, 256)
    return _converted(Features(_detector(models)), [picture], [(2, 3)])


def converted_head(models: Path | None = None) -> openvino.Model:
    """Those maps, (P, 4) boxes and their (P,) levels -> (P,) scores and (P, 4) changes."""
    maps = [torch.zeros(1, CHANNELS, 640 >> level, 512 >> level) for level in range(FINEST, COARSEST + 1)]
    levels = torch.arange(48) % len(maps)
    boxes = torch.tensor([0.0, 0.0, 64.0, 64.0]).repeat(len(levels), 1)
    return _converted(Head(_detector(models)), [*maps, boxes, levels], [(2, 3), (2, 3), (2, 3), (0,), (0,)])


def classifier(module: nn.Module, card: ModelCard) -> openvino.Model:
    """Of a module that gives logits."""
    image = torch.zeros(1, card.architecture["parameters"]["in_channels"], *card.grid["size"])
    free = (2, 3, 4) if card.stage in SEEN_AT_MANY_SIZES else ()
    return _converted(nn.Sequential(module, nn.Softmax(dim=1)), [image], [free])


class Features(nn.Module):
    """A detector up to its proposals."""

    def __init__(self, detector: FasterRCNN) -> None:
        super().__init__()
        self.backbone, self.head = detector.backbone, detector.rpn.head

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        maps = list(self.backbone(picture).values())
        logits, changes = self.head(maps)
        return (*maps[: COARSEST - FINEST + 1], *logits, *changes)


class Head(nn.Module):
    """What a detector makes of its proposals."""

    def __init__(self, detector: FasterRCNN) -> None:
        super().__init__()
        self.layers, self.predictor = detector.roi_heads.box_head, detector.roi_heads.box_predictor

    def forward(
        self, fine: Tensor, middle: Tensor, coarse: Tensor, boxes: Tensor, levels: Tensor
    ) -> tuple[Tensor, Tensor]:
        of_picture = F.pad(boxes, (1, 0))  # the first, which is the only one
        read = [
            roi_align(maps, of_picture, POOLED, 0.5**level, SAMPLES)
            for level, maps in enumerate((fine, middle, coarse), start=FINEST)
        ]
        level = levels[:, None, None, None]
        seen = torch.where(level == 0, read[0], torch.where(level == 1, read[1], read[2]))
        logits, changes = self.predictor(self.layers(seen))
        return logits.softmax(dim=1)[:, 1], changes[:, 4:]


def _detector(models: Path | None) -> FasterRCNN:
    detector, _ = load_network("localizer", spine_detector, models)
    assert isinstance(detector, FasterRCNN)
    return detector


def _converted(module: nn.Module, inputs: Sequence[Tensor], free: Sequence[tuple[int, ...]]) -> openvino.Model:
    """With the axes of each input whose lengths may change."""
    shapes = tuple({axis: Dim.AUTO for axis in axes} for axes in free)
    return openvino.convert_model(torch.export.export(module.eval(), tuple(inputs), dynamic_shapes=shapes))
