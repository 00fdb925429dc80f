"""A line in the registry, and which machine it is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from OpportunisticBMDLib.calibration.phantom_line import PhantomLine
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import Acquisition

SHOWN_ID = 6  # digits of a machine's digest


@dataclass(frozen=True)
class Measurement:
    """What one scan of a phantom gave.

    Args:
        number: in this registry.
    """

    number: int
    measured: PhantomLine

    @property
    def line(self) -> Calibration:
        return self.measured.line

    @property
    def scan(self) -> Acquisition:
        return self.measured.scan


def machine(scan: Acquisition) -> str:
    """ "Canon Aquilion ONE (4f1c22)": make and model, and which machine of them, as far as a header tells."""
    name = scan.scanner or "scanner of unknown make"
    return f"{name} ({scan.scanner_id[:SHOWN_ID]})" if scan.scanner_id else name


def technique(scan: Acquisition) -> str:
    """ "120 kVp, FC12": what else a line holds for."""
    volts = f"{scan.kvp:g} kVp" if scan.kvp else "voltage not known"
    energy = f"{scan.energy_kev:g} keV" if scan.energy_kev else None
    return ", ".join(part for part in (energy or volts, scan.kernel or "kernel not known", scan.spectrum) if part)


def why_not_kept(scan: Acquisition) -> str | None:
    """Why no patient's scan could find the line of this one; None where it can."""
    lacking = [
        what
        for what, is_there in (
            ("its scanner", scan.scanner or scan.scanner_id),
            ("the tube voltage", scan.kvp or scan.energy_kev),
        )
        if not is_there
    ]
    return f"the scan does not state {' and '.join(lacking)}" if lacking else None


def in_order(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Oldest first; those without a day before all others."""
    return sorted(measurements, key=lambda one: (one.scan.scanned_on or "", one.number))


def alike(measurements: Iterable[Measurement]) -> dict[tuple[str, str], Sequence[Measurement]]:
    """Machine and technique -> its measurements, oldest first."""
    found: dict[tuple[str, str], list[Measurement]] = {}
    for one in in_order(measurements):
        found.setdefault((machine(one.scan), technique(one.scan)), []).append(one)
    return dict(sorted(found.items()))
