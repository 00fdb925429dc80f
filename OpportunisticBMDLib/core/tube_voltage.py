"""Which numbers can be the voltage of a CT's tube, and which energies read like its usual one."""

from __future__ import annotations

LEAST_KV, MOST_KV = 40.0, 200.0
# Virtual monoenergetic images of these energies (keV) show bone nearly as 120 kVp does.
LEAST_KEV, MOST_KEV = 65.0, 80.0


def possible_voltage(kvp: float | None) -> float | None:
    """The voltage in kV; None where it is not known, or is a filler (0, -1) or in another unit (120000 V)."""
    return kvp if kvp is not None and LEAST_KV <= kvp <= MOST_KV else None
