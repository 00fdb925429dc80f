"""What an image file says of itself, read and judged before anything is unpacked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

Encoding = Literal["raw", "gzip", "zlib", "bzip2", "text"]


@dataclass(frozen=True)
class VoxelBlock:
    """Where a file's voxels lie and how they are written, the first axis fastest.

    Args:
        files: one, or several that follow each other and hold equally many voxels.
        offset: bytes of each file before the voxels, or before what is packed.
        skipped: unpacked bytes before the voxels.
        dtype: with its byte order.
        encoding: how they are packed.
        slope: the value is `slope` x what is written + `intercept`.
        intercept: see `slope`.
    """

    files: tuple[Path, ...]
    offset: int
    dtype: np.dtype
    encoding: Encoding = "raw"
    skipped: int = 0
    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """A header whose geometry is stated, plausible and bounded.

    Args:
        path: the file that was named.
        format: "NIfTI", "NRRD" or "MetaImage".
        voxels: where they are.
        size: number of voxels along i, j, k.
        affine: 4 x 4, from (i, j, k, 1) to (right, anterior, superior, 1) in mm, as the file states it.
        layers: label maps in one file, each of this size, interleaved voxel by voxel: 3D Slicer's overlapping segments.
        keys: what else an NRRD file says, e.g. "Segment0_Name".
    """

    path: Path
    format: str
    voxels: VoxelBlock
    size: tuple[int, int, int]
    affine: np.ndarray
    layers: int = 1
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def voxel_count(self) -> int:
        """Of all layers."""
        return self.layers * math.prod(self.size)

    @property
    def byte_count(self) -> int:
        """Of all voxels, unpacked."""
        return self.voxel_count * self.voxels.dtype.itemsize
