"""Fits Faster R-CNN: `opportunistic-bmd-lab fit-localizer --samples DIR --run DIR -o MODELS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.ops import box_iou
from torchvision.transforms import v2

from OpportunisticBMDLib.core.box import MARGIN_MM
from OpportunisticBMDLib.models.modules import device_of
from OpportunisticBMDLib.networks.faster_rcnn import spine_detector
from OpportunisticBMDLib.stages.projection import Projection
from OpportunisticBMDTraining.fit.command import Stage, run_command
from OpportunisticBMDTraining.fit.design import Design
from OpportunisticBMDTraining.fit.recipe import Recipe, Steps
from OpportunisticBMDTraining.fit.samples.prepare import PICTURE_SPACING_MM, Sample
from OpportunisticBMDTraining.fit.samples.sets import drawn

PIXEL_MM = 2.0
WINDOW = {"low_hu": -100.0, "high_hu": 1000.0}
LEAST_SCORE = 0.5
LEAST_VISIBLE = 0.5  # share of the box that a cut scan must still show to be worth finding
REAL = 0.33  # share of the draws from real CTs, beside virtual patients
HIT = 0.5  # IoU of a box that counts as found

DESIGN = Design(
    stage="localizer",
    name="faster-rcnn-mobilenet-v3",
    parameters={"pixel_mm": PIXEL_MM},
    spacing_mm=PICTURE_SPACING_MM,
    size=None,
    window=WINDOW,
    outputs={"classes": ["background", "T12-L2"], "least_score": LEAST_SCORE, "box_margin_mm": MARGIN_MM},
    purpose="the box around T12-L2 on maximum intensity projections of CT",
)

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
    picture = torch.from_numpy(projection.picture(WINDOW["low_hu"], WINDOW["high_hu"]))
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


def total(losses: Mapping[str, Tensor]) -> Tensor:
    """The sum of the losses that Faster R-CNN computes itself."""
    return reduce(torch.add, losses.values())


@dataclass(eq=False)
class LocalizerTask:
    """Coronal projections and sagittal slabs, in equal parts; a third from real CTs where there are any."""

    real: Sequence[Sample]
    virtual: Sequence[Sample]
    held_out: Sequence[Sample]
    batch_size: int = 8
    bears_bfloat16: bool = True
    objective: Callable[[Mapping[str, Tensor]], Tensor] = total
    design = DESIGN
    criterion = "greatest F1 of recall and precision, then the greatest IoU"
    needs = "a projection"
    least_batch_size = 1

    def __post_init__(self) -> None:
        self.held_out = [sample for sample in self.held_out if sample.shows_all]
        self.network = spine_detector(PIXEL_MM)

    @property
    def cases(self) -> int:
        """How many are fitted."""
        return len(self.real) + len(self.virtual)

    def batch(self, rng: np.random.Generator) -> list[Picture]:
        """(3, K, N) pictures, each with its boxes in pixels and their labels."""
        return [self._draw(rng) for _ in range(self.batch_size)]

    def _draw(self, rng: np.random.Generator) -> Picture:
        sample = drawn(rng, self.real, self.virtual, REAL)
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
        """The scalar to minimise."""
        device = device_of(self.network)
        pictures = [picture.to(device) for picture, _ in batch]
        targets = [{key: value.to(device) for key, value in target.items()} for _, target in batch]
        return self.objective(self.network(pictures, targets))

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Recall, precision and mean IoU on the coronal projections of held-out patients, and the edges' mean error.

        IoU and error are those of the boxes that the chain would take: the first of each projection.
        """
        self.network.eval()
        device = device_of(self.network)
        ious, errors, hits, boxes = [], [], 0, 0
        for sample in self.held_out:
            picture, box = picture_of(sample.projections[0], sample.boxes[0])
            guess = self.network([picture.to(device)])[0]
            found = guess["boxes"][guess["scores"] >= LEAST_SCORE].cpu()
            boxes += len(found)
            if len(found):
                overlaps = box_iou(found, box)
                hits += bool(overlaps.max() >= HIT)
                ious.append(overlaps[0].item())
                errors.append((found[:1] - box)[0, [1, 3]].abs().mean().item() * PIXEL_MM)
        self.network.train()
        return {
            "recall": hits / len(self.held_out),
            "precision": hits / max(1, boxes),
            "iou": float(np.mean(ious)) if ious else 0.0,
            "edge_error_mm": float(np.mean(errors)) if errors else 999.0,
        }

    def merit(self, figures: Mapping[str, float]) -> tuple[float, ...]:
        """See `criterion`."""
        recall, precision = figures["recall"], figures["precision"]
        f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
        return f1, figures["iou"]


STAGE = Stage(LocalizerTask, recipes={"default": Recipe(1.5e-3, Steps(650), total)})


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints nothing but progress; bad input ends with one line and exit status 2."""
    run_command(__doc__, STAGE, arguments, "opportunistic-bmd-lab fit-localizer")


if __name__ == "__main__":
    main()
