"""Published densities by age and sex, and where a result lies among them. No T-score: there is none of QCT (ISCD)."""

from OpportunisticBMDLib.reference.curves import CURVES, Curve, curves_of
from OpportunisticBMDLib.reference.standing import with_standing

__all__ = ["CURVES", "Curve", "curves_of", "with_standing"]
