"""Bodies that are tilted against each other to the sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from OpportunisticBMDLib.core.levels import SeenVertebra
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

SCOLIOSIS = 10.0  # degrees; less is no scoliosis (Cobb)
SEVERE = 30.0  # degrees: bodies are turned and wedged, and the bone on the concave side is denser
LEAST_BODIES = 3


@of_scans.check(ReasonCode.SCOLIOSIS)
def scoliosis(seen: SeenScan) -> Iterator[Reason]:
    """Between the two bodies in view that are tilted most: of a curve that the scan does not show whole it is less."""
    bodies = [vertebra for vertebra in seen.levels.vertebrae if vertebra.whole] if seen.levels else []
    if len(bodies) < LEAST_BODIES:
        return
    tilts = [tilt_degrees(body) for body in bodies]
    left, right = (bodies[int(find(tilts))].name for find in (np.argmin, np.argmax))
    angle = float(np.ptp(tilts))
    if angle < SCOLIOSIS:
        return
    first, last = (body.name for body in bodies if body.name in (left, right))
    severe = angle >= SEVERE
    message = f"The spine is curved to the side by {angle:.0f} degrees between {first} and {last}"
    message += ": check where the regions lie; on the inner side of the curve bone is denser." if severe else "."
    figure = Figure(angle, SEVERE if severe else SCOLIOSIS)
    yield Reason(ReasonCode.SCOLIOSIS, "warning" if severe else "info", message, figure=figure)


def tilt_degrees(body: SeenVertebra) -> float:
    """By how much its top lies to the right of its bottom."""
    right, _, up = np.subtract(body.upper_ras_mm, body.lower_ras_mm)
    return float(np.degrees(np.arctan2(right, up)))
