"""Connected parts of a mask."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The part with the most voxels, connected through faces; the mask itself where it is in one piece or empty."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    largest: np.ndarray = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return largest
