"""From a CT to the box around T12, L1 and L2: Faster R-CNN on maximum intensity projections."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.reason import Figure, ReasonCode
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.finite import finite
from OpportunisticBMDLib.inference.network import Detector
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.stages.projection import Projection, coronal, sagittal

SLAB_MM = 15.0  # half the thickness of the sagittal slab: well inside the vertebral bodies
LEAST_COVERED = 0.6  # share of the box along each axis: two vertebrae of three
VIEWS_SD_MM = 10.0  # by which the heights of the two views differ: less than a third of a vertebra
APART_MM = 20.0  # more than half a vertebra: the views speak of different vertebrae


@dataclass(frozen=True, eq=False)
class Candidate:
    """One box of the detector in one view.

    Args:
        across_mm: (2,) least and greatest right coordinate (coronal view) or anterior one (sagittal view).
        height_mm: (2,) least and greatest superior coordinate.
        score: 0..1.
    """

    across_mm: np.ndarray
    height_mm: np.ndarray
    score: float


@dataclass(frozen=True, eq=False)
class Localizer:
    """Finds right-left extent on the coronal projection, front-back extent on a sagittal slab, the height on both.

    The ribs of the coronal view tell which vertebrae these are, the endplates of the sagittal view where they end.
    Of all pairs of boxes the likeliest is taken: both views are sure of it, and agree. Where none agree, the coronal
    view has the last word.
    """

    network: Detector
    card: ModelCard

    def __call__(self, ct: Volume) -> Box:
        """The box in patient coordinates; it may reach beyond the scan.

        Its score is that of the less certain view, times how well the two heights agree.

        Raises:
            Refused: no such vertebrae in the projection, or most of the box lies outside the scan.
        """
        ras = ct.resampled(ct.grid.covering(self.card.grid["spacing_mm"]))
        front_views = self._detect(coronal(ras))
        middle = float(np.mean(front_views[0].across_mm))
        side_views = self._detect(sagittal(ras, (middle - SLAB_MM, middle + SLAB_MM)))
        front, side = max(product(front_views, side_views), key=_likelihood)
        height = (front.height_mm + side.height_mm) / 2 if _apart(front, side) < APART_MM else front.height_mm
        score = min(front.score, side.score) * _agreement(front, side)
        box = Box(np.stack((front.across_mm, side.across_mm, height)), score)
        _check_covered(box, ct)
        return box

    def _detect(self, projection: Projection) -> list[Candidate]:
        """All boxes, the best first."""
        projection = projection.coarsened(self.card.architecture["parameters"]["pixel_mm"])
        picture = projection.picture(self.card.window["low_hu"], self.card.window["high_hu"])
        boxes, scores = (finite(values, self.card) for values in self.network(picture))
        best, least = max(scores.tolist(), default=0.0), self.card.outputs["least_score"]
        if best < least or not len(scores):
            raise Refused(
                ReasonCode.VERTEBRAE_NOT_FOUND,
                "T12, L1 and L2 were not found in this scan: it has to show the spine from T12 to L2.",
                Figure(best, least),
            )
        extents = [projection.to_mm(box) for box in boxes]
        return [Candidate(a, h, float(s)) for (a, h), s in zip(extents, scores, strict=True)]


def _likelihood(pair: tuple[Candidate, Candidate]) -> float:
    front, side = pair
    return front.score * side.score * _agreement(front, side)


def _apart(front: Candidate, side: Candidate) -> float:
    """By how many mm the middles of two boxes differ in height."""
    return float(abs(front.height_mm.mean() - side.height_mm.mean()))


def _agreement(front: Candidate, side: Candidate) -> float:
    """1 where the two heights are the same, falling off as a normal distribution does, up to `APART_MM`."""
    return float(np.exp(-((min(_apart(front, side), APART_MM) / VIEWS_SD_MM) ** 2) / 2))


def _check_covered(box: Box, ct: Volume) -> None:
    """Two of the three vertebrae have to lie in the scan."""
    bounds = ct.grid.bounds_ras
    covered = np.minimum(box.ras_mm[:, 1], bounds[:, 1]) - np.maximum(box.ras_mm[:, 0], bounds[:, 0])
    share = float((covered / np.ptp(box.ras_mm, axis=1)).min())
    if share < LEAST_COVERED:
        raise Refused(
            ReasonCode.BOX_LEAVES_SCAN,
            "The scan ends within T12 to L2, so that fewer than two of these vertebrae can be measured.",
            Figure(100 * max(share, 0.0), 100 * LEAST_COVERED),
        )
