"""What QCT would read of a virtual patient whose CT had neither noise, blur, contrast agent nor another voltage."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from OpportunisticBMDLib.calibration import REFERENCE_KVP, line_for
from OpportunisticBMDLib.geometry import Grid
from OpportunisticBMDLib.quality import readable
from OpportunisticBMDLib.stages.place_region import body_height_mm, place_region
from OpportunisticBMDLib.stages.read_region import read_region
from OpportunisticBMDLib.vertebrae import LABELS
from OpportunisticBMDLib.volume import Volume
from training.virtual.canvas import Canvas
from training.virtual.materials import calibration
from training.virtual.spine import Cancellous


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
    return _readings(Volume(hu, grid), Volume(labels, grid))


def _readings(ct: Volume, labels: Volume) -> dict[str, float]:
    found = {}
    for name in LABELS:
        region = place_region(labels, name)
        if region is None:
            continue
        reading = read_region(ct, labels, name, region)
        if all(r.severity == "info" for r in readable(name, reading, body_height_mm(labels, name, region))):
            found[name] = float(line_for(REFERENCE_KVP).bmd(reading.hu_mean))
    return found
