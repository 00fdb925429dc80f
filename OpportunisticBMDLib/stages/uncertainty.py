"""How sure the mean of two vertebrae is: what makes it unsure, cause by cause, its interval and its probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import exp
from typing import Literal, get_args

import numpy as np

from OpportunisticBMDLib.core.calibration_line import Calibration, LineKind
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.noise import standard_error_hu
from OpportunisticBMDLib.core.reading import Reading
from OpportunisticBMDLib.core.region import Region
from OpportunisticBMDLib.core.uncertainty import Uncertainty
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.models import ModelCard, is_number
from OpportunisticBMDLib.stages.measure import Density

SCALES = "uncertainty"  # of a card's outputs: what `Scales` holds, as it was fitted
SHIFT_MM = 1.0  # by which a region is moved to see what its place is worth
EXTREME_SD = 3.0  # beyond which a voxel counts as one that far off: cortex, vessels, damage
NORMAL_SDS = 1.96  # to either side hold 95 % of a normal distribution
NORMAL_STEEPNESS = 1.702  # of the logistic curve that is nearest to it
Group = Literal["own line", "own line, contrast", "computed line", "computed line, contrast"]
GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True)
class Causes:
    """What makes a mean unsure, each as it is found alone: SDs in mg/cm3, before any is scaled to measured errors.

    Args:
        network: the spread of the network's bins.
        noise: standard error of the mean HU.
        mask: what the reading changes by where the regions lie 1 mm (SD) beside their place along each axis.
        calibration: of the line.
        correction: of what is left of a contrast agent.
        group: whose errors it is alike: the line is computed or found in tissue, or the scanner's own; with or without
            a contrast agent that is known of.
    """

    network: float
    noise: float
    mask: float
    calibration: float
    correction: float
    group: Group


@dataclass(frozen=True)
class Scales:
    """What ties the causes to errors that were measured; as it is, each counts as the network and the line give it.

    Network, noise and mask tell of the same errors in part, so none of them counts in full. Calibration and correction
    do: their SDs were published or measured, and virtual scanners know less of real ones than they say.

    Args:
        network, noise, mask: what the SD of each cause is multiplied by.
        interval: group -> SDs to either side of the mean that hold the truth of 95 in 100.
        steepness: group -> of the logistic curve that turns the distance to a threshold, in SDs, into a probability.
    """

    network: float = 1.0
    noise: float = 0.0
    mask: float = 0.0
    interval: Mapping[Group, float] = field(default_factory=lambda: dict.fromkeys(GROUPS, NORMAL_SDS))
    steepness: Mapping[Group, float] = field(default_factory=lambda: dict.fromkeys(GROUPS, NORMAL_STEEPNESS))

    def __post_init__(self) -> None:
        numbers: list[float | None] = [self.network, self.noise, self.mask]
        numbers += [known.get(group) for known in (self.interval, self.steepness) for group in GROUPS]
        if not all(is_number(number) and number >= 0 for number in numbers):
            raise ValueError("a scale of the uncertainty is missing, no number or below 0")

    @classmethod
    def of(cls, card: ModelCard) -> Scales:
        """Those of a BMD model; one that was never compared with errors has none of its own.

        Raises:
            BadInput: they are not whole.
        """
        known = card.outputs.get(SCALES)
        if known is None:
            return cls()
        try:
            return cls(**known)
        except (TypeError, ValueError, AttributeError) as error:
            raise BadInput(
                f"The bmd model {card.name} {card.version} has no whole scales of its uncertainty ({error}); install "
                "it anew, or calibrate it again."
            ) from error

    def as_output(self) -> dict[str, object]:
        """As `of` reads it from a card."""
        return asdict(self)

    def uncertainty(self, bmd_mg_cm3: float, causes: Causes) -> Uncertainty:
        """Of a mean density."""
        parts = {
            "network": self.network * causes.network,
            "noise": self.noise * causes.noise,
            "mask": self.mask * causes.mask,
            "calibration": causes.calibration,
            "correction": causes.correction,
        }
        half = self.interval[causes.group] * float(np.linalg.norm(list(parts.values())))
        return Uncertainty(**parts, interval_mg_cm3=(bmd_mg_cm3 - half, bmd_mg_cm3 + half))

    def below(self, threshold: float, bmd_mg_cm3: float, sd_mg_cm3: float, group: Group) -> float:
        """The probability of a true density below a threshold (mg/cm3)."""
        distance = (threshold - bmd_mg_cm3) / max(sd_mg_cm3, 1e-6)
        return 1 / (1 + exp(-float(np.clip(self.steepness[group] * distance, -500, 500))))


def causes_of(
    ct: Volume, readings: Sequence[Reading], density: Density, line: Calibration, correction: Correction | None
) -> Causes:
    """Of the mean of some vertebrae.

    Noise and the place of a mask differ from vertebra to vertebra; the others are taken to be the same in all of them.

    Args:
        ct: HU.
        readings: of the vertebrae, at least one.
        density: the mean of theirs.
    """
    per_hu = _scale(correction) / line.slope_hu_per_mg_cm3
    noise = [standard_error_hu(reading.hu_sd, reading.voxels, ct.grid.spacing) for reading in readings]
    mask = [moved_sd_hu(ct, reading) for reading in readings]
    return Causes(
        network=density.spread,
        noise=float(np.linalg.norm(noise)) / len(readings) * per_hu,
        mask=float(np.linalg.norm(mask)) / len(readings) * per_hu,
        calibration=_scale(correction) * line.sd(density.mean - density.moved),
        correction=correction.sd_mg_cm3 if correction else 0.0,
        group=group_of(line.kind, is_corrected=correction is not None),
    )


def group_of(line: LineKind, *, is_corrected: bool) -> Group:
    """Whose errors a mean's are alike.

    Args:
        is_corrected: whether a contrast agent is reckoned with, or named.
    """
    if line in ("voltage", "internal"):
        return "computed line, contrast" if is_corrected else "computed line"
    return "own line, contrast" if is_corrected else "own line"


def moved_sd_hu(ct: Volume, reading: Reading) -> float:
    """The SD (HU) of what a region reads where its place is off by `SHIFT_MM` (SD) along each of its axes."""
    low, high = (reading.hu_mean + side * EXTREME_SD * reading.hu_sd for side in (-1, 1))

    def mean(region: Region) -> float:
        ranges, shares = region.shares(ct.grid)
        within = float(shares.sum(dtype=float))
        hu = np.clip(ct.array[ranges].astype(np.float32), low, high)
        return float((shares * hu).sum(dtype=float)) / within if within else reading.hu_mean

    region = reading.region
    steps = SHIFT_MM * region.half_axes / region.half_mm[:, None]
    moved = [Region(region.centre_ras + side * step, region.half_axes) for step in steps for side in (-1, 1)]
    changes = np.array([mean(place) for place in moved]) - mean(region)
    return float(np.sqrt(np.sum(changes**2) / 2))


def _scale(correction: Correction | None) -> float:
    return abs(correction.scale) if correction and correction.is_applied else 1.0
