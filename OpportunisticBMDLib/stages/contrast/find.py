"""Which phase of contrast a CT shows, by the organs beside the spine, and what its header says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from OpportunisticBMDLib.core.contrast import Contrast, Phase
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.stages.contrast.organs import organs_hu
from OpportunisticBMDLib.stages.contrast.phase import features, phase_probabilities

LEAST_SURE = 0.7  # probability of a phase from which the pixels are believed, whatever the header says


def seen_contrast(ct: CT, bodies: Mapping[str, np.ndarray]) -> Contrast:
    """What pixels and header say of an agent in the veins.

    The pixels are believed where they are sure: headers are copied from protocols, say that an agent was given and not
    whether it had come, and are left empty. Where no vessel is found, or the pixels are not sure, the header counts.

    Args:
        bodies: vertebra -> centre of its body (RAS, mm), of those of T12, L1 and L2 that were found.
    """
    stated = ct.acquisition.contrast_in_veins
    organs = organs_hu(ct.volume, bodies) if bodies else {}
    found = features(organs, ct.acquisition.kvp)
    if not found:
        return by_header(stated, {}, organs)
    probabilities = phase_probabilities(found)
    seen = max(probabilities, key=probabilities.__getitem__)
    if probabilities[seen] < LEAST_SURE:
        return by_header(stated, probabilities, organs)
    return Contrast(seen, "pixels", seen, probabilities[seen], stated, organs)


def by_header(
    stated: bool | None, probabilities: Mapping[Phase, float], organs: Mapping[str, float] | None = None
) -> Contrast:
    """What is left where the pixels do not tell: whether there is an agent, by the header.

    Args:
        probabilities: phase -> 0..1 by the pixels; empty where nothing was found in them.
    """
    seen = max(probabilities, key=probabilities.__getitem__) if probabilities else None
    sure = probabilities[seen] if seen else 0.0
    if stated is None:
        return Contrast(None, "neither", seen, sure, stated, organs or {})
    return Contrast(None if stated else Phase.NONE, "header", seen, sure, stated, organs or {})
