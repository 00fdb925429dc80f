"""`opportunistic-bmd`, also `python -m OpportunisticBMDLib`: an edge of the program, like the Slicer module.

A command is a file of its name that has `prepare`. It is imported only where it is asked for, and imports at its top
only what is light: help and bad usage are answered at once.
"""

from OpportunisticBMDLib.cli.program import main, run
from OpportunisticBMDLib.cli.statuses import BAD_INPUT, MEASURED, REFUSED

__all__ = ["BAD_INPUT", "MEASURED", "REFUSED", "main", "run"]
