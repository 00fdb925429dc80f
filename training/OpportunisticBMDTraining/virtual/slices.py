"""What a scanner's slices gather from the thin planes that are painted: thickness, profile, and distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from OpportunisticBMDTraining.virtual.parameters import ScanParameters

PLANE_MM = 1.25


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices of any thickness and distance through painted planes.

    Args:
        up: (N,) heights of the slices' middles, mm, ascending.
        weights: (N, M) float32 share of each painted plane in each slice; rows sum to 1.
    """

    up: np.ndarray
    weights: np.ndarray

    @classmethod
    def through(cls, planes: np.ndarray, scan: ScanParameters) -> Slices | None:
        """The scan's slices through planes at ascending heights (mm); None where each plane is a slice."""
        if not _is_resampled(scan):
            return None
        up = slice_heights(scan)
        away, share = _profile(scan.slice_thickness, scan.smear)
        place = (up[:, None] + away[None, :] - planes[0]) / (planes[1] - planes[0])
        first = np.clip(place.astype(int), 0, len(planes) - 2)
        part = np.clip(place - first, 0, 1)
        weights = np.zeros((len(up), len(planes)))
        rows = np.broadcast_to(np.arange(len(up))[:, None], first.shape)
        np.add.at(weights, (rows, first), share * (1 - part))
        np.add.at(weights, (rows, first + 1), share * part)
        return cls(up, weights.astype(np.float32))

    def nearest(self, painted: np.ndarray) -> np.ndarray:
        """(I, J, M) -> (I, J, N): of each slice the plane that counts most in it."""
        return painted[:, :, self.weights.argmax(axis=1)]

    def within(self, low: float, high: float) -> slice:
        """Which slices have their middle between two heights (mm)."""
        return slice(int(np.searchsorted(self.up, low)), int(np.searchsorted(self.up, high, side="right")))

    def of(self, painted: np.ndarray, planes: slice, wanted: slice) -> np.ndarray:
        """(I, J, planes) -> (I, J, wanted): what the wanted slices show of a few of the planes."""
        weights = self.weights[wanted, planes]
        return painted @ (weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)).T

    def image(self, hu: np.ndarray, k: int) -> np.ndarray:
        """(I, J) slice k of a whole painted volume (I, J, M)."""
        used = np.flatnonzero(self.weights[k])
        planes = slice(used[0], used[-1] + 1)
        return np.tensordot(self.weights[k, planes], hu.transpose(2, 1, 0)[planes], axes=1).T


def slice_heights(scan: ScanParameters) -> np.ndarray:
    """Heights of the slices' middles, mm."""
    step = scan.increment or scan.slice_thickness
    return scan.bottom + (np.arange(int((scan.top - scan.bottom) / step)) + 0.5) * step


def plane_heights(scan: ScanParameters) -> np.ndarray:
    """Heights of the planes to paint, mm: the slices themselves, or planes about 1.25 mm apart to make them of."""
    if not _is_resampled(scan):
        return slice_heights(scan)
    thickness = scan.slice_thickness
    step = max(thickness / max(round(thickness / PLANE_MM), 1), 1.0)
    return np.arange(scan.bottom - thickness, scan.top + thickness, step)


def _is_resampled(scan: ScanParameters) -> bool:
    return scan.smear > 0 or scan.increment > 0


def _profile(thickness: float, smear: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances from a slice's middle (mm) and how much each counts: a box with edges blurred by SD `smear`."""
    away = np.linspace(-0.5, 0.5, 25) * (thickness + 4 * smear)
    blur = np.sqrt(2) * max(smear, 0.02 * thickness)
    share = erf((away + thickness / 2) / blur) - erf((away - thickness / 2) / blur)
    return away, share / share.sum()
