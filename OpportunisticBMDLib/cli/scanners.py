"""`opportunistic-bmd scanners`: what is known of which scanner."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.cli.statuses import MEASURED
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.streams import show

if TYPE_CHECKING:
    from OpportunisticBMDLib.scanners.measurement import Measurement
    from OpportunisticBMDLib.scanners.registry import ScannerRegistry


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes; of the registry that the environment names, or the user's own."""
    parser.set_defaults(command=_list)
    actions = parser.add_subparsers(metavar="ACTION")
    actions.add_parser("list", help="all lines, with their numbers").set_defaults(command=_list)

    drift = actions.add_parser("drift", help="how lines moved from one scan of a phantom to the next")
    drift.add_argument("scanner", nargs="*", metavar="SCANNER", help="words of its name (default: all scanners)")
    drift.add_argument("-o", "--output", type=Path, metavar="FILE", help="a picture of it (PNG)")
    drift.set_defaults(command=_drift)

    export = actions.add_parser("export", help="write all lines into one file")
    export.add_argument("file", type=Path, metavar="FILE")
    export.set_defaults(command=_export)

    importing = actions.add_parser("import", help="add the lines of such a file, or of one that calibrate wrote")
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.set_defaults(command=_import)

    forget = actions.add_parser("forget", help="remove lines")
    forget.add_argument("number", type=int, nargs="+", metavar="ID", help="of a line, as list shows it")
    forget.set_defaults(command=_forget)


def _list(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.scanners.words import listed

    registry = _registry()
    measurements = registry.all()
    show(f"Scanners in {registry.path}")
    for line in listed(measurements) or ["none yet: measure one with calibrate"]:
        show(line)
    return MEASURED


def _drift(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.scanners.measurement import alike
    from OpportunisticBMDLib.scanners.words import drifting

    series = {
        names: measurements
        for names, measurements in alike(_registry().all()).items()
        if _is_meant(names, options.scanner)
    }
    if not series:
        raise BadInput("There is no such scanner in the registry: see the names with scanners list.")
    for (machine, technique), measurements in series.items():
        for line in drifting(machine, technique, measurements):
            show(line)
    if options.output:
        _draw(options.output, {", ".join(names): measurements for names, measurements in series.items()})
    return MEASURED


def _draw(path: Path, series: dict[str, Sequence[Measurement]]) -> None:
    from OpportunisticBMDLib.scanners.drift_plot import write_drift_plot

    write_drift_plot(path, series)
    show(f"The picture is {path}")


def _is_meant(names: tuple[str, str], words: Sequence[str]) -> bool:
    whole = " ".join(names).lower()
    return all(word.lower() in whole for word in words)


def _export(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.scanners.exchange import write_lines

    measurements = _registry().all()
    write_lines(options.file, measurements)
    show(f"{_counted(len(measurements))} in {options.file}")
    return MEASURED


def _import(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.scanners.exchange import read_lines

    registry = _registry()
    lines = read_lines(options.file)
    new = registry.take(lines)
    show(f"{_counted(new)} added to {registry.path}, {len(lines) - new} known before")
    return MEASURED


def _forget(options: argparse.Namespace) -> int:
    registry = _registry()
    registry.forget(options.number)
    show(f"{_counted(len(registry.all()))} left in {registry.path}")
    return MEASURED


def _registry() -> ScannerRegistry:
    from OpportunisticBMDLib.scanners.registry import ScannerRegistry

    return ScannerRegistry.of_user()


def _counted(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
