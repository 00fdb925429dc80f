"""How the vertebrae of a virtual patient are called by their ribs.

The rule is that of VerSe 2020 (Sekuboyina et al., Radiology: Artificial Intelligence 2021): L1 is the first vertebra
without ribs, or with remnants of less than 4 cm on both sides. The three that are measured are the last one with ribs,
called T12 however many pairs there are, and the two below it.
"""

from __future__ import annotations

from math import inf

from OpportunisticBMDLib.core.levels import LEAST_RIB_MM, Variant
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDTraining.virtual.parameters import BodyParameters, VertebraParameters

TRANSITIONAL = ("L1", "T12", "T11")  # from below: the last one with a rib is one of these


def ribs_of(body: BodyParameters, name: str) -> tuple[float, float]:
    """Lengths (right, left) of the ribs of a vertebra by its shape, mm; 0 without any, infinite to the costal arch."""
    known = {"T11": body.rib11, "T12": body.rib12, "L1": body.rib13}
    return known.get(name, (inf, inf) if name.startswith("T") else (0.0, 0.0))


def last_with_ribs(body: BodyParameters) -> str:
    """By its shape, the lowest vertebra with a rib of at least 4 cm on either side."""
    return next(name for name in TRANSITIONAL if max(ribs_of(body, name)) >= LEAST_RIB_MM)


def measured_levels(body: BodyParameters, vertebrae: tuple[VertebraParameters, ...]) -> dict[str, str]:
    """By its shape, each of the three vertebrae that are measured -> what it is called."""
    names = [vertebra.name for vertebra in vertebrae]
    first = names.index(last_with_ribs(body))
    return dict(zip(names[first:], VERTEBRAE))


def variant_of(body: BodyParameters, vertebrae: tuple[VertebraParameters, ...]) -> Variant:
    """What is unusual about the ribs and the number of bodies."""
    names = [vertebra.name for vertebra in vertebrae]
    last = last_with_ribs(body)
    below = names[names.index(last) + 1]
    if max(ribs_of(body, below)) > 0:
        return Variant.STUMP_RIBS
    free = len(names) - names.index(below)
    return {4: Variant.THIRTEEN_RIBS, 5: Variant.USUAL}.get(free, Variant.ELEVEN_RIBS)
