"""Programs of others that read or judge DICOM objects: a test is skipped where one is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = {  # Debian's, or PyPI's
    "dciodvfy": "dicom3tools",
    "dsrdump": "dcmtk",
    "DicomSRValidator": "pixelmed-apps",
    "segimage2itkimage": "dcmqi",
    "tid1500reader": "dcmqi",
}
# The validator's rules are one large style sheet, more than newer Java allows unless it is told.
_JAVA = "-Djdk.xml.xpathExprOpLimit=0 -Djdk.xml.xpathTotalOpLimit=0 -Djdk.xml.xpathExprGrpLimit=0"


def said_by(program: str, *arguments: object) -> str:
    """What it says about a file, on both streams."""
    path = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if path is None:
        pytest.skip(f"{program} (of {PACKAGES[program]}) is not installed")
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": _JAVA}
    run = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=300)
    return run.stdout + run.stderr


def errors_of(said: str) -> list[str]:
    """The lines that are errors."""
    return [line for line in said.splitlines() if line.lower().startswith(("error", "e:", "abort"))]
