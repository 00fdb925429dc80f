"""What results are named after where the user names no file."""

from __future__ import annotations

import os
from pathlib import Path

from OpportunisticBMDLib.cohort.in_folder import ENDINGS


def stem(path: Path) -> str:
    """The name of a CT's file or folder without its ending."""
    name = os.path.basename(os.path.realpath(path))
    return next((name[: -len(ending)] for ending in ENDINGS if name.lower().endswith(ending)), name)
