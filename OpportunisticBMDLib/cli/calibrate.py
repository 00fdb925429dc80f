"""`opportunistic-bmd calibrate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.calibration.phantoms import PHANTOMS, Phantom
from OpportunisticBMDLib.cli.statuses import MEASURED
from OpportunisticBMDLib.cli.stem import stem
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.streams import show

if TYPE_CHECKING:
    from OpportunisticBMDLib.calibration.phantom_line import PhantomLine


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument("ct", type=Path, metavar="CT", help="as for compute")
    parser.add_argument("--series", metavar="UID", help="the DICOM series to take, where there are several")
    parser.add_argument(
        "--phantom",
        required=True,
        metavar="NAME|FILE",
        help=f"{', '.join(PHANTOMS)}, or a JSON file that describes one",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the line (default: NAME-line.json)")
    parser.add_argument("--no-registry", action="store_true", help="only write the file")
    parser.set_defaults(command=_calibrate)


def _calibrate(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.calibration.phantom_line import line_of_phantom
    from OpportunisticBMDLib.reading import read_ct
    from OpportunisticBMDLib.results.line_file import write_line

    measured = line_of_phantom(read_ct(options.ct, options.series), _phantom(options.phantom))
    output = options.output or Path(f"{stem(options.ct)}-line.json")
    write_line(output, measured)
    show(_in_words(measured))
    show(f"The line is in {output}; measure this scanner's CTs of the same voltage with: compute CT --line {output}")
    if not options.no_registry:
        show(_entered(measured))
    return MEASURED


def _entered(measured: PhantomLine) -> str:
    """Enters a line into the registry, where its scan tells of which scanner it is; in words."""
    from OpportunisticBMDLib.scanners.measurement import machine, why_not_kept
    from OpportunisticBMDLib.scanners.registry import ScannerRegistry

    why = why_not_kept(measured.scan)
    if why:
        return f"It is not entered into the registry of scanners: {why}."
    is_new = ScannerRegistry.of_user().enter(measured)
    whose = f"the registry of scanners, where CTs of {machine(measured.scan)} find it by themselves"
    return f"It is in {whose}." if is_new else f"It replaces the line of the same scan in {whose}."


def _phantom(named: str) -> Phantom:
    """One that is known, or the one that a file describes."""
    from OpportunisticBMDLib.results.phantom_file import read_phantom

    if named in PHANTOMS:
        return PHANTOMS[named]
    if not Path(named).exists():
        raise BadInput(
            f"There is no phantom {named!r}: name {', '.join(PHANTOMS)}, or a JSON file that describes yours."
        )
    return read_phantom(Path(named))


def _in_words(measured: PhantomLine) -> str:
    line, scan = measured.line, measured.scan
    facts = (scan.scanned_on, scan.scanner, f"{scan.kvp:g} kVp" if scan.kvp else "voltage not known", scan.kernel)
    lines = [
        f"{measured.phantom}: {', '.join(fact for fact in facts if fact)}",
        f"{'insert':10}{f'mg {measured.material}/cm³':>14}{'HU':>9}{'SD':>7}{'voxels':>8}{'off by':>9}",
        *(
            f"{insert.name:10}{insert.density_mg_cm3:14.1f}{insert.hu_mean:9.1f}{insert.hu_sd:7.1f}{insert.voxels:8d}"
            f"{insert.residual_mg_cm3:+9.1f}"
            for insert in measured.inserts
        ),
        f"HU = ({line.slope_hu_per_mg_cm3:.3f} ± {100 * line.slope_sd:.1f} %) × mg HA/cm³ + "
        f"({line.intercept_hu:.1f} ± {line.intercept_sd_hu:.1f})",
    ]
    return "\n".join(lines)
