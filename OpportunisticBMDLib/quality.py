"""Which vertebrae can be measured, and what a reader should know before trusting the number."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.ct import Acquisition
from OpportunisticBMDLib.result import Box, Reason, Segmentation
from OpportunisticBMDLib.stages.place_region import SLAB_MM
from OpportunisticBMDLib.stages.read_region import METAL_HU, Reading
from OpportunisticBMDLib.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.volume import Volume

LEAST_VOLUME_RATIO = 0.5  # of the largest of the three: less is cut off, crushed or wrongly segmented
LEAST_CONFIDENCE = 0.75
LEAST_SCORE = 0.5  # of a box: both views see it, and their heights differ by less than 12 mm
METAL_SHARE = 0.005
THICK_SLICE_MM = 3.5
EDGE_SHARE = 0.02  # of a mask's voxels on the scan's outermost slices
LEAST_COVERED = 0.98  # share of a region that the scan has to show
MOST_LEFT_OUT = 1 / 3  # of a region: what remains is no longer the body
WORTH_SAYING = 0.05  # of a region: so much left out may move the reading
LEAST_HEIGHT_MM = SLAB_MM + 2.0  # of a body's cancellous bone: in a flatter one the region meets the endplates
CAUSES = {
    "not in the mask": "outside its mask",
    "metal": "metal or cement",
    "dense": "far denser than the rest (sclerosis, a bone island)",
    "hollow": "far less dense than the rest (a cyst, gas, a vein)",
}


def measurability(ct: Volume, segmentation: Segmentation) -> list[Reason]:
    """A warning for each vertebra that cannot be measured, naming it."""
    labels = segmentation.labels.array
    counts = {name: int((labels == number).sum()) for name, number in LABELS.items()}
    largest = max(counts.values())
    reasons = []
    for name in VERTEBRAE:
        mask = labels == LABELS[name]
        if not counts[name]:
            reasons.append(_unmeasurable("not_found", name, f"{name} was not found; it may lie outside the scan."))
        elif _share_on_edge(mask) > EDGE_SHARE:
            reasons.append(_unmeasurable("cut_off", name, f"{name} is cut off by the edge of the scan."))
        elif counts[name] < LEAST_VOLUME_RATIO * largest:
            message = f"{name} is far smaller than its neighbours: crushed, cut off or not segmented as a whole."
            reasons.append(_unmeasurable("too_small", name, message))
        elif (ct.array[mask] > METAL_HU).mean() > METAL_SHARE:
            reasons.append(_unmeasurable("metal", name, f"{name} contains metal or cement."))
    return reasons


def readable(vertebra: str, reading: Reading | None, height_mm: float) -> list[Reason]:
    """A warning where the middle of a body cannot be read, and a note where much of it was left out.

    Args:
        height_mm: of the body's cancellous bone.
    """
    if reading is None or not reading.voxels:
        return [_unmeasurable("no_region", vertebra, f"The mask of {vertebra} holds no body that could be read.")]
    if height_mm < LEAST_HEIGHT_MM:
        message = f"{vertebra} is too flat to be read: its cancellous bone is {height_mm:.0f} mm high."
        return [_unmeasurable("too_flat", vertebra, message)]
    if reading.covered < LEAST_COVERED:
        return [_unmeasurable("cut_off", vertebra, f"The middle of {vertebra} is cut off by the edge of the scan.")]
    share = reading.left_out_share
    causes = " and ".join(CAUSES[cause] for cause, part in reading.left_out.items() if part > WORTH_SAYING / 2)
    if share > MOST_LEFT_OUT:
        message = f"{share:.0%} of the middle of {vertebra} cannot be read: {causes}."
        return [_unmeasurable("region_left_out", vertebra, message)]
    if share > WORTH_SAYING:
        message = f"{share:.0%} of the middle of {vertebra} was left out: {causes}."
        return [Reason("region_in_part", "info", message, vertebra)]
    return []


def misordered(segmentation: Segmentation) -> list[Reason]:
    """A refusal when the masks do not follow each other from head to foot."""
    heights = []
    for number in LABELS.values():
        index = np.argwhere(segmentation.labels.array == number)
        if len(index):
            heights.append(segmentation.labels.grid.ras_of(index.mean(axis=0))[2])
    if heights == sorted(heights, reverse=True):
        return []
    return [Reason("wrong_order", "refusal", "The masks of T12, L1 and L2 do not follow each other from head to foot.")]


def unsure_levels(box: Box | None) -> list[Reason]:
    """A warning when the localizer's views do not agree on which vertebrae these are."""
    if box is None or box.score >= LEAST_SCORE:
        return []
    message = "The front and the side view do not agree well on where T12 to L2 lie: check the levels by the ribs."
    return [Reason("unsure_levels", "warning", message)]


def cautions(ct: Volume, segmentation: Segmentation, acquisition: Acquisition) -> list[Reason]:
    """What does not prevent a measurement, yet bears on how far to trust it."""
    reasons = []
    if acquisition.contrast_agent:
        message = "A contrast agent was given: the measured density is too high by a few percent or more."
        reasons.append(Reason("contrast_agent", "warning", message))
    if acquisition.kvp is None:
        message = "The tube voltage is not known; the calibration line for 120 kVp was used."
        reasons.append(Reason("kvp_unknown", "info", message))
    thickness = max(ct.grid.spacing[ct.grid.axis_towards(2)], acquisition.slice_thickness_mm or 0)
    if thickness > THICK_SLICE_MM:
        message = f"Slices of {thickness:.1f} mm blur the endplates into the cancellous bone."
        reasons.append(Reason("thick_slices", "info", message))
    for name, confidence in segmentation.confidence.items():
        if confidence < LEAST_CONFIDENCE:
            message = f"The segmentation of {name} is unsure ({confidence:.0%}): check its mask."
            reasons.append(Reason("unsure_segmentation", "warning", message, name))
    return reasons


def _unmeasurable(code: str, vertebra: str, message: str) -> Reason:
    return Reason(code, "warning", message, vertebra)


def _share_on_edge(mask: np.ndarray) -> float:
    """The share of a mask's voxels on the array's outermost slices."""
    faces = [mask.take(side, axis=axis).sum() for axis in range(3) for side in (0, -1)]
    return max(faces) / mask.sum()
