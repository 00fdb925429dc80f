"""The registry of scanners as the panel uses it. Nothing here knows a widget."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import OpportunisticBMDLib
from OpportunisticBMDLib.calibration.phantom_line import PhantomLine
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.scanners.exchange import read_lines, write_lines
from OpportunisticBMDLib.scanners.measurement import machine, why_not_kept
from OpportunisticBMDLib.scanners.registry import ScannerRegistry
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX, clear_leftovers
from OpportunisticBMDLib.system.scratch import Scratch
from OpportunisticBMDPanel.scanners.phantom_process import LINE, write_scan
from OpportunisticBMDPanel.slicer.beside import run_beside

PANEL = Path(__file__).resolve().parents[2]  # the folder that OpportunisticBMDPanel lies in
FOLDERS = tuple(dict.fromkeys((PANEL, Path(OpportunisticBMDLib.__file__).resolve().parents[1])))
MODULE = "OpportunisticBMDPanel.scanners.phantom_process"


@dataclass(frozen=True)
class KnownScanners:
    """What the registry holds.

    Args:
        scanners: how many machines.
        measured_on: the day of the line that the chosen CT would be read by; "" where it has none, None without one.
    """

    scanners: int
    measured_on: str | None


def known_scanners(scan: Acquisition | None) -> KnownScanners:
    """
    Raises:
        BadInput: the registry cannot be read.
    """
    registry = ScannerRegistry.of_user()
    line = registry.line_for(scan) if scan else None
    machines = {machine(one.scan) for one in registry.all()}
    return KnownScanners(len(machines), (line.measured_on or "") if line else None)


def measure_phantom(ct: CT, phantom: str, text: str) -> PhantomLine | None:
    """Measures the line of a phantom's scan and keeps it; None where that was cancelled.

    Args:
        phantom: one of `PHANTOMS`.
        text: shown meanwhile.

    Raises:
        BadInput: the scan does not say of which scanner it is, or the phantom is not found in it.
        OSError: there is no space, or no process can be started.
    """
    why = why_not_kept(ct.acquisition)
    if why:
        raise BadInput(f"No patient's CT could find the line of this phantom: {why}.")
    clear_leftovers()
    with Scratch(Path(tempfile.gettempdir()), TEMPORARY_PREFIX) as folder:
        write_scan(folder, ct, phantom)
        if not run_beside(MODULE, [str(folder)], folder, finds=FOLDERS, text=text):
            return None
        (measured,) = read_lines(folder / LINE)
    ScannerRegistry.of_user().enter(measured)
    return measured


def import_lines(path: Path) -> tuple[int, int]:
    """Takes the lines of a file; how many were new, and how many were known.

    Raises:
        BadInput, OSError: the file or the registry cannot be read or written.
    """
    lines: Sequence[PhantomLine] = read_lines(path)
    new = ScannerRegistry.of_user().take(lines)
    return new, len(lines) - new


def export_lines(path: Path) -> int:
    """Writes all lines into a file; how many.

    Raises:
        BadInput, OSError: the registry cannot be read, or the file not be written.
    """
    measurements = ScannerRegistry.of_user().all()
    write_lines(path, measurements)
    return len(measurements)
