"""From the scan of a phantom to the scanner's own line."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.calibration.fit import fitted
from OpportunisticBMDLib.calibration.phantoms.phantom import Phantom
from OpportunisticBMDLib.core.calibration_line import Calibration, LineKind
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDLib.core.region import Region

MOST_RESIDUAL_MG_CM3, MOST_RESIDUAL_SHARE = 5.0, 0.02  # of one insert: the larger, the latter of all densities' span
KEY_LENGTH = 32  # hexadecimal digits
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
        key: a digest that is the same for whatever is measured on the same scan, and does not tell which that is.
    """

    line: Calibration
    phantom: str
    material: str
    inserts: tuple[SeenInsert, ...]
    scan: Acquisition
    key: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", _key(self))


def line_of_phantom(ct: CT, phantom: Phantom) -> PhantomLine:
    """Finds the inserts, reads them and fits the line.

    Raises:
        BadInput: they are not all found, are cut off at the ends of the scan's HU, or do not lie on a line.
    """
    from OpportunisticBMDLib.calibration.find_inserts import find_inserts  # here: who only knows lines needs no SciPy

    return measured_line(ct, phantom, find_inserts(ct, phantom))


def measured_line(ct: CT, phantom: Phantom, regions: Sequence[Region], kind: LineKind = "scanner") -> PhantomLine:
    """The line through inserts that were found.

    Args:
        regions: where they can be read, in their order.
        kind: "phantom" in the scan of a patient, whose day it does not tell.

    Raises:
        BadInput: they are cut off at the ends of the scan's HU, or do not lie on a line.
    """
    read = [_read(ct, region) for region in regions]
    fit = fitted(phantom, np.array([mean for mean, _, _ in read]))
    worst = float(np.abs(fit.residuals_mg_cm3).max())
    if worst > max(MOST_RESIDUAL_MG_CM3, MOST_RESIDUAL_SHARE * float(np.ptp(phantom.densities))):
        raise BadInput(
            f"The inserts of the phantom ({phantom.name}) do not lie on a line, one is off by {worst:.0f} mg/cm3: name "
            "the phantom that was scanned, or scan it again with nothing else in the field."
        )
    day = None if kind == "phantom" else ct.acquisition.scanned_on
    line = Calibration(
        name=f"{phantom.name} of {day}" if day else phantom.name,
        material=HA,
        slope_hu_per_mg_cm3=fit.slope_hu_per_mg_cm3,
        intercept_hu=fit.intercept_hu,
        source=f"measured on a phantom ({phantom.name}, {len(regions)} inserts)",
        slope_sd=fit.slope_sd,
        intercept_sd_hu=fit.intercept_sd_hu,
        kind=kind,
        measured_on=day,
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


def _key(measured: PhantomLine) -> str:
    """Of the series; of a file that names none, of what was seen."""
    scan = measured.scan
    seen = (scan.scanner, scan.scanned_on, scan.kvp, scan.kernel, *(insert.hu_mean for insert in measured.inserts))
    told = (scan.series_instance_uid, scan.series_description) if scan.series_instance_uid else seen
    return hashlib.sha256("\n".join(map(str, told)).encode()).hexdigest()[:KEY_LENGTH]


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
