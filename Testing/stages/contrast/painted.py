"""A trunk of plain shapes around a straight spine: vessels, kidneys and muscle in fat, to be seen in any phase."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume

BODIES = {"T12": np.array([0.0, 0.0, 33.0]), "L1": np.zeros(3), "L2": np.array([0.0, 0.0, -33.0])}
# Aorta, cava above and below the renal veins, renal cortex and medulla: HU at 120 kVp.
PHASES = {
    "none": (42, 42, 42, 32, 32),
    "arterial": (310, 110, 45, 170, 60),
    "portal venous": (165, 150, 100, 190, 135),
    "late": (125, 124, 122, 160, 160),
}
STEP_MM = 3.0


def painted(hu: tuple[float, float, float, float, float], **changes) -> CT:
    """A CT of 3 mm voxels along the patient's axes, without noise.

    Args:
        changes: "kidneys": the sides that have one; "aorta_mm": its radius; "top", "bottom": of the scan, mm above L1;
            "noise": SD in HU; "wall": HU of chalk or stent around the aorta; "side": -1 where right and left are
            exchanged; "kvp", "agent": in the header.
    """
    aorta, upper, lower, cortex, medulla = hu
    top, bottom = changes.get("top", 96.0), changes.get("bottom", -96.0)
    size = (94, 64, round((top - bottom) / STEP_MM))
    grid = Grid.axis_aligned(size, [STEP_MM] * 3, (0.0, 0.0, (top + bottom) / 2))
    x, y, z = (STEP_MM * (g.astype(np.float32) - (n - 1) / 2) for g, n in zip(np.indices(size, sparse=True), size))
    x, z = x * changes.get("side", 1), z + (top + bottom) / 2
    ct = np.full(size, -100.0, np.float32)
    ct[((np.abs(x) < 60) & (y < -35))[:, :, 0]] = 52.0  # muscle of the back
    ct[(np.hypot((np.abs(x) - 32) / 12, y / 15) < 1)[:, :, 0]] = 55.0  # psoas
    ct[(np.hypot(x / 22, y / 17) < 1)[:, :, 0]] = 170.0  # bodies, without their discs
    radius = changes.get("aorta_mm", 10.5)
    from_aorta = np.hypot(x + 10, y - 19 - radius)[:, :, 0]
    ct[from_aorta < radius + 1] = changes.get("wall", 45.0)
    ct[from_aorta < radius - 0.5] = aorta
    ct[(np.hypot(x - 25, y - 33) < 10.5)[:, :, 0]] = np.where(z > -12, upper, lower)[0]
    for side in changes.get("kidneys", (-1, 1)):
        inside = np.sqrt(((x - side * 65) / 26) ** 2 + ((y + 10) / 27) ** 2 + ((z + 12) / 54) ** 2)
        ct[inside < 1] = cortex
        ct[inside < 0.6] = medulla
        ct[np.hypot(x - side * 55, y + 8) + np.abs(z + 12) / 4 < 9] = -60.0  # sinus
    ct = ndimage.gaussian_filter(ct, 0.6)
    ct += changes.get("noise", 8.0) * np.random.default_rng(1).standard_normal(size, np.float32)
    acquisition = Acquisition("CT", "virtual", kvp=changes.get("kvp"), contrast_agent=changes.get("agent"))
    return CT(Volume(ct, grid), acquisition)
