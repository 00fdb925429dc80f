"""A simulated quantitative CT reading, the paper's reference beside the true density."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.virtual.spine import Cancellous, Vertebra

ORDER = ("L1", "L2", "T12")  # the first two that can be measured are read
HALF_SLAB_MM = 4.5
SHARE = 0.7  # of the body's width and depth that the reader's ellipse spans
READER_SD_MG_CM3 = 2.0


def read_qct(
    bones: Mapping[str, Cancellous], spine: Mapping[str, Vertebra], axes: tuple[np.ndarray, ...], seed: int
) -> float | None:
    """Mean of two vertebrae, each read in an ellipse through the slab around its middle, mg HA/cm3.

    Args:
        bones: those that can be measured, as the slices show them.
        axes: coordinates of the voxels along right, front and head, mm.
        seed: of the patient, for the reader's own error.
    """
    read = [name for name in ORDER if name in bones][:2]
    if len(read) < 2:
        return None
    error = np.random.default_rng([seed, 4]).normal(0, READER_SD_MG_CM3)
    return float(np.mean([_slab_mean(bones[name], spine[name], axes) for name in read]) + error)


def _slab_mean(bone: Cancellous, vertebra: Vertebra, axes: tuple[np.ndarray, ...]) -> float:
    x, y, z = (np.asarray(a[b], dtype=np.float32) for a, b in zip(axes, bone.box))
    x, y, z = vertebra.local((x[:, None, None], y[None, :, None], z[None, None, :]))
    s = vertebra.shape
    ellipse = (x / (SHARE * s.width / 2)) ** 2 + ((y - 0.05 * s.depth) / (SHARE * s.depth / 2)) ** 2 < 1
    read = bone.inside & ellipse & (np.abs(z) < HALF_SLAB_MM)
    return float(bone.density[read if read.any() else bone.inside].mean(dtype=float))
