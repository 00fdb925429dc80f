"""Rules that find what does not fit the rest of a cohort, each with a sentence that says why.

Every rule takes the CTs with a density, as `with_density` gives them. None judges a patient: they find CTs, and
scanners, that somebody should look at before the numbers are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from OpportunisticBMDLib.calibration.drift import LEAST_SIGNIFICANT_MG_CM3
from OpportunisticBMDLib.cohort.report.drift import drifts
from OpportunisticBMDLib.cohort.report.groups import LEAST_CTS, robust_sd

FAR_SD = 3.5  # robust SDs: one in 2,000 lies farther away by chance
MOST_BETWEEN_VERTEBRAE_MG_CM3 = 40.0
LEAST_OFF_LINE_MG_CM3 = 8.0
LEAST_DEPARTURE_MG_CM3 = 8.0  # of a scanner's median
LEAST_DRIFT_SD = 3.0
VERTEBRAE = ("t12_mg_cm3", "l1_mg_cm3", "l2_mg_cm3")


@dataclass(frozen=True)
class Finding:
    """Something that does not fit.

    Args:
        rule: which one found it.
        subject: the name of a CT, or of a scanner.
        sentence: why.
    """

    rule: str
    subject: str
    sentence: str


def findings(known: pd.DataFrame) -> list[Finding]:
    """What all rules find."""
    return [finding for rule in RULES for finding in rule(known)]


def far_from_peers(known: pd.DataFrame) -> Iterator[Finding]:
    """A density far from those of the same age and sex."""
    for peers, part in known.groupby("peers"):
        sd = robust_sd(part["bmd_mg_cm3"])
        if len(part) < LEAST_CTS or sd == 0:
            continue
        for name, above in _far(part["above_peers"], part["name"], FAR_SD * sd):
            yield Finding(
                "far from peers", name, f"{abs(above) / sd:.1f} SD {_side(above)} the median of {len(part)} ({peers})."
            )


def vertebrae_differ(known: pd.DataFrame) -> Iterator[Finding]:
    """Vertebrae of one patient that differ more than a spine without a fault does."""
    densities = known[list(VERTEBRAE)].astype(float)
    spread = densities.max(axis=1) - densities.min(axis=1)
    for name, by in _far(spread, known["name"], MOST_BETWEEN_VERTEBRAE_MG_CM3):
        yield Finding(
            "vertebrae differ", name, f"The vertebrae differ by {by:.0f} mg/cm³: a fracture, a lesion, a mask?"
        )


def off_the_line(known: pd.DataFrame) -> Iterator[Finding]:
    """A density that its HU do not lead to, as they do in the other CTs of this voltage, line and phase."""
    for (kvp, *_), part in known.groupby(["kvp", "line", "contrast_phase"], dropna=False):
        hu, bmd = part["hu_region"].astype(float), part["bmd_mg_cm3"]
        if len(part) < LEAST_CTS or hu.nunique() < 2:
            continue
        slope, intercept = np.polyfit(hu, bmd, 1)
        off = bmd - (intercept + slope * hu)
        for name, by in _far(off, part["name"], max(LEAST_OFF_LINE_MG_CM3, FAR_SD * robust_sd(off))):
            which = "unknown kVp" if np.isnan(kvp) else f"{kvp:g} kVp"
            yield Finding(
                "off the line", name, f"{abs(by):.0f} mg/cm³ {_side(by)} what its HU give in others at {which}."
            )


def departing_scanners(known: pd.DataFrame) -> Iterator[Finding]:
    """A scanner whose patients have another median than people of their age and sex on the others."""
    for scanner, part in known.groupby("scanner"):
        above, median = part["above_peers"], part["above_peers"].median()
        least = max(LEAST_DEPARTURE_MG_CM3, FAR_SD * 1.25 * robust_sd(above) / len(part) ** 0.5)  # SD of a median
        if len(part) >= LEAST_CTS and abs(median) > least and known["scanner"].nunique() > 1:
            yield Finding(
                "departing scanner",
                str(scanner),
                f"Its {len(part)} patients have a median {abs(median):.0f} mg/cm³ {_side(median)} that of their age "
                "and sex: other patients, or a line that does not fit?",
            )


def drifting_scanners(known: pd.DataFrame) -> Iterator[Finding]:
    """A scanner whose patients read more or less from year to year."""
    for drift in drifts(known):
        by, sd = drift.mg_cm3_a_year, drift.sd_mg_cm3_a_year
        if abs(by) > max(LEAST_SIGNIFICANT_MG_CM3, LEAST_DRIFT_SD * sd):
            sentence = f"Its {drift.count} patients read {by:+.1f} ± {sd:.1f} mg/cm³ from year to year: scan a phantom."
            yield Finding("drifting scanner", drift.scanner, sentence)


def same_images(known: pd.DataFrame) -> Iterator[Finding]:
    """CTs of the same images: one patient counted twice."""
    for _, part in known[known["fingerprint"].notna()].groupby("fingerprint"):
        first, *others = sorted(part["name"])
        yield from (Finding("same images", name, f"The same images as {first}: count them once.") for name in others)


RULES = (far_from_peers, vertebrae_differ, off_the_line, departing_scanners, drifting_scanners, same_images)


def _far(values: pd.Series, names: pd.Series, limit: float) -> Iterator[tuple[str, float]]:
    far = values.abs() > limit
    yield from zip(names[far], values[far])


def _side(by: float) -> str:
    return "above" if by > 0 else "below"
