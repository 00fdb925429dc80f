"""HU of fat and muscle that are none: shifted, scaled, or not HU at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode, Severity
from OpportunisticBMDLib.quality._behind import Peaks, peaks_of
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

Range = tuple[float, float]
# Seen in 30 virtual scans of many scanners and 7 real ones, with atrophy, contrast and all voltages: fat -106 to -78,
# muscle 26 to 70, their mean -40 to -4, apart by 128 to 160 HU.
MEAN: Range = (-54.0, 3.0)
APART: Range = (106.0, 180.0)
MUSCLE_ALONE: Range = (5.0, 95.0)
FAT_ALONE: Range = (-130.0, -62.0)
LEAST_APART = 30.0  # less are not two tissues
LEAST_TISSUE = 0.5  # share of what lies there that can be fat or muscle
HOPELESS_HU = 40.0  # beyond the range: a density that is wrong by most of a class


@of_scans.check(ReasonCode.UNUSUAL_HU)
def unusual_hu(seen: SeenScan) -> Iterator[Reason]:
    """Of several ways to take peaks for fat and muscle the most usual one counts, so that an organ raises no alarm."""
    if not seen.behind:
        return
    peaks = peaks_of(seen.behind)
    if peaks.share < LEAST_TISSUE:
        message = (
            "What lies behind the spine reads neither as muscle nor as fat: the values are not HU, or the file's "
            "rescaling is wrong; export the CT again."
        )
        yield Reason(ReasonCode.UNUSUAL_HU, "refusal", message)
        return
    answers = _answers(peaks)
    beyond, value, limit, what = min((max(answer) for answer in answers), default=(0.0, 0.0, 0.0, ""))
    if beyond > 0:
        is_hopeless = beyond > HOPELESS_HU and not seen.is_calibrated_within
        message = (
            f"Fat and muscle behind the spine do not read as they do ({what} {value:.0f} HU): the HU are shifted or "
            "scaled, and the density with them; check the export and the scanner's calibration."
        )
        severity: Severity = "refusal" if is_hopeless else "warning"
        yield Reason(ReasonCode.UNUSUAL_HU, severity, message, figure=Figure(value, limit))


Found = tuple[float, float, float, str]  # how far beyond its range, the value, the limit, and what it is


def _answers(peaks: Peaks) -> list[list[Found]]:
    """Each way to take two peaks for fat and muscle; or the tallest for either, where none lies below it."""
    answers = [
        [_held((fat + muscle) / 2, MEAN, "their mean is"), _held(muscle - fat, APART, "they lie apart by")]
        for fat, muscle in combinations(peaks.hu, 2)
        if muscle - fat >= LEAST_APART
    ]
    if peaks.tallest is not None and peaks.tallest == peaks.hu[0]:
        answers.append([_held(peaks.tallest, MUSCLE_ALONE, "muscle reads")])
        answers.append([_held(peaks.tallest, FAT_ALONE, "fat reads")])
    return answers


def _held(value: float, usual: Range, what: str) -> Found:
    """A value against its range."""
    low, high = usual
    return (max(low - value, value - high), value, low if value < low else high, what)
