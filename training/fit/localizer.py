"""Fits Faster R-CNN: `python -m training.fit.localizer --samples DIR --run DIR -o MODELS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.ops import box_iou
from torchvision.transforms import v2

from OpportunisticBMDLib.models import ModelCard, device_of
from OpportunisticBMDLib.networks.faster_rcnn import spine_detector
from OpportunisticBMDLib.projection import Projection
from training.dataset import MARGIN_MM
from training.fit.command import run_command
from training.fit.prepare import PICTURE_SPACING_MM, Sample

PIXEL_MM = 2.0
WINDOW = {"low_hu": -100.0, "high_hu": 1000.0}
LEAST_SCORE = 0.5
LEAST_VISIBLE = 0.5  # share of the box that a cut scan must still show to be worth finding

MIRROR = v2.RandomHorizontalFlip(0.3)  # of the coronal view only
SHAPE = v2.Compose(
    [
        v2.RandomApply([v2.ElasticTransform(alpha=20.0, sigma=4.0)], p=0.3),
        v2.RandomAffine(degrees=6, translate=(0.05, 0.05), scale=(0.82, 1.2), shear=(-4, 4, -4, 4)),
    ]
)
GREY = v2.Compose(
    [
        v2.RandomApply([v2.GaussianBlur(3, sigma=(0.2, 1.2))], p=0.5),
        v2.ColorJitter(brightness=0.35, contrast=0.35),
        v2.RandomApply([v2.GaussianNoise(sigma=0.04)], p=0.5),
    ]
)

Picture = tuple[Tensor, dict[str, Tensor]]


def picture_of(projection: Projection, box_mm: np.ndarray) -> tuple[Tensor, Tensor]:
    """The detector's picture (3, K, N) and its box (1, 4) in pixels."""
    projection = projection.coarsened(PIXEL_MM)
    picture = projection.picture(WINDOW["low_hu"], WINDOW["high_hu"])
    box = projection.to_pixels(box_mm[0], box_mm[1])
    return picture, torch.tensor(box[None], dtype=torch.float32)


def shortened(projection: Projection, box_mm: np.ndarray, rng: np.random.Generator) -> Projection:
    """The scan as if it had begun or ended elsewhere: mostly around the box, sometimes through it."""
    height = len(projection.pixels)
    low, high = (box_mm[1] - projection.corner_mm[1]) / projection.spacing_mm
    through = 75.0 if rng.random() < 0.35 else -3.0
    first = int(np.clip(rng.uniform(-150, low + through), 0, height - 20)) if rng.random() < 0.6 else 0
    last = int(np.clip(rng.uniform(high - through, high + 250), first + 20, height)) if rng.random() < 0.6 else height
    corner = (projection.corner_mm[0], projection.corner_mm[1] + first * projection.spacing_mm)
    return Projection(projection.pixels[first:last], corner, projection.spacing_mm)


def visible_share(projection: Projection, box_mm: np.ndarray) -> float:
    """How much of the box's height the projection shows, 0..1."""
    bottom = projection.corner_mm[1]
    top = bottom + len(projection.pixels) * projection.spacing_mm
    low, high = np.clip(box_mm[1], bottom, top)
    return float((high - low) / np.ptp(box_mm[1]))


@dataclass(eq=False)
class LocalizerTask:
    """Coronal projections and sagittal slabs, in equal parts; a third from real CTs where there are any."""

    real: Sequence[Sample]
    virtual: Sequence[Sample]
    held_out: Sequence[Sample]
    batch_size: int = 8
    bears_bfloat16: bool = True

    def __post_init__(self) -> None:
        self.network = spine_detector(PIXEL_MM)

    def batch(self, rng: np.random.Generator) -> list[Picture]:
        return [self._draw(rng) for _ in range(self.batch_size)]

    def _draw(self, rng: np.random.Generator) -> Picture:
        pool = self.real if self.real and rng.random() < 0.33 else self.virtual
        sample = pool[rng.integers(len(pool))]
        view = 0 if rng.random() < 0.6 else rng.integers(1, len(sample.projections))
        projection = sample.projections[view]
        if sample.shows_all:
            projection = shortened(projection, sample.boxes[view], rng)
        picture, box = picture_of(projection, sample.boxes[view])
        if not (sample.shows_all and visible_share(projection, sample.boxes[view]) >= LEAST_VISIBLE):
            box = box[:0]
        boxes = tv_tensors.BoundingBoxes(box, format="XYXY", canvas_size=picture.shape[1:], clamping_mode=None)
        pair = (tv_tensors.Image(picture), boxes)
        picture, boxes = SHAPE(*(MIRROR(*pair) if view == 0 else pair))
        picture = GREY(picture).as_subclass(torch.Tensor).clamp(0, 1)
        # Tables, contrast and dense organs brighten what lies behind the bones.
        floor = rng.uniform(0, 0.35) if rng.random() < 0.5 else 0.0
        picture = torch.where(picture > 0.02, picture.clamp(min=floor), picture)
        boxes = boxes.as_subclass(torch.Tensor).reshape(-1, 4)
        return picture, {"boxes": boxes, "labels": torch.ones(len(boxes), dtype=torch.int64)}

    def loss(self, batch: list[Picture]) -> Tensor:
        device = device_of(self.network)
        pictures = [picture.to(device) for picture, _ in batch]
        targets = [{key: value.to(device) for key, value in target.items()} for _, target in batch]
        return sum(self.network(pictures, targets).values())

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Recall and mean IoU on the coronal projections of held-out patients, and the mean error of the edges."""
        self.network.eval()
        device = device_of(self.network)
        ious, errors = [], []
        for sample in self.held_out:
            picture, box = picture_of(sample.projections[0], sample.boxes[0])
            found = self.network([picture.to(device)])[0]
            if len(found["scores"]) and found["scores"][0] >= LEAST_SCORE:
                best = found["boxes"][:1].cpu()
                ious.append(box_iou(best, box).item())
                errors.append((best - box)[0, [1, 3]].abs().mean().item() * PIXEL_MM)
        self.network.train()
        return {
            "recall": len(ious) / len(self.held_out),
            "iou": float(np.mean(ious)) if ious else 0.0,
            "edge_error_mm": float(np.mean(errors)) if errors else 999.0,
        }

    def card(self, training: dict, figures: dict) -> ModelCard:
        return ModelCard(
            stage="localizer",
            name="faster-rcnn-mobilenet-v3",
            version="0.2",
            architecture={"name": "fasterrcnn_mobilenet_v3_large_fpn", "parameters": {"pixel_mm": PIXEL_MM}},
            grid={"spacing_mm": [PICTURE_SPACING_MM] * 3, "size": None},
            window=WINDOW,
            outputs={"classes": ["background", "T12-L2"], "least_score": LEAST_SCORE, "box_margin_mm": MARGIN_MM},
            training=training,
            figures=figures,
            licence="Apache-2.0",
            intended_use="Research, not diagnosis: the box around T12-L2 on maximum intensity projections of CT.",
        )


if __name__ == "__main__":
    run_command(__doc__, LocalizerTask, steps=650, learning_rate=1.5e-3)
