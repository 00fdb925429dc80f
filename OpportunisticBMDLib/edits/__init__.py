"""What a person changed, what that makes stale, and what can be kept."""

from OpportunisticBMDLib.edits.edits import NO_EDITS, Edits
from OpportunisticBMDLib.edits.known_results import KnownResults

__all__ = ["NO_EDITS", "Edits", "KnownResults"]
