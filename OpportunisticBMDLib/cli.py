"""`opportunistic-bmd`, also `python -m OpportunisticBMDLib`: an edge of the program, like the Slicer module."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS, Phantom
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.materials import HA, MATERIALS
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.standing import ADULT_YEARS, SEXES, Person
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.tube_voltage import possible_voltage
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.followup.command import add_command as add_compare
from OpportunisticBMDLib.inference.device import DEVICES, chosen_device
from OpportunisticBMDLib.inference.engine import ENGINES
from OpportunisticBMDLib.scanners.command import add_command
from OpportunisticBMDLib.system.leftovers import clear_leftovers
from OpportunisticBMDLib.system.streams import Unfailing, complain, flush_output, prepare_streams, show

if TYPE_CHECKING:
    from OpportunisticBMDLib.calibration.phantom_line import PhantomLine
    from OpportunisticBMDLib.core.calibration_line import Calibration
    from OpportunisticBMDLib.models import ModelCard

# Everything that imports torch is imported where it is used: bad usage is answered at once.
MEASURED, BAD_INPUT, REFUSED = 0, 2, 3
COHORTS = ("one-scanner", "many-scanners")  # of virtual patients
Progress = Callable[[str, float], None]  # the step, and the share of everything that is done, 0..1
LOADING, CHAIN, WRITING = 0.05, 0.15, 0.9  # where loading the models, the chain and writing begin


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 measured, 2 bad input or usage, 3 refused."""
    prepare_streams()
    clear_leftovers()
    status = BAD_INPUT
    try:
        options = _parser().parse_args(arguments)
        status = options.command(options)
    except SystemExit as end:  # of the parser: help, or wrong usage
        status = int(end.code or MEASURED)
    except BadInput as error:
        complain(f"opportunistic-bmd: {' '.join(str(error).split())}")
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        complain(f"opportunistic-bmd: the disk does not do what it should{where} ({error.strerror or error}).")
    except MemoryError:
        complain("opportunistic-bmd: there is not enough memory; close other programs, or crop the CT to the spine.")
    except KeyboardInterrupt:
        complain("opportunistic-bmd: stopped; nothing was written.")
        status = 130
    unsaid = flush_output()
    if unsaid is not None:
        complain(f"opportunistic-bmd: what should be shown cannot be ({unsaid}); send the output elsewhere.")
        status = status or BAD_INPUT
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="opportunistic-bmd",
        description="Bone mineral density of T12, L1 and L2 from any CT that shows them. For research, not diagnosis.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    compute = commands.add_parser("compute", help="measure a CT")
    compute.add_argument("ct", type=Path, metavar="CT", help="NIfTI, NRRD or MetaImage file, DICOM folder, or a zip")
    compute.add_argument("--series", metavar="UID", help="the DICOM series to measure, where there are several")
    compute.add_argument(
        "--segmentation", type=Path, metavar="SEG", help="measure these masks (.seg.nrrd, DICOM SEG or label map)"
    )
    compute.add_argument(
        "--kvp", type=float, metavar="KV", help="the tube voltage, where the file does not state it, kV"
    )
    compute.add_argument(
        "--line", type=Path, metavar="FILE", help="a line, as calibrate writes it (default: the best at hand)"
    )
    compute.add_argument("--age", type=int, metavar="YEARS", help="of the patient, for reference curves; with --sex")
    compute.add_argument("--sex", choices=SEXES, help="of the patient, for reference curves; with --age")
    compute.add_argument(
        "--keep-month", action="store_true", help="write the month of the CT into the results, for compare"
    )
    _add_run_options(compute)
    compute.set_defaults(command=_compute)

    calibrate = commands.add_parser("calibrate", help="measure a scanner's own line on the scan of a phantom")
    calibrate.add_argument("ct", type=Path, metavar="CT", help="as for compute")
    calibrate.add_argument("--series", metavar="UID", help="the DICOM series to take, where there are several")
    calibrate.add_argument(
        "--phantom",
        required=True,
        metavar="NAME|FILE",
        help=f"{', '.join(PHANTOMS)}, or a JSON file that describes one",
    )
    calibrate.add_argument("-o", "--output", type=Path, metavar="FILE", help="the line (default: NAME-line.json)")
    calibrate.add_argument("--no-registry", action="store_true", help="only write the file")
    calibrate.set_defaults(command=_calibrate)
    add_command(commands)

    add_compare(commands)

    demo = commands.add_parser("demo", help="make a virtual patient of known BMD and measure it")
    demo.add_argument("--seed", type=int, default=1, help="which virtual patient")
    _add_run_options(demo)
    demo.set_defaults(command=_demo, segmentation=None, line=None, age=None, sex=None)

    simulate = commands.add_parser("simulate", help="write virtual patients as an annotated dataset")
    simulate.add_argument("-n", type=int, required=True, metavar="N", help="how many")
    simulate.add_argument("--seed", type=int, required=True, metavar="S", help="seed of the first one")
    simulate.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the dataset's folder")
    simulate.add_argument("--cohort", choices=COHORTS, default=COHORTS[0], help="how much the patients differ")
    simulate.set_defaults(command=_simulate)

    models = commands.add_parser("models", help="what is installed, with cards and checksums")
    models.add_argument("action", nargs="?", choices=["list", "verify"], default="list")
    models.add_argument("--models", type=Path, metavar="DIR", help="another model folder")
    models.set_defaults(command=_models)
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="where the results go (default: NAME-bmd)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--engine", choices=ENGINES, default="torch", help="of the 3D networks on the CPU")
    parser.add_argument("--models", type=Path, metavar="DIR", help="another model folder")
    parser.add_argument(
        "--material", choices=MATERIALS, default=HA, help="what the thresholds 80 and 120 mg/cm³ are of"
    )
    parser.add_argument("--no-registry", action="store_true", help="take no line that was measured on a phantom before")
    parser.add_argument("--progress", choices=["bar", "json", "none"], default="bar")


def _compute(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.reading import read_ct
    from OpportunisticBMDLib.results.folder import prepare_folder

    _person(options)  # before anything is read
    output = options.output or Path(f"{_stem(options.ct)}-bmd")
    prepare_folder(output)
    with _progress(options.progress) as progress:
        progress("read", 0.0)
        start = time.perf_counter()
        ct = read_ct(options.ct, options.series)
        kvp, by_file = _voltage(ct, options.kvp), ct.acquisition.kvp
        known = replace(ct.acquisition, month_asked=options.keep_month, kvp=kvp, kvp_by_user=kvp != by_file)
        ct = replace(ct, acquisition=known)
        load_s = time.perf_counter() - start
        result = _measure(ct, load_s, output, options, progress)
    show(_in_words(result, output))
    return REFUSED if result.status == "refused" else MEASURED


def _voltage(ct: CT, stated: float | None) -> float | None:
    """The tube voltage of the file, else the one that the user states."""
    known = ct.acquisition.kvp
    if stated is None or known == stated:
        return known
    if known is not None:
        raise BadInput(f"--kvp is {stated:g}, and {ct.acquisition.path} was made at {known:g} kVp: leave --kvp out.")
    if possible_voltage(stated) is None:
        raise BadInput(f"--kvp is {stated:g}: give the tube voltage in kV, such as 120.")
    return stated


def _measure(ct: CT, load_s: float, output: Path, options: argparse.Namespace, progress: Progress) -> Result:
    """Runs the chain on a CT and writes the results."""
    line = _given_line(options.line, ct) if options.line else None
    from OpportunisticBMDLib.pipeline import Pipeline
    from OpportunisticBMDLib.reference import with_standing
    from OpportunisticBMDLib.results.folder import write_results
    from OpportunisticBMDLib.scanners.registry import ScannerRegistry

    def chain(stage: str, fraction: float) -> None:
        progress(stage, CHAIN + fraction * (WRITING - CHAIN))

    scanners = None if options.no_registry else ScannerRegistry.of_user()
    if scanners is not None:
        scanners.line_for(ct.acquisition)  # a registry that cannot be read is told of before the long part
    progress("load models", LOADING)
    pipeline = Pipeline.load(options.models, chosen_device(options.device), options.engine)
    pipeline = replace(
        pipeline,
        thresholds=Thresholds(material=options.material),
        calibration=line,
        scanners=scanners,
    )
    if options.segmentation:
        run = pipeline.measure(ct, _given_masks(options.segmentation, ct), progress=chain)
    else:
        run = pipeline.run(ct, chain)
    progress("write", WRITING)
    result = with_standing(run.result, _person(options))
    result = replace(result, timing_s={"load": load_s, **result.timing_s})
    return write_results(output, ct, run.segmentation, result)


def _person(options: argparse.Namespace) -> Person | None:
    """Whom to look up in the reference curves; None where nobody asks."""
    if (options.age is None) != (options.sex is None):
        raise BadInput("Reference curves are by age and sex: give both --age and --sex, or neither.")
    try:
        person = None if options.age is None else Person(options.age, options.sex)
    except ValueError as error:
        raise BadInput(f"{error}; give --age in years.".capitalize()) from error
    if person is not None and person.age_years < ADULT_YEARS:
        raise BadInput(f"--age is {person.age_years}: thresholds and curves are those of adults; children are refused.")
    return person


def _given_masks(path: Path, ct: CT) -> Segmentation:
    from OpportunisticBMDLib.results.segmentation_file import read_segmentation

    return Segmentation(read_segmentation(path, ct.volume.grid), {})


def _given_line(path: Path, ct: CT) -> Calibration:
    from OpportunisticBMDLib.results.line_file import read_line

    return read_line(path, ct.acquisition)


def _calibrate(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.calibration.phantom_line import line_of_phantom
    from OpportunisticBMDLib.reading import read_ct
    from OpportunisticBMDLib.results.line_file import write_line

    measured = line_of_phantom(read_ct(options.ct, options.series), _phantom(options.phantom))
    output = options.output or Path(f"{_stem(options.ct)}-line.json")
    write_line(output, measured)
    show(_line_in_words(measured))
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


def _demo(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.results.folder import prepare_folder

    virtual_patient = _training("OpportunisticBMDTraining.virtual.patient").virtual_patient
    output = options.output or Path("demo/virtual-patient")
    prepare_folder(output)
    with _progress(options.progress) as progress:
        progress("read", 0.0)
        start = time.perf_counter()
        patient = virtual_patient(options.seed)
        ct = CT(patient.ct, patient.acquisition)
        result = _measure(ct, time.perf_counter() - start, output, options, progress)
    show(_in_words(result, output))
    show(f"\n{'':8}{'truth':>10}{'measured':>12}   mg/cm³ HA, what QCT reads in the middle 9 mm")
    for name, truth in patient.bmd_mg_cm3.items():
        vertebra = result.vertebrae.get(name)
        found = f"{vertebra.bmd_mg_cm3:.1f}" if isinstance(vertebra, MeasuredVertebra) else "-"
        show(f"{name:8}{truth:10.1f}{found:>12}")
    return REFUSED if result.status == "refused" else MEASURED


def _simulate(options: argparse.Namespace) -> int:
    if options.n < 1:
        raise BadInput(f"-n is {options.n}; ask for at least one virtual patient.")
    _training("OpportunisticBMDTraining.simulate").simulate(options.n, options.seed, options.output, options.cohort)
    show(f"{options.n} virtual patients in {options.output}")
    return MEASURED


def _models(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.models import STAGES, load_card, model_folder, verify

    show(f"Models in {model_folder(options.models)}")
    if options.action == "list":
        for stage in STAGES:
            show(_card_in_words(load_card(stage, options.models)))
        return MEASURED
    verdicts = verify(options.models)
    for verdict in verdicts:
        show(f"{verdict.stage:14}{'ok' if verdict.ok else 'FAULTY':8}{verdict.message}")
    return MEASURED if all(verdict.ok for verdict in verdicts) else BAD_INPUT


def _card_in_words(card: ModelCard) -> str:
    first, *later = (_entries(fit) for fit in _fits(card.training))
    lines = [
        ("architecture", card.architecture["name"]),
        ("grid", f"{' x '.join(f'{s:g}' for s in card.grid['spacing_mm'])} mm"),
        ("window", f"{card.window['low_hu']:g} to {card.window['high_hu']:g} HU"),
        ("fitted on", first),
        *(("then on", fit) for fit in later),
        ("figures", _entries(card.figures)),
        ("intended use", card.intended_use),
        ("licence", card.licence),
        ("SHA-256", card.sha256),
    ]
    return "\n".join([f"{card.stage}: {card.name} {card.version}", *(f"  {key:13} {value}" for key, value in lines)])


def _fits(training: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The fits that made a model, oldest first: each began with the weights of the one before."""
    fits: list[Mapping[str, Any]] = []
    fit: Any = training
    while isinstance(fit, Mapping):
        fits.insert(0, {key: value for key, value in fit.items() if key != "started_from"})
        fit = fit.get("started_from")
    return fits


def _entries(entries: Mapping[str, Any]) -> str:
    texts = {k: " ".join(map(str, v)) or "none" if isinstance(v, list) else v for k, v in entries.items()}
    return ", ".join(f"{key} {value}" for key, value in texts.items())


def _training(module: str) -> ModuleType:
    """The training package, which a Slicer installation does not hold."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        message = f"Virtual patients need the training tools ({error.name} is missing): pip install '.[training]'."
        raise BadInput(message) from error


def _stem(path: Path) -> str:
    name = os.path.basename(os.path.realpath(path))
    for ending in (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".zip"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _in_words(result: Result, output: Path) -> str:
    from OpportunisticBMDLib.results import wording
    from OpportunisticBMDLib.results.standing_words import standing_line
    from OpportunisticBMDLib.results.trust_words import trust_line

    lines = []
    if result.status == "refused":
        lines.append("Refused: no bone mineral density can be given.")
    else:
        lines.append(
            f"BMD {result.bmd_mg_cm3:.1f} ± {result.bmd_sd_mg_cm3:.1f} mg/cm³ HA (K2HPO4 "
            f"{result.bmd_k2hpo4_mg_cm3:.1f}), mean of {' and '.join(result.vertebrae_used)}: {result.category}"
        )
        lines += _uncertainty_in_words(result)
        lines += [line for line in (trust_line(result), standing_line(result)) if line]
    lines += [f"{reason.severity}: {wording.reason_sentence(reason)}" for reason in wording.ordered_reasons(result)]
    lines.append(f"Results in {output}. For research, not diagnosis.")
    return "\n".join(lines)


def _uncertainty_in_words(result: Result) -> list[str]:
    from OpportunisticBMDLib.results import wording

    between, causes = wording.interval(result), wording.unsure_because(result)
    if between is None or not causes:
        return []
    interval = f"95 % interval {between[0]:.1f} to {between[1]:.1f} mg/cm³. SD: {causes}."
    return [f"{interval} {wording.phantom_gain(result)}".rstrip()]


def _line_in_words(measured: PhantomLine) -> str:
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


@contextmanager
def _progress(kind: str) -> Iterator[Progress]:
    """A function that hears the name of each step as it begins and, now and then, how much of all is done."""
    said = Unfailing(sys.stderr)
    if kind == "bar":
        with tqdm(total=1.0, bar_format="{desc:<12} {bar:30} {percentage:3.0f} % {elapsed}", file=said) as bar:

            def show(step: str, fraction: float) -> None:
                bar.set_description_str(step, refresh=False)
                bar.n = fraction
                bar.refresh()

            yield show
            show("done", 1.0)
    elif kind == "json":
        yield lambda step, fraction: print(
            json.dumps({"stage": step, "percent": round(100 * fraction), "fraction": round(fraction, 4)}),
            file=said,
            flush=True,
        )
    else:
        yield lambda step, fraction: None
