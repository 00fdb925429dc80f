"""Phantoms whose inserts are of known density, one a file."""

from OpportunisticBMDLib.calibration.phantoms.bdc import BDC_3, BDC_6
from OpportunisticBMDLib.calibration.phantoms.bmas import B_MAS_200
from OpportunisticBMDLib.calibration.phantoms.esp import ESP
from OpportunisticBMDLib.calibration.phantoms.mindways import MINDWAYS
from OpportunisticBMDLib.calibration.phantoms.phantom import Insert, Phantom
from OpportunisticBMDLib.calibration.phantoms.qrm_cci import QRM_CCI

__all__ = ["BELOW_PATIENTS", "PHANTOMS", "Insert", "Phantom"]

PHANTOMS = {"esp": ESP, "qrm-cci": QRM_CCI, "mindways": MINDWAYS, "bdc-3": BDC_3, "bdc-6": BDC_6, "b-mas": B_MAS_200}
# Those whose rods cannot be taken for another's: three of 0, 100 and 200 mg/cm3 show what another maker's (Image
# Analysis) of 8, 97 and 190 do, and only their owner knows which they are. More rods come first: six include three.
BELOW_PATIENTS = (MINDWAYS, BDC_6, BDC_3, B_MAS_200)
