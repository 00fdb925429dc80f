"""Label maps that are kept for later: only the part that is not 0, compressed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.ranges import extent

FASTEST = 1  # zlib's level; masks are runs of equal voxels, of which a higher one makes little more


@dataclass(frozen=True)
class PackedLabels:
    """A label map in some kB; two of equal voxels are equal.

    Args:
        size: of the whole label map.
        start, shape: of the smallest part that holds all labels; a shape of zeros where there are none.
        packed: that part as uint8.
    """

    size: tuple[int, int, int]
    start: tuple[int, int, int]
    shape: tuple[int, int, int]
    packed: bytes

    @classmethod
    def of(cls, labels: np.ndarray) -> PackedLabels:
        """Packs a label map or a mask, indexed [i, j, k]; uint8 or bool."""
        ranges = extent(labels) or (slice(0, 0),) * 3
        part = np.ascontiguousarray(labels[ranges], dtype=np.uint8)
        start = triple(r.start for r in ranges)
        return cls(triple(labels.shape), start, triple(part.shape), zlib.compress(part.tobytes(), FASTEST))

    @property
    def part(self) -> np.ndarray:
        """The smallest part that holds all labels, uint8."""
        return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(self.shape)

    @property
    def array(self) -> np.ndarray:
        """The whole label map, uint8, made anew."""
        array = np.zeros(self.size, np.uint8)
        array[tuple(slice(first, first + n) for first, n in zip(self.start, self.shape))] = self.part
        return array
