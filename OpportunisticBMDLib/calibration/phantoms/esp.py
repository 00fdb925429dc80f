"""The European Spine Phantom (QRM): three vertebrae in a body of water-equivalent resin.

Kalender et al. 1995 (Eur J Radiol 20:83) describe it: trabecular bone of 50, 100 and 200 mg HA/cm3 within a cortex that
grows thicker, made with a variation of about 1 %. Bodies are 36 mm across and 25 mm tall with their cortex (as the
surface models of VSDFullBody state, RWTH Aachen); how far they lie apart is left open.
"""

from __future__ import annotations

from OpportunisticBMDLib.calibration.phantoms.phantom import BEHIND, Insert, Phantom
from OpportunisticBMDLib.core.materials import HA

ESP = Phantom(
    name="European Spine Phantom",
    material=HA,
    inserts=(Insert("low", 50.0), Insert("medium", 100.0), Insert("high", 200.0)),
    arrangement=BEHIND,
    radius_mm=(15.0, 19.0),
    length_mm=20.0,
    spacing_mm=(25.0, 50.0),
)
