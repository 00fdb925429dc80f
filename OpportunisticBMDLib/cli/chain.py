"""The chain as `compute` and `demo` run it: what both take, and a CT to its results in a folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.materials import HA, MATERIALS
from OpportunisticBMDLib.core.standing import ADULT_YEARS, Person
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.tube_voltage import possible_voltage
from OpportunisticBMDLib.inference.device import DEVICES, chosen_device
from OpportunisticBMDLib.inference.engine import ENGINES, engine_named
from OpportunisticBMDLib.measuring import WRITING, Setup, chain_of, written
from OpportunisticBMDLib.system.progress import Progress

if TYPE_CHECKING:
    from OpportunisticBMDLib.core.calibration_line import Calibration
    from OpportunisticBMDLib.core.ct import CT
    from OpportunisticBMDLib.core.result import Result
    from OpportunisticBMDLib.core.segmentation import Segmentation
    from OpportunisticBMDLib.reading.series.source_slices import SourceSlices

PREPARING = "prepare the networks for this processor, once"
LOADING = 0.05  # where loading the models begins


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what every command takes that runs the chain on a CT."""
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="where the results go (default: NAME-bmd)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    add_setup(parser)


def add_setup(parser: argparse.ArgumentParser) -> None:
    """Adds how CTs are measured, one or many of them; see `setup_of`."""
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="of the networks on the CPU: OpenVINO where it works, or torch",
    )
    parser.add_argument("--models", type=Path, metavar="DIR", help="another model folder")
    parser.add_argument(
        "--material", choices=MATERIALS, default=HA, help="what the thresholds 80 and 120 mg/cm³ are of"
    )
    parser.add_argument("--no-registry", action="store_true", help="take no line that was measured on a phantom before")
    parser.add_argument("--progress", choices=["bar", "json", "none"], default="bar")


def steps_ahead(options: argparse.Namespace) -> tuple[Callable[[], object], ...]:
    """What makes `measure` quicker, for `meanwhile`: its imports in the order in which it needs them."""
    from OpportunisticBMDLib.results.folder import prepare_drawing

    def engine() -> None:
        engine_named(options.engine, chosen_device(options.device, options.engine))

    return partial(import_module, "OpportunisticBMDLib.pipeline"), engine, prepare_drawing


def measure(
    ct: CT,
    load_s: float,
    output: Path,
    options: argparse.Namespace,
    progress: Progress,
    slices: SourceSlices | None = None,
) -> Result:
    """Runs the chain on a CT and writes the results; where slices are given, also as DICOM objects of their study."""
    line = _given_line(options.line, ct) if options.line else None  # what is wrong with it is said before the long part
    setup = setup_of(options, line)
    if setup.scanners is not None:
        setup.scanners.line_for(ct.acquisition)  # a registry that cannot be read is told of before the long part
    progress("load models", LOADING)
    pipeline = setup.pipeline(lambda *_: progress(PREPARING, LOADING))
    if options.segmentation:
        run = pipeline.measure(ct, _given_masks(options.segmentation, ct), progress=chain_of(progress))
    else:
        run = pipeline.run(ct, chain_of(progress))
    progress("write", WRITING)
    return written(run, ct, load_s, output, person=person(options), slices=slices)


def setup_of(options: argparse.Namespace, line: Calibration | None = None) -> Setup:
    """How CTs are measured."""
    return Setup(
        options.models,
        options.device,
        options.engine,
        Thresholds(material=options.material),
        line,
        uses_registry=not options.no_registry,
    )


def check_voltage(kvp: float) -> None:
    """Raises BadInput where a user states what cannot be a tube voltage, kV."""
    if possible_voltage(kvp) is None:
        raise BadInput(f"--kvp is {kvp:g}: give the tube voltage in kV, such as 120.")


def person(options: argparse.Namespace) -> Person | None:
    """Whom to look up in the reference curves; None where nobody asks."""
    if (options.age is None) != (options.sex is None):
        raise BadInput("Reference curves are by age and sex: give both --age and --sex, or neither.")
    try:
        asked = None if options.age is None else Person(options.age, options.sex)
    except ValueError as error:
        raise BadInput(f"{error}; give --age in years.".capitalize()) from error
    if asked is not None and asked.age_years < ADULT_YEARS:
        raise BadInput(f"--age is {asked.age_years}: thresholds and curves are those of adults; children are refused.")
    return asked


def _given_masks(path: Path, ct: CT) -> Segmentation:
    from OpportunisticBMDLib.core.segmentation import Segmentation
    from OpportunisticBMDLib.results.segmentation_file import read_segmentation

    return Segmentation(read_segmentation(path, ct.volume.grid), {})


def _given_line(path: Path, ct: CT) -> Calibration:
    from OpportunisticBMDLib.results.line_file import read_line

    return read_line(path, ct.acquisition)
