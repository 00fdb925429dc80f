"""From the scan of a phantom to the scanner's own line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.calibration.find_inserts import find_inserts
from OpportunisticBMDLib.calibration.fit import fitted
from OpportunisticBMDLib.calibration.phantoms.phantom import Phantom
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDLib.core.region import Region

MOST_RESIDUAL_MG_CM3, MOST_RESIDUAL_SHARE = 5.0, 0.02  # of one insert: the larger, the latter of all densities' span
MOST_CUT = 0.01  # share of an insert's voxels that may have the least or the greatest HU of the scan


@dataclass(frozen=True)
class SeenInsert:
    """An insert as the scan shows it.

    Args:
        density_mg_cm3: known, of the phantom's material.
        hu_mean, hu_sd, voxels: of those inside, and how many these are.
        residual_mg_cm3: what the line reads of it, less its density; of HA.
    """

    name: str
    density_mg_cm3: float
    hu_mean: float
    hu_sd: float
    voxels: int
    residual_mg_cm3: float
    centre_ras_mm: tuple[float, float, float]


@dataclass(frozen=True)
class PhantomLine:
    """A scanner's own line, and what it was measured on.

    Args:
        line: for HA, whatever the phantom holds.
        phantom, material: its name, and what its densities are of.
        scan: how it was scanned.
    """

    line: Calibration
    phantom: str
    material: str
    inserts: tuple[SeenInsert, ...]
    scan: Acquisition


def line_of_phantom(ct: CT, phantom: Phantom) -> PhantomLine:
    """Finds the inserts, reads them and fits the line.

    Raises:
        BadInput: they are not all found, are cut off at the ends of the scan's HU, or do not lie on a line.
    """
    regions = find_inserts(ct, phantom)
    read = [_read(ct, region) for region in regions]
    fit = fitted(phantom, np.array([mean for mean, _, _ in read]))
    worst = float(np.abs(fit.residuals_mg_cm3).max())
    if worst > max(MOST_RESIDUAL_MG_CM3, MOST_RESIDUAL_SHARE * float(np.ptp(phantom.densities))):
        raise BadInput(
            f"The inserts of the phantom ({phantom.name}) do not lie on a line, one is off by {worst:.0f} mg/cm3: name "
            "the phantom that was scanned, or scan it again with nothing else in the field."
        )
    line = Calibration(
        name=_name(phantom, ct.acquisition),
        material=HA,
        slope_hu_per_mg_cm3=fit.slope_hu_per_mg_cm3,
        intercept_hu=fit.intercept_hu,
        source=f"measured on a phantom ({phantom.name}, {len(regions)} inserts)",
        slope_sd=fit.slope_sd,
        intercept_sd_hu=fit.intercept_sd_hu,
    )
    seen = (
        SeenInsert(
            insert.name, insert.density_mg_cm3, mean, sd, voxels, float(residual), triple(region.centre_ras.tolist())
        )
        for insert, (mean, sd, voxels), residual, region in zip(
            phantom.inserts, read, fit.residuals_mg_cm3, regions, strict=True
        )
    )
    return PhantomLine(line, phantom.name, phantom.material, tuple(seen), ct.acquisition)


def _read(ct: CT, region: Region) -> tuple[float, float, int]:
    """Mean and SD of the HU in a region, and of how many voxels: those that lie in it for the most part.

    A thick slice that reaches beyond the region would bring in what lies at the insert's end.
    """
    ranges, shares = region.shares(ct.volume.grid)
    hu = ct.volume.array[ranges][shares > 0.5 * shares.max()].astype(float)
    ends = ct.volume.array.min(), ct.volume.array.max()
    if np.isin(hu, ends).mean() > MOST_CUT:
        raise BadInput(
            f"An insert in {ct.acquisition.path} lies at an end of the HU that the file holds ({ends[0]:g} to "
            f"{ends[1]:g}): give the scan as the scanner made it."
        )
    return float(hu.mean()), float(hu.std()), hu.size


def _name(phantom: Phantom, scan: Acquisition) -> str:
    return f"{phantom.name} of {scan.scanned_on}" if scan.scanned_on else phantom.name
