"""The cardiac calibration insert (QRM), e.g. in QRM's thorax phantom: a rod of 200 mg HA/cm3 and one of water.

Its small cylinders of calcium (1, 3 and 5 mm) are too small to be read without loss. Sizes are those that a real scan
shows: rods of 19.5 mm and at least 15 mm long in soft-tissue plastic, 23 mm from middle to middle.
"""

from __future__ import annotations

from OpportunisticBMDLib.calibration.phantoms.phantom import BESIDE, Insert, Phantom
from OpportunisticBMDLib.core.materials import HA

QRM_CCI = Phantom(
    name="QRM cardiac calibration insert",
    material=HA,
    inserts=(Insert("water", 0.0), Insert("rod", 200.0)),
    arrangement=BESIDE,
    radius_mm=(8.5, 11.0),
    length_mm=15.0,
    spacing_mm=(20.0, 26.0),
)
