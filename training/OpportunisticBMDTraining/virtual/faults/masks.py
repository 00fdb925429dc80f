"""Masks that were changed by hand, or belong to another CT, and a box that lies beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.virtual.faults.fault import Change, Fault, Random, one_of

CORTEX_MM = 3.5
ARCH_MM = 32.0, 26.0, 5.0  # behind the body, to either side, above and below its middle


def _each(change: Callable[[Random, np.ndarray, np.ndarray], np.ndarray], words: str) -> Change[Segmentation]:
    """Changes one mask or two.

    Args:
        change: from a mask (I, J, K) bool and the spacing (mm) to another mask.
    """

    def planted(rng: Random, masks: Segmentation) -> tuple[Segmentation, str]:
        labels, spacing = masks.labels.array.copy(), masks.labels.grid.spacing
        names = [name for name in VERTEBRAE if rng.random() < 0.35][:2] or [one_of(rng, *VERTEBRAE)]
        for name in names:
            mask = labels == LABELS[name]
            labels[mask] = 0
            changed = change(rng, mask, spacing) & (labels == 0)
            labels[changed] = LABELS[name]
        return _with_labels(masks, labels), f"{' and '.join(names)} {words}"

    return planted


def _with_labels(masks: Segmentation, labels: np.ndarray) -> Segmentation:
    return replace(masks, labels=Volume(labels, masks.labels.grid))


def _swapped(rng: Random, masks: Segmentation) -> tuple[Segmentation, str]:
    first, second = one_of(rng, (1, 2), (2, 3), (1, 3))
    to = np.arange(4, dtype=np.uint8)
    to[[first, second]] = second, first
    return _with_labels(masks, to[masks.labels.array]), f"labels {first} and {second} exchanged"


def _renamed(rng: Random, masks: Segmentation) -> tuple[Segmentation, str]:
    """T12 is called L1, and L1 is called L2: the lowest mask is gone."""
    up = bool(rng.random() < 0.5)
    to = np.array([0, 2, 3, 0] if up else [0, 0, 1, 2], np.uint8)
    return _with_labels(masks, to[masks.labels.array]), f"names moved {'down' if up else 'up'} by one"


def _moved(rng: Random, masks: Segmentation) -> tuple[Segmentation, str]:
    axis, away = one_of(rng, 0, 1, 2), float(rng.uniform(14, 40)) * one_of(rng, -1, 1)
    steps = round(away / masks.labels.grid.spacing[axis])
    labels = np.roll(masks.labels.array, steps, axis=axis)
    labels[(slice(None),) * axis + (slice(0, steps) if steps > 0 else slice(steps, None),)] = 0
    return _with_labels(masks, labels), f"all masks moved by {away:+.0f} mm along axis {axis}"


def _missing(rng: Random, mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    return np.zeros_like(mask)


def _part(most: float, least: float) -> Callable[[Random, np.ndarray, np.ndarray], np.ndarray]:
    """What is left when a share between two is erased from one side."""

    def left(rng: Random, mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
        axis, keep = one_of(rng, 0, 1, 2), 1 - float(rng.uniform(least, most))
        along = np.cumsum(mask.sum(axis=tuple(a for a in range(3) if a != axis)))
        shape = [1, 1, 1]
        shape[axis] = -1
        part: np.ndarray = mask & (along <= keep * along[-1]).reshape(shape)
        return part

    return left


def _slab(rng: Random, mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """A few mm around the middle height."""
    slab, middle = np.zeros_like(mask), int(np.argwhere(mask)[:, 2].mean())
    half = max(round(float(rng.uniform(2, 4)) / spacing[2]), 1)
    slab[:, :, middle - half : middle + half] = mask[:, :, middle - half : middle + half]
    return slab


def _shreds(rng: Random, mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """A few voxels here and there."""
    shreds: np.ndarray = mask & (rng.random(mask.shape, dtype=np.float32) < rng.uniform(0.001, 0.003))
    return shreds


def _swollen(rng: Random, mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    by = float(rng.uniform(3, 5))
    return _within(mask, spacing, by + 2, lambda part: _nearer(part, spacing, by))


def _with_cortex(rng: Random, mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    return _within(mask, spacing, CORTEX_MM + 2, lambda part: _nearer(part, spacing, CORTEX_MM))


def _with_arch(rng: Random, mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """As a mask of the whole vertebra: a plate behind the body in place of arch and processes."""
    found = np.argwhere(mask)
    middle, back = found.mean(axis=0), found[:, 1].min()
    behind, beside, tall = np.array(ARCH_MM) / spacing[[1, 0, 2]]
    arch = np.zeros_like(mask)
    low, high = middle - (beside, 0, tall), middle + (beside, 0, tall)
    arch[
        max(int(low[0]), 0) : int(high[0]),
        max(int(back - behind), 0) : int(middle[1]),
        max(int(low[2]), 0) : int(high[2]),
    ] = True
    return mask | arch


def _nearer(mask: np.ndarray, spacing: np.ndarray, distance_mm: float) -> np.ndarray:
    near: np.ndarray = ndimage.distance_transform_edt(~mask, sampling=spacing) <= distance_mm
    return near


def _within(
    mask: np.ndarray, spacing: np.ndarray, room_mm: float, change: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Changes the part around a mask alone."""
    found = np.argwhere(mask)
    if not len(found):
        return mask
    room = np.ceil(room_mm / spacing).astype(int)
    low, high = np.maximum(found.min(axis=0) - room, 0), found.max(axis=0) + room + 1
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high))
    changed = mask.copy()
    changed[box] = change(mask[box])
    return changed


def _box_elsewhere(rng: Random, box: Box) -> tuple[Box, str]:
    away = float(rng.uniform(35, 70)) * one_of(rng, -1, 1)
    ras = box.ras_mm.copy()
    ras[2] += away
    return replace(box, ras_mm=ras), f"box moved by {away:+.0f} mm"


SWAPPED = Fault("labels exchanged", "wrong_order", masks=_swapped)
RENAMED = Fault("names moved by one", "not_found", ("masks_outside_box", "unusual_spacing"), masks=_renamed)
MOVED = Fault(
    "masks beside the bodies",
    "not_in_body",
    ("masks_outside_box", "cut_off", "no_region", "region_left_out", "below_zero", "metal"),
    masks=_moved,
)
MISSING = Fault("a mask is missing", "not_found", masks=_each(_missing, "erased"))
PART = Fault(
    "most of a mask is missing",
    "too_small",
    ("unusual_volume", "too_flat", "no_region", "region_left_out", "cut_off"),
    masks=_each(_part(0.85, 0.6), "erased for the most part"),
)
SLAB = Fault(
    "masks of a slab alone", "too_flat", ("compressed", "no_region", "too_small"), masks=_each(_slab, "but a slab")
)
SHREDS = Fault(
    "masks in shreds", "no_region", ("too_small", "too_flat", "region_left_out"), masks=_each(_shreds, "in shreds")
)
CUT = Fault(
    "a part of a mask is missing",
    "unusual_volume",
    ("too_small", "compressed", "region_left_out", "too_flat", "no_region"),
    masks=_each(_part(0.45, 0.3), "erased in part"),
)
SWOLLEN = Fault(
    "masks too large",
    "unusual_volume",
    ("cortex_in_mask", "whole_vertebra", "too_small"),
    masks=_each(_swollen, "swollen"),
)
WITH_CORTEX = Fault(
    "masks with their cortex", "cortex_in_mask", ("unusual_volume",), masks=_each(_with_cortex, "with cortex")
)
WITH_ARCH = Fault(
    "masks of whole vertebrae", "whole_vertebra", ("unusual_volume", "too_small"), masks=_each(_with_arch, "whole")
)
BOX = Fault("box elsewhere", "masks_outside_box", box=_box_elsewhere)
