"""Whether a grid is large enough to show vertebrae at all."""

from __future__ import annotations

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid

LEAST_COVERAGE_MM = 20.0


def check_coverage(grid: Grid, name: str) -> None:
    """Raises BadInput for single slices and thin slabs: a vertebral body alone is more than 20 mm high."""
    extent = grid.spacing * grid.size
    if extent.min() < LEAST_COVERAGE_MM:
        shape = " x ".join(f"{mm:.0f}" for mm in extent)
        raise BadInput(f"{name} covers only {shape} mm: a CT volume of at least {LEAST_COVERAGE_MM:.0f} mm is needed.")
