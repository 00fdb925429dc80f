"""`opportunistic-bmd compute`."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.cli.chain import add_options, check_voltage, measure, person, steps_ahead
from OpportunisticBMDLib.cli.installed import check_installed
from OpportunisticBMDLib.cli.progress import reported
from OpportunisticBMDLib.cli.statuses import MEASURED, REFUSED
from OpportunisticBMDLib.cli.stem import stem
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.standing import SEXES
from OpportunisticBMDLib.measuring import slices_for_objects
from OpportunisticBMDLib.system.meanwhile import meanwhile
from OpportunisticBMDLib.system.streams import show

if TYPE_CHECKING:
    from OpportunisticBMDLib.core.ct import CT


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument(
        "ct", type=Path, metavar="CT", help="NIfTI, NRRD or MetaImage file, DICOM folder or enhanced CT, or a zip"
    )
    parser.add_argument("--series", metavar="UID", help="the DICOM series to measure, where there are several")
    parser.add_argument(
        "--segmentation", type=Path, metavar="SEG", help="measure these masks (.seg.nrrd, DICOM SEG or label map)"
    )
    parser.add_argument(
        "--kvp", type=float, metavar="KV", help="the tube voltage, where the file does not state it, kV"
    )
    parser.add_argument(
        "--line", type=Path, metavar="FILE", help="a line, as calibrate writes it (default: the best at hand)"
    )
    parser.add_argument("--age", type=int, metavar="YEARS", help="of the patient, for reference curves; with --sex")
    parser.add_argument("--sex", choices=SEXES, help="of the patient, for reference curves; with --age")
    parser.add_argument(
        "--keep-month", action="store_true", help="write the month of the CT into the results, for compare"
    )
    parser.add_argument(
        "--dicom", action="store_true", help="also write DICOM objects of the patient's study (they say who it is)"
    )
    add_options(parser)
    parser.set_defaults(command=_compute)


def _compute(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.reading import read_ct_with_slices
    from OpportunisticBMDLib.results.folder import prepare_folder

    person(options)  # before anything is read
    if options.dicom:
        check_installed("highdicom", "--dicom", "dicom")
    output = options.output or Path(f"{stem(options.ct)}-bmd")
    prepare_folder(output)
    ahead = steps_ahead(options) if options.ct.exists() else ()  # a wrong path is told at once
    with reported(options.progress) as progress, meanwhile(*ahead):
        progress("read", 0.0)
        start = time.perf_counter()
        ct, slices = read_ct_with_slices(options.ct, options.series)
        kvp, by_file = _voltage(ct, options.kvp), ct.acquisition.kvp
        known = replace(ct.acquisition, month_asked=options.keep_month, kvp=kvp, kvp_by_user=kvp != by_file)
        ct = replace(ct, acquisition=known)
        load_s = time.perf_counter() - start
        slices = slices_for_objects(ct, slices, options.ct) if options.dicom else None
        result = measure(ct, load_s, output, options, progress, slices)
    from OpportunisticBMDLib.cli.words import in_words  # here: what cannot be read is told before it is imported

    show(in_words(result, output))
    return REFUSED if result.status == "refused" else MEASURED


def _voltage(ct: CT, stated: float | None) -> float | None:
    """The tube voltage of the file, else the one that the user states."""
    known = ct.acquisition.kvp
    if stated is None or known == stated:
        return known
    if known is not None:
        raise BadInput(f"--kvp is {stated:g}, and {ct.acquisition.path} was made at {known:g} kVp: leave --kvp out.")
    check_voltage(stated)
    return stated
