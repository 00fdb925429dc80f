"""What size, spacing and place an image of a patient can have; a wrong digit in a header seldom stays within."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput

# From the finest detectors of clinical CT to the thickest slices.
SPACING_MM = (0.05, 30.0)
MOST_EXTENT_MM = 3000.0  # a table's whole travel
MOST_DISTANCE_MM = 20_000.0  # from the scanner's origin
MOST_VOXELS = 2**30


def check_size(size: tuple[int, ...], path: Path) -> None:
    """Raises BadInput where a size is no size, or more voxels than a CT of a trunk has."""
    shown = " x ".join(f"{n:d}" for n in size)
    if min(size) < 1:
        raise BadInput(f"{path} is damaged: it says that its size is {shown} voxels; copy or export it again.")
    if np.prod(size, dtype=float) > MOST_VOXELS:
        raise BadInput(f"{path} says that its size is {shown} voxels, which no CT of a trunk has: export it again.")


def check_spacing(spacing: np.ndarray, path: Path) -> None:
    """Raises BadInput where distances between voxels in mm are none, or none of a CT."""
    if not (spacing.min() >= SPACING_MM[0] and spacing.max() <= SPACING_MM[1]):
        shown = " x ".join(f"{mm:.3g}" for mm in spacing)
        raise BadInput(
            f"{path} says that its voxels are {shown} mm, which no CT has (another unit than mm?): export it again."
        )


def check_geometry(affine: np.ndarray, size: tuple[int, int, int], path: Path) -> None:
    """Raises BadInput for geometry that no patient's image has.

    Args:
        affine: 4 x 4, from (i, j, k, 1) to mm.
        size: number of voxels along i, j, k.
        path: the file, for the message.
    """
    if not np.isfinite(affine).all():
        raise BadInput(f"{path} gives its place in numbers that are not finite: export it again.")
    with np.errstate(over="ignore"):
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
    check_spacing(spacing, path)
    extent = spacing * size
    if extent.max() > MOST_EXTENT_MM:
        raise BadInput(f"{path} says that it covers {extent.max():.0f} mm, which no CT does: export it again.")
    distance = np.abs(affine[:3, 3]).max()
    if distance > MOST_DISTANCE_MM:
        raise BadInput(f"{path} says that it lies {distance:.3g} mm from the scanner's origin: export it again.")
