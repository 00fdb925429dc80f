"""The Model 3 CT calibration phantom (Mindways): five long rods A to E under the patient.

Each equals so much water and so much K2HPO4, as its certificate states. The figures here are those of the phantoms
4541A and 4560, as Ogo of Bonelab has them; where yours differ, copy its certificate into a file. The rods' sizes are
not published: Ogo reads them with a radius of 7 mm and expects their middles at least 20 mm apart.
"""

from __future__ import annotations

from OpportunisticBMDLib.calibration.phantoms.phantom import BESIDE, Insert, Phantom
from OpportunisticBMDLib.core.materials import K2HPO4

MINDWAYS = Phantom(
    name="Mindways Model 3 CT",
    material=K2HPO4,
    inserts=(
        Insert("A", -51.83, 1012.25),
        Insert("B", -53.40, 1056.95),
        Insert("C", 58.88, 1103.57),
        Insert("D", 157.05, 1119.52),
        Insert("E", 375.83, 923.20),
    ),
    arrangement=BESIDE,
    radius_mm=(7.0, 15.0),
    length_mm=40.0,
    spacing_mm=(18.0, 60.0),
)
