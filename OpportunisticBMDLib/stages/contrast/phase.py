"""The phase of an agent from the HU of blood and kidneys: how well each phase explains them."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log

import numpy as np

from OpportunisticBMDLib.core.contrast import Phase
from OpportunisticBMDLib.core.tube_voltage import possible_voltage
from OpportunisticBMDLib.stages.contrast.organs import AORTA, CAVA, CORTEX, MEDULLA

BLOOD_HU, KIDNEY_HU = 42.0, 32.0  # without an agent
IODINE = {80: 1.6, 100: 1.25, 120: 1.0, 140: 0.86}  # kVp: HU of iodine relative to 120 kVp
LEAST_GAIN_HU = 15.0  # of blood: below it nothing is divided by it
MOST_CORTEX = 2.2  # times the gain of blood: more is urine, or what was swallowed
FIRST_PASS_HU = 180.0  # blood that gained more is on its first pass, and brighter than any cortex
FARTHEST = 12.0  # squared SDs of a ratio: a vessel or kidney that was not found counts no more
TEMPER = 0.7  # of each likelihood: the features of one patient depend on each other

# Component: its phase, its share of scans, and median and SD of each feature, on virtual patients by
# `opportunistic-bmd-lab fit-contrast`. SDs are a quarter wider than there, and no ratio's is below `LEAST_SD`: real
# patients differ more. Without an agent, blood alone tells; the rest is what is taken for a kidney or a cava.
LEAST_SD = 0.08
COMPONENTS: Mapping[str, tuple[Phase, float, Mapping[str, tuple[float, float]]]] = {
    "none": (
        Phase.NONE,
        0.5,
        {"gain": (0.0, 8.0), "cava": (0.95, 0.3), "cortex": (1.5, 1.5), "medulla": (0.9, 0.4)},
    ),
    "arterial": (
        Phase.ARTERIAL,
        0.125,
        {"gain": (265.0, 76.0), "cava": (0.01, LEAST_SD), "cortex": (0.49, 0.12), "medulla": (0.46, 0.17)},
    ),
    "portal venous": (
        Phase.PORTAL_VENOUS,
        0.25,
        {"gain": (127.0, 30.0), "cava": (0.48, 0.20), "cortex": (1.18, 0.29), "medulla": (0.75, 0.16)},
    ),
    "nephrographic": (
        Phase.LATE,
        0.075,
        {"gain": (90.0, 25.0), "cava": (0.87, LEAST_SD), "cortex": (1.36, 0.23), "medulla": (0.97, LEAST_SD)},
    ),
    "urographic": (
        Phase.LATE,
        0.05,
        {"gain": (58.0, 19.0), "cava": (0.94, LEAST_SD), "cortex": (1.39, 0.24), "medulla": (0.98, LEAST_SD)},
    ),
}


def features(organs: Mapping[str, float], kvp: float | None) -> dict[str, float]:
    """What tells phases apart, of what was found.

    Args:
        organs: organ -> HU.

    Returns:
        "gain": HU of the aorta over blood without an agent, at 120 kVp; "cava" and "cortex": their gain relative to
        it; "medulla": its gain relative to the cortex's.
    """
    if AORTA not in organs:
        return {}
    gain = organs[AORTA] - BLOOD_HU
    found = {"gain": gain / _iodine(kvp)}
    if gain < LEAST_GAIN_HU:
        return found
    if CAVA in organs:
        found["cava"] = (organs[CAVA] - BLOOD_HU) / gain
    most = MOST_CORTEX if found["gain"] < FIRST_PASS_HU else 1.0
    if CORTEX in organs and (cortex := organs[CORTEX] - KIDNEY_HU) < most * gain:
        found["cortex"] = cortex / gain
        if MEDULLA in organs:
            found["medulla"] = (organs[MEDULLA] - KIDNEY_HU) / cortex
    return found


def phase_probabilities(seen: Mapping[str, float]) -> dict[Phase, float]:
    """Phase -> 0..1, summing to 1.

    Args:
        seen: `features`; "gain" is among them.
    """
    weights: dict[Phase, float] = dict.fromkeys(Phase, 0.0)
    logs = {name: _log_likelihood(name, seen) for name in COMPONENTS}
    most = max(logs.values())
    for name, (phase, _, _) in COMPONENTS.items():
        weights[phase] += exp(logs[name] - most)
    total = sum(weights.values())
    return {phase: weight / total for phase, weight in weights.items()}


def _log_likelihood(name: str, seen: Mapping[str, float]) -> float:
    _, share, expected = COMPONENTS[name]
    total = log(share)
    for key, value in seen.items():
        mean, sd = expected[key]
        squared = ((value - mean) / sd) ** 2
        total -= TEMPER * (log(sd) + (squared if key == "gain" else min(squared, FARTHEST)) / 2)
    return total


def _iodine(kvp: float | None) -> float:
    known = possible_voltage(kvp)
    return 1.0 if known is None else float(np.interp(known, list(IODINE), list(IODINE.values())))
