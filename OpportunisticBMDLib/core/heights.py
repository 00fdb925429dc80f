"""How high a vertebral body is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BodyHeights:
    """From endplate to endplate along the body's own axis, mm: near its front, in its middle, and near its back."""

    anterior_mm: float
    middle_mm: float
    posterior_mm: float
