"""The vertebrae of the synthetic patient of example_results.py, T11 and L3 among them, as the chain would name them."""

from __future__ import annotations

from dataclasses import replace

from example_results import BODIES, RADII_MM
from OpportunisticBMDLib.core.levels import Answer, Levels, Rib, SeenVertebra

CENTRE_RAS = (12.0, -34.0, 150.0)  # of the synthetic patient's grid
FIVE_BODIES = {"T11": (4.0, -23.0, 58.0), **BODIES, "L3": (-4.0, -12.0, -58.0)}
RIB = Rib(0.98, 0.01, True, 74.6, 7.9, 21.5, ((30.0, -70.0, 180.0), (61.25, -81.5, 168.125)))
NO_RIB = Rib(0.02, 0.01, True)
STUMP = Rib(0.21, 0.7, True, 23.4)
UNSEEN_RIB = Rib(0.5, 0.1, False)


def sure() -> Levels:
    """Ribs join T11 and T12, and no lower one."""
    ribs = {"T11": RIB, "T12": RIB}
    return Levels(tuple(_seen(name, ribs.get(name, NO_RIB)) for name in FIVE_BODIES), (Answer(0, 0.995),))


def unsure() -> Levels:
    """What is named T12 has a stump on one side, and the other side is not in view."""
    t11, t12, *lower = sure().vertebrae
    t12 = replace(t12, right=UNSEEN_RIB, left=STUMP)
    return Levels((t11, t12, *lower), (Answer(0, 0.71), Answer(-1, 0.27)))


def _seen(name: str, rib: Rib) -> SeenVertebra:
    right, front, up = (a + b for a, b in zip(CENTRE_RAS, FIVE_BODIES[name]))
    ends = ((right, front, up - RADII_MM[2]), (right, front, up + RADII_MM[2]))
    return SeenVertebra(name, (right, front, up), *ends, True, rib, rib)
