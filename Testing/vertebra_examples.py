"""What the DenseNet is fitted on, made by hand."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDTraining.fit.samples.examples import SIZE, ReadingSample, VertebraExample


def example(truth: float = 100.0, off: float = 0.0, vertebra: str = "L1") -> VertebraExample:
    """Denser by 2 mg/cm3 a voxel to the right, within a body in tissue of 30; read `off` too high."""
    crop = np.broadcast_to(truth + 2 * (np.arange(SIZE[0]) - 15.5)[:, None, None], SIZE).astype(np.float32)
    share = np.zeros(SIZE, np.float32)
    share[6:26, 8:24, 10:22] = 1
    return VertebraExample(
        vertebra,
        np.where(share > 0, crop, 30).astype(np.float32),
        share,
        np.array([12, 9, 4.5]),
        truth + off,
        1.0,
        truth,
    )


def sample(name: str = "virtual-1", *examples: VertebraExample) -> ReadingSample:
    examples = examples or (example(),)
    return ReadingSample(name, name, examples, own=1)
