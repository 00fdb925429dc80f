"""Kernels for bone or lung, by the names that makers give them and by the noise itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality._behind import Behind, peaks_of
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

_SHARP = re.compile(
    r"[BHIJU][6-9]\d[a-z]?(?:[ \\]\d)?"  # Siemens, by two letters and without
    r"|[BH](?:l\d|[a-z][6-9])\d[a-z]?(?:[ \\]\d)?"
    r"|(?:HD ?)?BONE ?(?:PLUS)?|(?:HD ?)?LUNG|(?:HD ?)?EDGE|(?:HD ?)?ULTRA|DETAIL ?PLUS|SHARP ?PLUS"  # GE
    r"|Y[B-D]|[DE]|L"  # Philips
    r"|FC(?:3[0-9]|5[0-9]|8[0-9])\b.*"  # Canon
    r"|[HB]_(?:SHARP|LUNG|BONE)_[A-D]+",  # United Imaging
    re.IGNORECASE,
)
LEAST_COMMON = 0.15  # correlation of the noise 1 mm apart; kernels for soft tissue leave 0.2 to 0.7
LEAST_VOXELS = 1000
MUSCLE_HU = (-20.0, 120.0)
NEAR_HU = 25.0  # of its peak
FAR_MM = 4.0  # from where on noise has nothing in common


@of_scans.check(ReasonCode.SHARP_KERNEL)
def sharp_kernel(seen: SeenScan) -> Iterator[Reason]:
    """An info: on real CTs and on virtual ones such kernels move the mean of a body's middle by less than 1 mg/cm3."""
    kernel = seen.acquisition.kernel
    if kernel is not None and _SHARP.fullmatch(kernel.strip()):
        message = f"The kernel {kernel} is a sharp one, for bone or lung: noisier than one for soft tissue."
        yield Reason(ReasonCode.SHARP_KERNEL, "info", message)
        return
    common = noise_in_common(seen.behind[len(seen.behind) // 2]) if seen.behind else None
    if common is not None and common < LEAST_COMMON:
        message = (
            "The noise is that of a sharp kernel, for bone or lung: a series with one for soft tissue is less noisy."
        )
        yield Reason(ReasonCode.SHARP_KERNEL, "info", message, figure=Figure(100 * common, 100 * LEAST_COMMON))


def noise_in_common(place: Behind) -> float | None:
    """Correlation of the noise of muscle 1 mm apart within the slices; None where there is too little, or voxels are
    larger than that."""
    grid = place.part.grid
    axes = [axis for axis in range(3) if axis != grid.axis_towards(2)]
    if max(grid.spacing[axes]) > 1.0:
        return None
    peaks = [peak for peak in peaks_of([place]).hu if MUSCLE_HU[0] < peak < MUSCLE_HU[1]]
    if not peaks:
        return None
    muscle = place.inside & (np.abs(place.smooth - peaks[0]) < NEAR_HU)
    found = [_in_common(place.part, muscle, axis) for axis in axes]
    return None if None in found else float(np.mean([common for common in found if common is not None]))


def _in_common(part: Volume, muscle: np.ndarray, axis: int) -> float | None:
    """Along one axis, linear between whole voxels."""
    step = float(part.grid.spacing[axis])
    hu, where = (np.moveaxis(array, axis, 0) for array in (part.array, muscle))

    def apart(voxels: int) -> float:
        """Half the mean square of differences: 0 for one voxel with itself, the variance for far ones."""
        both = where[voxels:] & where[: len(where) - voxels]
        if both.sum() < LEAST_VOXELS:
            return np.nan
        differences = hu[voxels:][both].astype(np.float32) - hu[: len(hu) - voxels][both]
        return float((differences**2).mean() / 2)

    voxels = int(1 / step)
    near = np.interp(1 / step, (voxels, voxels + 1), (apart(voxels), apart(voxels + 1)))
    far = apart(round(FAR_MM / step))
    return float(1 - near / far) if np.isfinite(near) and far > 0 else None
