"""Where a program keeps what its user gathers over the years, and what it can make anew."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = "opportunistic-bmd"


def user_data_folder() -> Path:
    """The user's own, as each system has it; it need not be there yet."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / FOLDER
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / FOLDER
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / FOLDER


def user_cache_folder() -> Path:
    """The user's own, as each system has it, for what may be deleted at any time; it need not be there yet."""
    if sys.platform == "win32":
        return user_data_folder() / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / FOLDER
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / FOLDER
