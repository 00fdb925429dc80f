"""The B-MAS 200 phantom (Fujirebio, Kyoto Kagaku): long rods of hydroxyapatite side by side under the patient.

Densities as Ogo of Bonelab has them; the rod without mineral is left out, since it need not be seen in what is around
it. The rods' sizes are not published.
"""

from __future__ import annotations

from OpportunisticBMDLib.calibration.phantoms.phantom import BESIDE, Insert, Phantom
from OpportunisticBMDLib.core.materials import HA

B_MAS_200 = Phantom(
    name="B-MAS 200",
    material=HA,
    inserts=tuple(Insert(f"{density:g}", density) for density in (50.0, 100.0, 150.0, 200.0)),
    arrangement=BESIDE,
    radius_mm=(7.0, 13.0),
    length_mm=40.0,
    spacing_mm=(18.0, 60.0),
)
