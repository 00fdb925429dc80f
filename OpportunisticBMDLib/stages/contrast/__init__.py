"""Whether a contrast agent is in the vessels, and what it adds to the density of the marrow."""

from OpportunisticBMDLib.stages.contrast.correct import correction_for
from OpportunisticBMDLib.stages.contrast.find import seen_contrast

__all__ = ["correction_for", "seen_contrast"]
