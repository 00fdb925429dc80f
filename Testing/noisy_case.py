"""Three bodies in noise and a pipeline for them, for tests of what edits change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Pipeline


def computed_line_pipeline() -> Pipeline:
    """With the computed line: that of the tissues lies where the masks lie, and is kept from one edit to the next."""
    return replace(Pipeline.load(engine="torch"), calibration=line_for(120))


def noisy_case() -> tuple[CT, Segmentation]:
    """Three bodies of 150 HU in noise."""
    ct, segmentation = synthetic_case(grid_of("oblique"))
    noise = np.random.default_rng(1).normal(0, 25, ct.volume.grid.size)
    noisy = Volume((ct.volume.array + noise).astype(np.int16), ct.volume.grid)
    return CT(noisy, ct.acquisition), segmentation


def unseen(ct: CT) -> CT:
    """The same CT, of which nothing is remembered."""
    return replace(ct, volume=replace(ct.volume))
