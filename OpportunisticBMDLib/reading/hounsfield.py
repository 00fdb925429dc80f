"""What voxel values must look like to be Hounsfield units, and how they are kept."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import AIR_HU

_SAMPLES = 2_000_000


def hounsfield(array: np.ndarray, name: str) -> np.ndarray:
    """Checks that values are HU, lifts everything below air to -1024 HU, and keeps them as small as is exact.

    Values below -1024 (-2000, -2048, -3024 ...) are how scanners mark what lies outside the field of view.

    Args:
        array: any shape, any real type.
        name: what the values were read from, for the message.

    Returns:
        int16 where that is exact, else float32; same shape.

    Raises:
        BadInput: not finite, or not HU.
    """
    if array.dtype.kind not in "iuf":
        raise BadInput(f"{name} holds {array.dtype} values: a CT has one number in HU per voxel.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int(array.size - np.isfinite(array).sum())
        raise BadInput(f"{name} holds {count} voxels that are not finite numbers: export the CT again.")
    array = np.maximum(array, np.asarray(AIR_HU, np.result_type(array.dtype, np.int16)))
    reason = _why_not_hu(_sample(array))
    if reason:
        raise BadInput(f"{name} does not look like a CT in Hounsfield units: {reason}.")
    return _small_and_exact(array)


def _small_and_exact(array: np.ndarray) -> np.ndarray:
    fits = array.max() <= np.iinfo(np.int16).max
    exact = array.dtype.kind != "f" or np.array_equal(array, np.rint(array))
    return array.astype(np.int16 if fits and exact else np.float32, copy=False)


def _sample(array: np.ndarray) -> np.ndarray:
    """Evenly spread voxels, so that the checks cost nothing on a large CT."""
    flat = array.ravel(order="K")
    # An odd stride does not run along one column of a power-of-two image.
    return flat[:: max(1, flat.size // _SAMPLES) | 1].astype(np.float32)


def _why_not_hu(values: np.ndarray) -> str | None:
    """The thresholds leave room for a tight crop around one vertebra, which has fat and marrow but no air."""

    def share(low: float, high: float) -> float:
        return float(np.mean((values >= low) & (values <= high)))

    top = float(values.max())
    if share(850, 1250) > 0.15:
        return "most tissue lies near 1000, so an offset of 1024 was probably left in; export it with rescale applied"
    if share(AIR_HU, -20) < 0.005:
        return "hardly any value is below zero, as in MR, a label map or a picture; export the CT in HU"
    if share(-200, 300) < 0.005:
        return "hardly any value is that of soft tissue; export the CT in HU"
    if top < 120:
        return f"the largest value is {top:g}, so it shows no bone; export the CT in HU"
    # A window heaps up at its upper end what lies above it; a noise-free phantom has nothing just below its top.
    if top <= 600 and share(top, top) > max(0.005, 0.2 * share(top - 50, top)) and share(top - 50, top - 0.1) > 0.002:
        return f"all values above {top:g} were cut off; export the CT without a window"
    return None
