"""Makes the panel's package importable; for the tests of annotating."""

import sys
from pathlib import Path

MODULE = Path(__file__).resolve().parents[1] / "OpportunisticBMD"
UI = MODULE / "Resources" / "UI" / "Annotating.ui"
if str(MODULE) not in sys.path:
    sys.path.insert(0, str(MODULE))
