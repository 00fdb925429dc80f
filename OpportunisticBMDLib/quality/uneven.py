"""A body whose middle is not of one density: a lesion without sharp edges, or one that fills half of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.body import Body
from OpportunisticBMDLib.quality.registry import SeenRegion, of_regions

THIRDS = "its upper and its lower third"
# What hardly any body without a lesion exceeds, relative to what its bone reads above marrow.
MOST = {
    "its right and its left half": 0.40,
    "its front and its back half": 0.38,
    THIRDS: 0.28,
    "it and the bone around it": 0.245,
    "places in it and the rest of it": 0.68,
}
MOST_SPREAD = 0.30
LEAST_VOXELS = 20
THICKEST_MM = 6.0  # slices: thicker ones show endplates in one part of a body and not in another
THIRD_MM = 2.5  # slices thicker than this are too few for a third: they have to differ by as much more


@of_regions.check(ReasonCode.UNEVEN)
def uneven(seen: SeenRegion) -> Iterator[Reason]:
    """A body that is left out: which part of it is the patient's density cannot be told."""
    if seen.body is None or not _can_be_told(seen.body):
        return
    found = differences(seen.body)
    between = max(found, key=lambda part: found[part] / MOST[part])
    times = max(found[between] / MOST[between], spread(seen.body) / MOST_SPREAD)
    if times > 1:
        message = (
            f"The middle of {seen.vertebra} is not of one density ({between} differ most): look for a lesion. Its "
            "density is not used."
        )
        yield Reason(ReasonCode.UNEVEN, "warning", message, seen.vertebra, Figure(100 * times, 100.0))


def _can_be_told(body: Body) -> bool:
    thickest = body.ct.grid.spacing.max()
    return bool(np.count_nonzero(body.middle) >= LEAST_VOXELS and body.bone_hu > 0 and thickest <= THICKEST_MM)


def differences(body: Body) -> Mapping[str, float]:
    """By how much parts of the middle differ, relative to what its bone reads above marrow."""
    hu, middle, (right, front, up) = body.ct.array, body.middle, body.place
    smooth = body.smooth[middle]
    parts = (
        (hu[middle & (right > 0)], hu[middle & (right < 0)]),
        (hu[middle & (front > 0)], hu[middle & (front < 0)]),
        (hu[middle & (up > 1 / 3)], hu[middle & (up < -1 / 3)]),
        (hu[middle], hu[body.slab]),
        (smooth.min(keepdims=True), np.median(smooth, keepdims=True)),
    )
    found = {name: _apart(one, other) / body.bone_hu for name, (one, other) in zip(MOST, parts)}
    found[THIRDS] /= max(1.0, float(body.ct.grid.spacing.max()) / THIRD_MM)
    return found


def spread(body: Body) -> float:
    """SD of the smoothed HU in the middle, on the same scale."""
    return float(body.smooth[body.middle].std() / body.bone_hu)


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """Difference of two means, HU; 0 where a part is too small to have one (a slice or two in thick ones)."""
    if not len(one) or not len(other):
        return 0.0
    return float(abs(one.mean(dtype=float) - other.mean(dtype=float)))
