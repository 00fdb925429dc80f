"""Gas in a body, as in a cleft of bone that has died, and in a worn disc."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.noise import median_and_sd
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality.body import GAS_MM
from OpportunisticBMDLib.quality.registry import SeenRegion, SeenScan, of_regions, of_scans

GAS_HU = -150.0  # below all fat
NOISE_SDS = 4.5  # below the body's median: as low as noise alone goes
BELOW_SURFACE_MM = 1.0  # of a mask: what lies less deep may be a disc's
MOST_GAS_MM3 = 20.0
DISC_MM = 8.0, 22.0  # below a body's middle: where the disc under it is looked for
DISC_RADII = 1.2  # of the region
ROOM_MM = 4 * GAS_MM  # above and below, as far as smoothing reaches
MOST_DISC_GAS_MM3 = 50.0


@of_regions.check(ReasonCode.GAS_IN_BODY)
def gas_in_body(seen: SeenRegion) -> Iterator[Reason]:
    if seen.body is None or not seen.body.middle.any():
        return
    body = seen.body
    hu = body.smoothed(GAS_MM)
    median, noise = median_and_sd(hu[body.middle])
    limit = min(GAS_HU, median - NOISE_SDS * noise)
    volume = body.volume_mm3((hu < limit) & body.deeper_than(BELOW_SURFACE_MM))
    if volume > MOST_GAS_MM3:
        message = (
            f"{seen.vertebra} holds gas ({volume / 1000:.1f} cm³), as bone does that broke and died, so its density is "
            "not used: look for a fracture, or an infection."
        )
        yield Reason(ReasonCode.GAS_IN_BODY, "warning", message, seen.vertebra, Figure(volume, MOST_GAS_MM3))


@of_scans.check(ReasonCode.VACUUM_DISC)
def vacuum_disc(seen: SeenScan) -> Iterator[Reason]:
    whole = seen.whole or seen.ct
    for name, reading in seen.readings.items():
        volume = _gas_below(whole, reading)
        if volume > MOST_DISC_GAS_MM3:
            message = (
                f"The disc below {name} holds gas (a vacuum phenomenon): it is worn, and the bone beside it may be "
                "denser than the rest."
            )
            yield Reason(ReasonCode.VACUUM_DISC, "info", message, name, Figure(volume, MOST_DISC_GAS_MM3))


def _gas_below(ct: Volume, reading: Reading) -> float:
    """mm3 of gas under the middle of a body."""
    region = reading.region
    nearest, farthest = DISC_MM[0] - ROOM_MM, DISC_MM[1] + ROOM_MM
    along = (-farthest / region.half_mm[2], -nearest / region.half_mm[2])
    corners = np.array(np.meshgrid((-DISC_RADII, DISC_RADII), (-DISC_RADII, DISC_RADII), along)).reshape(3, -1).T
    index = ct.grid.index_of(region.centre_ras + corners @ region.half_axes)
    size = np.array(ct.grid.size)
    first, stop = np.floor(index.min(axis=0)).astype(int), np.ceil(index.max(axis=0)).astype(int) + 1
    first, stop = np.clip(first, 0, size - 1), np.clip(stop, 1, size)
    part = ct.part(triple(slice(int(a), int(b)) for a, b in zip(first, stop)))
    hu = ndimage.gaussian_filter(part.array.astype(np.float32), GAS_MM / part.grid.spacing)
    right, front, up = region.local_on(part.grid)
    below = -region.half_mm[2] * up
    under = (np.hypot(right, front) <= DISC_RADII) & (below >= DISC_MM[0]) & (below <= DISC_MM[1])
    return float(np.count_nonzero(under & (hu < GAS_HU)) * part.grid.voxel_volume)
