"""Phantoms whose inserts are of known density, one a file."""

from OpportunisticBMDLib.calibration.phantoms.esp import ESP
from OpportunisticBMDLib.calibration.phantoms.mindways import MINDWAYS
from OpportunisticBMDLib.calibration.phantoms.phantom import Insert, Phantom
from OpportunisticBMDLib.calibration.phantoms.qrm_cci import QRM_CCI

__all__ = ["PHANTOMS", "Insert", "Phantom"]

PHANTOMS = {"esp": ESP, "qrm-cci": QRM_CCI, "mindways": MINDWAYS}
