"""Which of several stacks shows T12 to L2 best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from OpportunisticBMDLib.core.ct import ImageKind
from OpportunisticBMDLib.core.volume import AIR_HU
from OpportunisticBMDLib.reading.series.slice_pixels import read_slices
from OpportunisticBMDLib.reading.series.slice_stack import SliceStack

# In the eight body CTs that this was tried on, T12 to L2 lie within this distance below the level where the lungs
# begin; how deep one breathed in moves it by several centimetres.
SPINE_BELOW_LUNGS_MM = 190.0
_SAMPLE_MM = 10.0
# Shares of lung in the middle of a slice: a chest reaches the first somewhere, and goes down to the second; bowel
# gas stays below both.
_CHEST_SHARE = 0.15
_LUNG_BASE_SHARE = 0.08
_SHARP_KERNELS = ("BONE", "LUNG", "EDGE", "CHST", "ULTRA", "DETAIL", "HIGHRES", "YA", "YB", "FC5", "FC8")


def best_stack(stacks: Sequence[SliceStack]) -> SliceStack:
    """The stack to measure: axial, original, over the spine from T12 to L2, conventional, thin, with a soft kernel.

    What is named first counts first.

    Args:
        stacks: at least one; read only as far as is needed to tell them apart.
    """
    if len(stacks) == 1:
        return stacks[0]
    basic = [_basic_rank(stack) for stack in stacks]
    finest = [stack for stack, rank in zip(stacks, basic) if rank == max(basic)]
    return max(finest, key=_rank) if len(finest) > 1 else finest[0]


def _basic_rank(stack: SliceStack) -> tuple:
    is_original = "DERIVED" not in stack.first.image_type and _is_conventional(stack)
    return stack.is_regular, stack.extent_mm >= 60, _is_axial(stack), is_original


def _rank(stack: SliceStack) -> tuple:
    # Three centimetres are about a vertebra: less does not outweigh thinner slices.
    covered = round(spine_coverage_mm(stack) / 30)
    thick = next(n for n, limit in enumerate((1.6, 3.2, 5.1, np.inf)) if stack.step <= limit)
    kernel, acquisition = stack.first.kernel, stack.first.acquisition
    native = acquisition.contrast_in_veins is False
    is_usual = acquisition.spectrum is None
    place = stack.extent_mm, stack.first.series_uid
    return covered, _is_conventional(stack), -thick, not _is_sharp(kernel), is_usual, native, *place


def _is_conventional(stack: SliceStack) -> bool:
    return stack.first.acquisition.image_kind is ImageKind.CONVENTIONAL


def _is_axial(stack: SliceStack) -> bool:
    return abs(stack.first.normal[2]) > np.cos(np.radians(40))


def _is_sharp(kernel: str | None) -> bool:
    """By the names of GE, Philips and Canon, and by Siemens' numbers: B60, Br59, Bl57 and up are sharp."""
    text = (kernel or "").upper()
    digits = "".join(c for c in text[1:4] if c.isdecimal())[:2]
    return any(name in text for name in _SHARP_KERNELS) or (len(digits) == 2 and text[0] in "BH" and int(digits) >= 55)


def spine_coverage_mm(stack: SliceStack) -> float:
    """How much of the height in which T12 to L2 can lie the stack covers, judged by where the lungs begin.

    Where no lung is seen the stack may begin right below it or show head or pelvis: half is counted.
    """
    if not _is_axial(stack):
        return 0.0
    heights, shares = _lung_profile(stack)
    low, high = heights[0], heights[-1]
    peak = int(np.argmax(shares))
    if shares[peak] < _CHEST_SHARE:
        return float(min(high - low, SPINE_BELOW_LUNGS_MM) / 2)
    below = np.flatnonzero(shares[:peak] < _LUNG_BASE_SHARE)
    base = heights[below[-1] + 1] if len(below) else low
    return float(max(0.0, min(high, base) - max(low, base - SPINE_BELOW_LUNGS_MM)))


def _lung_profile(stack: SliceStack) -> tuple[np.ndarray, np.ndarray]:
    """Heights towards the head in mm, ascending, and the share of lung of some slices."""
    count = max(2, round(stack.extent_mm / _SAMPLE_MM))
    picked = np.unique(np.linspace(0, len(stack.slices) - 1, count).round().astype(int))
    heights = np.array([stack.slices[k].position[2] for k in picked])
    shares = np.array([_lung_share(plane) for plane in read_slices([stack.slices[k] for k in picked])])
    order = np.argsort(heights)
    return heights[order], shares[order]


def _lung_share(plane: np.ndarray) -> float:
    """The share of lung in the ellipse that fills the middle of the body."""
    plane = np.maximum(plane[::4, ::4], AIR_HU)
    tissue = plane > -300
    rows, columns = (np.flatnonzero(tissue.mean(axis=axis) > 0.1) for axis in (1, 0))
    if len(rows) < 8 or len(columns) < 8:
        return 0.0
    body = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    y, x = np.ogrid[-1 : 1 : body.shape[0] * 1j, -1 : 1 : body.shape[1] * 1j]
    inside = body[x**2 + y**2 < 0.75**2]
    return float(np.mean((inside > -950) & (inside < -500)))
