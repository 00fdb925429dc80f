"""Maximum intensity projections of a CT, and the way back from their pixels to the patient.

Paper section "Vertebra localization", image preprocessing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.volume import Volume

PADDING_MM = 64.0  # a box may reach beyond the scan: it then tells how much of a vertebra is missing


@dataclass(frozen=True, eq=False)
class Projection:
    """The largest HU along one patient axis.

    Args:
        pixels: (K, N) HU; rows run from foot to head, columns to the right (coronal) or to the front (sagittal).
        corner_mm: right (or anterior) and superior coordinate of the outer corner of pixel (0, 0).
        spacing_mm: side of the square pixels.
    """

    pixels: np.ndarray
    corner_mm: tuple[float, float]
    spacing_mm: float

    @property
    def padding(self) -> int:
        """Pixels that `picture` adds on every side."""
        return round(PADDING_MM / self.spacing_mm)

    def coarsened(self, pixel_mm: float) -> Projection:
        """Pixels of a multiple of this side: the means of those that they replace; a remainder is cut off above."""
        factor = round(pixel_mm / self.spacing_mm)
        rows, columns = (n // factor for n in self.pixels.shape)
        blocks = self.pixels[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
        return Projection(blocks.mean(axis=(1, 3)), self.corner_mm, self.spacing_mm * factor)

    def picture(self, low_hu: float, high_hu: float) -> np.ndarray:
        """(3, K + 2 padding, N + 2 padding) float32 in 0..1: the window applied, air all around."""
        grey = np.clip((self.pixels - low_hu) / (high_hu - low_hu), 0, 1)
        grey = np.pad(grey, self.padding).astype(np.float32)
        return np.stack((grey, grey, grey))

    def to_mm(self, box: np.ndarray) -> np.ndarray:
        """A picture's box (x0, y0, x1, y1) in pixels -> ((2, 2): [[across min, max], [superior min, max]]) in mm."""
        edges = (np.asarray(box, dtype=float) - self.padding) * self.spacing_mm
        return np.array([[edges[0], edges[2]], [edges[1], edges[3]]]) + np.array(self.corner_mm)[:, None]

    def to_pixels(self, across_mm: np.ndarray, superior_mm: np.ndarray) -> np.ndarray:
        """The inverse of `to_mm`: (x0, y0, x1, y1) in pixels of the picture."""
        edges = (np.stack((across_mm, superior_mm)) - np.array(self.corner_mm)[:, None]) / self.spacing_mm
        return (edges + self.padding).T.ravel()


def coronal(ras: Volume) -> Projection:
    """Along the antero-posterior axis. The volume's axes have to run to the right, front and head, isotropic."""
    return _projection(ras, along=1)


def sagittal(ras: Volume, right_mm: tuple[float, float]) -> Projection:
    """From right to left through the slab between two right-left coordinates, which keeps the ribs out."""
    first, last = (ras.grid.index_of([[x, 0, 0] for x in right_mm])[:, 0].round()).astype(int)
    first = int(np.clip(first, 0, ras.grid.size[0] - 1))
    last = int(np.clip(last, first + 1, ras.grid.size[0]))
    slab = ras.grid.cropped((first, 0, 0), (last - first, *ras.grid.size[1:]))
    return _projection(Volume(ras.array[first:last], slab), along=0)


def _projection(ras: Volume, along: int) -> Projection:
    bounds = ras.grid.bounds_ras
    across = 0 if along == 1 else 1
    return Projection(
        pixels=ras.array.max(axis=along).T,
        corner_mm=(float(bounds[across, 0]), float(bounds[2, 0])),
        spacing_mm=float(ras.grid.spacing[2]),
    )
