"""The likeliest names of the vertebrae in view.

Names follow each other along the spine, so one number says all: which of them is the first without ribs. VerSe 2020:
L1 is the first vertebra without ribs, or with remnants under 4 cm on both sides. How many bodies lie between it and
the sacrum, and where the localizer saw T12 to L2, count beside the ribs; no patients are needed for that (as in
VERIDAH, Moeller et al. 2026: the likeliest path, on which T12 may repeat and T11 be skipped).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from OpportunisticBMDLib.core.levels import Rib, SeenVertebra, Variant

# How often so many vertebrae without ribs lie above the sacrum.
FREE = {3: 0.005, 4: 0.07, 5: 0.82, 6: 0.10, 7: 0.005}
RARE = 1e-4
LOCALIZER_SD = 0.35  # vertebrae by which the localizer's box is off where it is on the right ones
TRUST = 0.35  # share of the scans in which it is; it has habits where ribs are unusual
FALL = 0.35  # of the probability for each vertebra by which it is off where it is not
LEAST_STUMP_MM = 18.0  # beyond the tip of a transverse process,
LEAST_STUMP_OF_SIX_MM = 11.0  # which above five more vertebrae without ribs is less likely than what is left of a rib
ABOVE = 2  # vertebrae above the scan that may be L1
DOUBT = 0.002  # least probability that what was seen of one vertebra's ribs is wrong
CLEAR = (
    0.9  # probability from which ribs, or none, contradict a name (not of the uppermost: its ribs may leave the view),
)
CONTRADICTED = 0.5  # what is left of all probabilities then: something was miscounted


def named(has_ribs: Sequence[float | None], box_at: float | None, *, above_sacrum: bool) -> dict[int, float]:
    """How probable each vertebra is to be L1, by its number from the uppermost in view (0); the likeliest first.

    The sum is 1, and less where what was seen contradicts itself. Numbers below 0 are vertebrae above the scan, the
    number of those in view is one below it.

    Args:
        has_ribs: of each, from head to foot, 0..1 that a rib of 4 cm joins it; None where that is not in view.
        box_at: where the localizer saw L1, in vertebrae from the uppermost (0); None where it was not asked.
        above_sacrum: whether the lowest one lies on the sacrum.
    """
    n = len(has_ribs)
    score = np.zeros(ABOVE + n + 1)
    for k, first in enumerate(range(-ABOVE, n + 1)):
        for i, p in enumerate(has_ribs):
            if p is not None:
                p = float(np.clip(p, DOUBT, 1 - DOUBT))
                score[k] += np.log(p if i < first else 1 - p)
        if above_sacrum:
            score[k] += np.log(FREE.get(n - first, RARE))
        if box_at is not None:
            score[k] += np.log(_localizers(first - box_at))
    odds = np.exp(score - score.max())
    likeliest = int(odds.argmax()) - ABOVE
    certainty = CONTRADICTED if _is_contradicted(has_ribs, likeliest) else 1.0
    found = {k - ABOVE: float(certainty * p) for k, p in enumerate(odds / odds.sum())}
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


def _is_contradicted(has_ribs: Sequence[float | None], first: int) -> bool:
    """Whether a vertebra above the first lumbar one clearly has no ribs, or one from there on has some."""
    return any((1 - p if i < first else p) > CLEAR for i, p in enumerate(has_ribs) if i and p is not None)


def _localizers(off: float) -> float:
    """Likelihood of the localizer's box if L1 lies `off` vertebrae from where it saw it."""
    right = np.exp(-0.5 * (off / LOCALIZER_SD) ** 2) / (LOCALIZER_SD * np.sqrt(2 * np.pi))
    return float(TRUST * right + (1 - TRUST) * 0.5 * FALL ** max(abs(off) - 1, 0) + 1e-6)


def variant_of(vertebrae: Sequence[SeenVertebra], first_lumbar: int, *, above_sacrum: bool) -> Variant:
    """What is unusual.

    Args:
        vertebrae: from head to foot.
        first_lumbar: index of L1.
        above_sacrum: whether the lowest one lies on the sacrum.
    """
    without = vertebrae[first_lumbar:]
    least_mm = LEAST_STUMP_OF_SIX_MM if above_sacrum and len(without) > 5 else LEAST_STUMP_MM
    if without and (_is_stump(without[0].right, least_mm) or _is_stump(without[0].left, least_mm)):
        return Variant.STUMP_RIBS
    if above_sacrum:
        return {4: Variant.THIRTEEN_RIBS, 6: Variant.ELEVEN_RIBS}.get(len(without), Variant.USUAL)
    return Variant.USUAL


def _is_stump(rib: Rib, least_mm: float) -> bool:
    """Not the tip of a transverse process."""
    return rib.state == "remnant" and rib.length_mm > least_mm
