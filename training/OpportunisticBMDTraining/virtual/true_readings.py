"""What QCT would read of a virtual patient whose CT had neither noise, blur, contrast agent nor another voltage."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from OpportunisticBMDLib.calibration import REFERENCE_KVP
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.qct import qct_reading
from OpportunisticBMDTraining.virtual.canvas import Canvas
from OpportunisticBMDTraining.virtual.materials import calibration
from OpportunisticBMDTraining.virtual.spine import Cancellous


def true_readings(canvas: Canvas, bones: Mapping[str, Cancellous], marrow_fat: float) -> dict[str, float]:
    """Vertebra -> mg/cm3 of HA in water, of those whose middle can be read.

    The region is that of a CT (`place_region`), found on the lattice that was painted. Marrow and its fat are part of
    what QCT reads: only the contrast agent in it is not.

    Args:
        bones: as far as the scan reaches them.
        marrow_fat: share of the marrow's volume that is yellow.
    """
    if not bones:
        return {}
    box = tuple(
        slice(min(b.painted_box[a].start for b in bones.values()), max(b.painted_box[a].stop for b in bones.values()))
        for a in range(3)
    )
    slope, marrow = calibration(REFERENCE_KVP, marrow_fat)
    size = [s.stop - s.start for s in box]
    hu, labels = np.full(size, marrow, np.float32), np.zeros(size, np.uint8)
    for name, bone in bones.items():
        part = tuple(slice(p.start - s.start, p.stop - s.start) for p, s in zip(bone.painted_box, box))
        hu[part][bone.painted] = slope * bone.density[bone.painted] + marrow
        labels[part][bone.painted] = LABELS[name]
    middle = [float(axis[s].astype(float).mean()) for axis, s in zip((canvas.x, canvas.y, canvas.z), box)]
    grid = Grid.axis_aligned(size, canvas.spacing, middle)
    readings = {name: qct_reading(Volume(hu, grid), Volume(labels, grid), name, REFERENCE_KVP) for name in LABELS}
    return {name: bmd for name, bmd in readings.items() if bmd is not None}
