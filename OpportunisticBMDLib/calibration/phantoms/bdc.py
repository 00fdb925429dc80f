"""Bone density calibration phantoms (QRM-BDC): long rods of hydroxyapatite side by side in water-equivalent resin.

The densities are those of the phantoms BDC-71 (three rods) and BDC-106 (six), as Ogo of Bonelab has them. The sixth
rod holds no mineral: it equals the resin around it, need not be seen, and is left out. Where yours holds other
densities, copy its data sheet into a file. The rods' sizes are not published; the bounds leave room for 15 to 25 mm.
"""

from __future__ import annotations

from OpportunisticBMDLib.calibration.phantoms.phantom import BESIDE, Insert, Phantom
from OpportunisticBMDLib.core.materials import HA


def _bdc(name: str, *densities: float) -> Phantom:
    return Phantom(
        name=name,
        material=HA,
        inserts=tuple(Insert(f"{density:g}", density) for density in densities),
        arrangement=BESIDE,
        radius_mm=(7.0, 13.0),
        length_mm=40.0,
        spacing_mm=(18.0, 60.0),
    )


BDC_3 = _bdc("QRM-BDC/3", 100.0, 400.0, 800.0)
BDC_6 = _bdc("QRM-BDC/6", 100.0, 200.0, 400.0, 600.0, 800.0)
