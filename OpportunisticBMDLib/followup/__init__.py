"""Results of one patient, held against each other: what changed, and whether that is more than an error of measuring.

Nothing in a result tells whose it is: that all are of one person is for the reader to know.
"""

from OpportunisticBMDLib.followup.change import Change, changes
from OpportunisticBMDLib.followup.scan import Scan

__all__ = ["Change", "Scan", "changes"]
