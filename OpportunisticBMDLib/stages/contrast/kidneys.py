"""The kidneys where they hold an agent: bright organs in the fat beside the spine, their cortex first."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.ranges import extent, grown
from OpportunisticBMDLib.stages.contrast.beside_spine import SPACING_MM, BesideSpine

ASIDE_MM = (28.0, 105.0)  # beside the middle of the spine
FRONT_MM = (-52.0, 36.0)  # before the middle of the bodies
UNENHANCED_HU = 58.0  # muscle, spleen and liver without an agent; kidneys are darker
LEAST_GAIN_HU = 22.0
MOST_HU = 800.0  # brighter: excreted, swallowed, or metal
LEAST_ML, MOST_ML = 10.0, 400.0
HOLLOW_MM = 9.0  # as wide as pyramids and sinus that a bright cortex encloses
DEEP_MM = 8.0  # below the surface: medulla
SINUS_HU = 20.0  # what is darker holds fat of the sinus
EXCRETED = 1.35  # brighter than so many times the cortex: urine
LEAST_DEEP = 12  # voxels of a medulla


def kidneys(around: BesideSpine) -> tuple[float | None, float | None]:
    """HU of cortex and medulla of the larger kidney in view; None where none holds an agent, or too little is seen."""
    found = [kidney for side in (-1, 1) if (kidney := _bright(around, side)) is not None]
    if not found:
        return None, None
    hu, kidney = around.volume.array, max(found, key=np.count_nonzero)
    cortex = float(np.percentile(hu[kidney & (hu < MOST_HU)], 70))
    whole = _filled(kidney)
    deep = _deep(whole)
    medulla = hu[deep & (hu > SINUS_HU) & (hu < EXCRETED * cortex)]
    return cortex, float(np.percentile(medulla, 30)) if len(medulla) >= LEAST_DEEP else None


def _bright(around: BesideSpine, side: int) -> np.ndarray | None:
    """(I, J, K) the largest bright organ on one side that is neither rib nor liver."""
    hu = around.volume.array
    aside = side * around.right
    place = (aside > ASIDE_MM[0]) & (aside < ASIDE_MM[1]) & (around.front > FRONT_MM[0]) & (around.front < FRONT_MM[1])
    cross = ndimage.generate_binary_structure(3, 1)
    bright = ndimage.binary_opening((hu > UNENHANCED_HU + LEAST_GAIN_HU) & place, cross)  # without ribs
    if not bright.any():
        return None
    top = min(float(np.percentile(hu[bright], 90)), MOST_HU / 2)
    bright &= hu > (top + UNENHANCED_HU) / 2  # without a liver that holds some, too
    parts, count = ndimage.label(ndimage.binary_opening(bright, cross))
    if not count:
        return None
    sizes = np.bincount(parts.ravel())[1:]
    millilitres = sizes.max() * around.volume.grid.voxel_volume / 1000
    return parts == 1 + sizes.argmax() if LEAST_ML <= millilitres <= MOST_ML else None


def _deep(whole: np.ndarray) -> np.ndarray:
    """(I, J, K) what lies so far below the surface of an organ."""
    held, deep = extent(whole), np.zeros_like(whole)
    if held is not None:
        around = grown(held, whole.shape)
        deep[around] = ndimage.distance_transform_edt(whole[around]) * SPACING_MM > DEEP_MM
    return deep


def _filled(kidney: np.ndarray) -> np.ndarray:
    """With what a bright cortex encloses."""
    reach = int(HOLLOW_MM / SPACING_MM)
    ball = sum(g.astype(float) ** 2 for g in np.indices((2 * reach + 1,) * 3) - reach) <= reach**2
    box = ndimage.find_objects(kidney.astype(np.uint8))[0]
    margin = [(reach, reach)] * 3
    closed = ndimage.binary_closing(np.pad(kidney[box], margin), ball)
    inner = tuple(slice(reach, reach + s.stop - s.start) for s in box)
    whole = np.zeros_like(kidney)
    whole[box] = ndimage.binary_fill_holes(closed[inner])
    return whole
