"""A scan in which there is no lumbar spine to find: of a head, a limb or a phantom."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.volume import AIR_HU, Volume

COARSE_MM = 4.0
BODY_HU = -300.0
LEAST_CM2 = 280.0  # the largest section of a thin adult's trunk has 350 and more, a head 250
LEAST_WHOLE = 0.5  # of the slices: those whose section the field of view cuts do not tell
FAT_HU = (-140.0, -40.0)
LEAST_FAT = 0.03  # of a section, away from its surface: the thinnest adult has more
RIM_MM = 12.0  # where skin and air, and what stands on a table, average to anything
FULL_SLICES = 5  # fewer tell nothing
MOST_ON_RIM = 0.5  # voxels of a section on the rim of the field, relative to the root of its area: a table may touch


def unlike_a_trunk(ct: Volume) -> Reason | None:
    """A refusal that says what else a scan shows; None where it may be a trunk.

    It is asked where no vertebrae were found, so that a small patient is never refused for his size.
    """
    step = np.maximum(1, np.round(COARSE_MM / ct.grid.spacing)).astype(int)
    hu = ct.array[:: step[0], :: step[1], :: step[2]].astype(np.float32)
    spacing = step * ct.grid.spacing
    axis = ct.grid.axis_towards(2)
    across = np.delete(spacing, axis)
    slices = np.moveaxis(hu, axis, 0)
    sections = [_section(plane > BODY_HU) for plane in slices]
    whole = [
        bool(section.any()) and not _is_cut(section, plane <= AIR_HU)
        for section, plane in zip(sections, slices, strict=True)
    ]
    if len(whole) >= FULL_SLICES and np.mean(whole) >= LEAST_WHOLE:
        areas = [section.sum() * across.prod() / 100 for section, is_whole in zip(sections, whole) if is_whole]
        largest = float(np.percentile(areas, 95))
        if largest < LEAST_CM2:
            message = "The scan shows no trunk: its largest section is as small as that of a head, a limb or a child."
            return Reason(ReasonCode.NOT_A_TRUNK, "refusal", message, figure=Figure(largest, LEAST_CM2))
    inner = np.stack([ndimage.binary_erosion(s, iterations=max(1, round(RIM_MM / across.max()))) for s in sections])
    values = slices[inner]
    if len(values) and np.mean((values > FAT_HU[0]) & (values < FAT_HU[1])) < LEAST_FAT:
        message = "The scan shows no patient: nothing in it reads as fat does, as in a phantom."
        return Reason(ReasonCode.NOT_A_TRUNK, "refusal", message)
    return None


def _section(body: np.ndarray) -> np.ndarray:
    """(I, J) bool: the largest part of a slice, with what it encloses."""
    parts, count = ndimage.label(body)
    if not count:
        return body
    largest: np.ndarray = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return np.asarray(ndimage.binary_fill_holes(largest))


def _is_cut(section: np.ndarray, padded: np.ndarray) -> bool:
    """Whether a section reaches the edge of the slice, or of the circle where only one is shown."""
    shown = np.ones(section.shape, bool)
    if padded[[0, 0, -1, -1], [0, -1, 0, -1]].all():  # the corners; air itself is often as low
        x, y = np.ogrid[-1 : 1 : section.shape[0] * 1j, -1 : 1 : section.shape[1] * 1j]
        shown = np.hypot(x, y) <= 1
    rim = shown & ~ndimage.binary_erosion(shown)
    return float((section & rim).sum()) > MOST_ON_RIM * np.sqrt(section.sum())
