"""From a CT to the box around T12, L1 and L2: Faster R-CNN on maximum intensity projections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from OpportunisticBMDLib.errors import Refused
from OpportunisticBMDLib.models import ModelCard, device_of
from OpportunisticBMDLib.projection import Projection, coronal, sagittal
from OpportunisticBMDLib.result import Box
from OpportunisticBMDLib.volume import Volume

SLAB_MM = 15.0  # half the thickness of the sagittal slab: well inside the vertebral bodies
LEAST_COVERED = 0.6  # share of the box along each axis: two vertebrae of three
AGREEMENT_MM = 10.0  # less than half a vertebra


@dataclass(frozen=True, eq=False)
class Localizer:
    """Finds right-left and head-foot extent on the coronal projection, front-back extent on a sagittal slab."""

    network: nn.Module
    card: ModelCard

    def __call__(self, ct: Volume) -> Box:
        """The box in patient coordinates; it may reach beyond the scan.

        Raises:
            Refused: no such vertebrae in the projection, or most of the box lies outside the scan.
        """
        ras = ct.resampled(ct.grid.covering(self.card.grid["spacing_mm"]))
        (right, height), score = self._detect(coronal(ras))
        middle = float(np.mean(right))
        (front, side_height), side_score = self._detect(sagittal(ras, (middle - SLAB_MM, middle + SLAB_MM)))
        if abs(side_height.mean() - height.mean()) < AGREEMENT_MM:
            # The ribs tell which vertebrae these are, the endplates in the slab where they end.
            height = (height + side_height) / 2
        box = Box(np.stack((right, front, height)), min(score, side_score))
        _check_covered(box, ct)
        return box

    @torch.inference_mode()
    def _detect(self, projection: Projection) -> tuple[np.ndarray, float]:
        projection = projection.coarsened(self.card.architecture["parameters"]["pixel_mm"])
        picture = projection.picture(self.card.window["low_hu"], self.card.window["high_hu"])
        device = device_of(self.network)
        found = self.network([picture.to(device)])[0]
        if not len(found["scores"]) or found["scores"][0] < self.card.outputs["least_score"]:
            raise Refused(
                "vertebrae_not_found",
                "T12, L1 and L2 were not found in this scan: it has to show the spine from T12 to L2.",
            )
        return projection.to_mm(found["boxes"][0].cpu().numpy()), float(found["scores"][0])


def _check_covered(box: Box, ct: Volume) -> None:
    """Two of the three vertebrae have to lie in the scan."""
    bounds = ct.grid.bounds_ras
    covered = np.minimum(box.ras_mm[:, 1], bounds[:, 1]) - np.maximum(box.ras_mm[:, 0], bounds[:, 0])
    if (covered / np.ptp(box.ras_mm, axis=1)).min() < LEAST_COVERED:
        raise Refused(
            "box_leaves_scan",
            "The scan ends within T12 to L2, so that fewer than two of these vertebrae can be measured.",
        )
