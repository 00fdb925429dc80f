"""What voxel values must look like to be Hounsfield units, and how they are kept."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.volume import AIR_HU

MOST_HU = 32767.0  # of 16 bits, which the extended scales for metal do not fill
_SAMPLES = 2_000_000
_ODD = 1e-5  # share of voxels that may be damaged and tell nothing of the scale


def hounsfield(array: np.ndarray, name: str) -> np.ndarray:
    """Checks that values are HU, lifts everything below air to -1024 HU, and keeps them as small as is exact.

    Values below -1024 (-2000, -2048, -3024 ...) are how scanners mark what lies outside the field of view.

    Args:
        array: any shape, any real type.
        name: what the values were read from, for the message.

    Returns:
        int16 where that is exact, else float32; same shape.

    Raises:
        BadInput: not finite, beyond what a CT can hold, or not HU.
    """
    if array.dtype.kind not in "iuf":
        raise BadInput(f"{name} holds {array.dtype} values: a CT has one number in HU per voxel.")
    parts = _parts(array)
    not_finite = sum(int(part.size - np.isfinite(part).sum()) for part in parts) if array.dtype.kind == "f" else 0
    if not_finite:
        raise BadInput(f"{name} holds {not_finite} voxels that are not finite numbers: export the CT again.")
    fits = array.dtype.kind != "f" and np.iinfo(array.dtype).max <= MOST_HU
    too_bright = 0 if fits else sum(int(np.count_nonzero(part > MOST_HU)) for part in parts)
    if too_bright:
        raise BadInput(
            f"{name} holds {too_bright} voxels above {MOST_HU:.0f} HU, more than a CT can hold: it is damaged, or "
            "padded with them; export the CT again."
        )
    reason = _why_not_hu(_sample(array))
    if reason:
        raise BadInput(f"{name} does not look like a CT in Hounsfield units: {reason}.")
    return _lifted(array)


def _parts(array: np.ndarray) -> list[np.ndarray]:
    """Views of the slices along the axis that lies farthest apart in memory: no second copy of a large CT is needed."""
    slowest = int(np.argmax(np.abs(array.strides)))
    return list(np.moveaxis(array, slowest, 0))


def _lifted(array: np.ndarray) -> np.ndarray:
    """What lies below air lifted to it, in the smallest type that is exact."""
    exact = array.dtype.kind != "f" or all(_is_whole(part) for part in _parts(array))
    kind = np.dtype(np.int16 if exact else np.float32)
    if array.dtype == kind and array.min() >= AIR_HU:
        return array
    lifted = np.empty_like(array, kind)
    for target, part in zip(_parts(lifted), _parts(array), strict=True):
        target[...] = from_air(part)
    return lifted


def from_air(part: np.ndarray) -> np.ndarray:
    """What lies below air lifted to it; signed."""
    lifted: np.ndarray = np.maximum(part, np.asarray(AIR_HU, np.result_type(part.dtype, np.int16)))
    return lifted


def smallest_kind(lifted: np.ndarray) -> np.dtype:
    """The type in which values that are nowhere below air are kept until it is known whether they are HU."""
    if lifted.dtype.kind == "f":
        return np.dtype(np.float32)
    return lifted.dtype if lifted.max() > MOST_HU else np.dtype(np.int16)


def _is_whole(part: np.ndarray) -> bool:
    part = from_air(part)
    return np.array_equal(part, np.rint(part))


def _sample(array: np.ndarray) -> np.ndarray:
    """Evenly spread voxels, so that the checks cost nothing on a large CT."""
    flat = array.ravel(order="K")
    # An odd stride does not run along one column of a power-of-two image.
    return from_air(flat[:: max(1, flat.size // _SAMPLES) | 1]).astype(np.float32)


def _why_not_hu(values: np.ndarray) -> str | None:
    """The thresholds leave room for a tight crop around one vertebra, which has fat and marrow but no air."""

    def share(low: float, high: float) -> float:
        return float(np.mean((values >= low) & (values <= high)))

    top = float(np.quantile(values, 1 - _ODD, method="lower"))
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
