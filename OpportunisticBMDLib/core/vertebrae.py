"""The three vertebrae that are measured, and their numbers in every label map of the project."""

from __future__ import annotations

VERTEBRAE = ("T12", "L1", "L2")
LABELS = {name: number for number, name in enumerate(VERTEBRAE, start=1)}
