"""What the stages know of a network: arrays in, arrays out, whatever computes it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class Network(Protocol):
    """Classifies voxels or whole crops."""

    def __call__(self, image: np.ndarray, /) -> np.ndarray:
        """(N, channels, I, J, K) float32 -> (N, classes) or (N, classes, I, J, K) float32: probabilities."""


class Found(NamedTuple):
    """What a detector found, the best first.

    Args:
        boxes: (B, 4) float32, x0, y0, x1, y1 in pixels.
        scores: (B,) float32, 0..1.
    """

    boxes: np.ndarray
    scores: np.ndarray


class Detector(Protocol):
    """Finds T12-L2 in a picture."""

    def __call__(self, picture: np.ndarray, /) -> Found:
        """Of a (3, rows, columns) float32 picture in 0..1."""
