"""`opportunistic-bmd demo`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from OpportunisticBMDLib.cli.chain import add_options, measure, steps_ahead
from OpportunisticBMDLib.cli.laboratory import laboratory
from OpportunisticBMDLib.cli.progress import reported
from OpportunisticBMDLib.cli.statuses import MEASURED, REFUSED
from OpportunisticBMDLib.system.meanwhile import meanwhile
from OpportunisticBMDLib.system.streams import show


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument("--seed", type=int, default=1, help="which virtual patient")
    add_options(parser)
    parser.set_defaults(command=_demo, segmentation=None, line=None, age=None, sex=None)


def _demo(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.cli.words import in_words
    from OpportunisticBMDLib.core.ct import CT
    from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
    from OpportunisticBMDLib.results.folder import prepare_folder

    virtual_patient = laboratory("virtual.patient").virtual_patient
    output = options.output or Path("demo/virtual-patient")
    prepare_folder(output)
    with reported(options.progress) as progress, meanwhile(*steps_ahead(options)):
        progress("read", 0.0)
        start = time.perf_counter()
        patient = virtual_patient(options.seed)
        ct = CT(patient.ct, patient.acquisition)
        result = measure(ct, time.perf_counter() - start, output, options, progress)
    show(in_words(result, output))
    show(f"\n{'':8}{'truth':>10}{'measured':>12}   mg/cm³ HA, what QCT reads in the middle 9 mm")
    for name, truth in patient.bmd_mg_cm3.items():
        vertebra = result.vertebrae.get(name)
        found = f"{vertebra.bmd_mg_cm3:.1f}" if isinstance(vertebra, MeasuredVertebra) else "-"
        show(f"{name:8}{truth:10.1f}{found:>12}")
    return REFUSED if result.status == "refused" else MEASURED
