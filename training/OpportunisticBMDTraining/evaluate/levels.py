"""How virtual patients' vertebrae are named: `opportunistic-bmd-lab evaluate-levels -n 200 --cohort many-scanners`.

Localizer and levels alone, without masks and densities. Prints Markdown tables: patients named right, flagged or named
wrong without a word, and ribs seen on each side of the vertebrae T11 to L2.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.levels import Levels, Rib, Variant
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.quality.levels import is_sure
from OpportunisticBMDLib.stages.levels.place_box import box_at
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.evaluate.csv_file import write_records
from OpportunisticBMDTraining.evaluate.sources import COHORTS, UNSEEN_SEED
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from OpportunisticBMDTraining.virtual.patient import VirtualPatient, draw_parameters, render
from OpportunisticBMDTraining.virtual.spine import place
from OpportunisticBMDTraining.virtual.true_levels import measured_levels, variant_of
from OpportunisticBMDTraining.virtual.true_ribs import TrueVertebra, nearest, rib_class, true_vertebrae

RIGHT, FLAGGED, WRONG, REFUSED = "right", "flagged", "wrong without a flag", "refused"
STATES = ("absent", "remnant", "present")
NEIGHBOURS = ("T11", "T12", "L1", "L2")  # by shape: whose ribs decide
VARIANTS = tuple(variant.value for variant in Variant if variant is not Variant.USUAL)


@dataclass(frozen=True)
class LevelsOfPatient:
    """What came of one patient.

    Args:
        seed: of the patient.
        outcome: one of the four above; refused counts as flagged.
        measurable: whether two of T12, L1 and L2 lie whole in the scan.
        ribs_in_view: whether the last vertebra with ribs and the first one without lie in the scan.
        probability: of the answer taken; NaN where there is none.
        off: by how many vertebrae the names are too low; NaN where there are none.
        variant, variant_found: see `Variant`.
        ribs_right, ribs_seen, ribs_untold: sides of the vertebrae around the last ribs.
        slice_mm: thickness of the slices.
    """

    seed: int
    outcome: str
    measurable: bool
    ribs_in_view: bool
    probability: float
    off: float
    variant: str
    variant_found: str
    ribs_right: int
    ribs_seen: int
    ribs_untold: int
    slice_mm: float


def measure(seed: int, cohort: str, variant: str, models: Path | None) -> LevelsOfPatient:
    """One patient, whose scan reaches to the sacrum where a variant is asked for."""
    parameters = draw_parameters(seed, cohort)
    if variant:
        parameters = reaching_the_sacrum(parameters)
    patient = render(parameters)
    levels, refused = _named(patient, models)
    truth = true_vertebrae(parameters)
    called = {level: shape for shape, level in measured_levels(parameters.body, parameters.vertebrae).items()}
    off = _off(levels, truth, called["L1"])
    sides = Counter(_rib_outcomes(levels, truth))
    return LevelsOfPatient(
        seed=seed,
        outcome=_outcome(levels, refused, off),
        measurable=sum(name not in patient.not_measurable for name in VERTEBRAE) > 1,
        ribs_in_view=_ribs_in_view(patient, truth, called),
        probability=levels.probability if levels else np.nan,
        off=np.nan if off is None else off,
        variant=variant_of(parameters.body, parameters.vertebrae).value,
        variant_found=levels.variant.value if levels else "",
        ribs_right=sides["right"],
        ribs_seen=sides["right"] + sides["wrong"],
        ribs_untold=sides["cannot tell"],
        slice_mm=parameters.scan.slice_thickness,
    )


def _named(patient: VirtualPatient, models: Path | None) -> tuple[Levels | None, bool]:
    """The levels, and whether the chain would end there."""
    chain = pipeline(models)
    try:
        box = chain.localizer(patient.ct)
    except Refused:
        return None, True
    levels = chain.levels(patient.ct, box)
    try:
        box_at(levels, box)
    except Refused:
        return levels, True
    return levels, False


def reaching_the_sacrum(parameters: PatientParameters) -> PatientParameters:
    """The same patient scanned from above T11 to below the sacrum's upper end."""
    spine = {v.shape.name: v.centre for v in place(parameters.vertebrae)}
    low = float(min(point[2] for point in spine.values())) - 55.0
    top = max(parameters.scan.top, float(spine["T10"][2]))
    return replace(parameters, scan=replace(parameters.scan, top=top, bottom=min(parameters.scan.bottom, low)))


def _off(levels: Levels | None, truth: tuple[TrueVertebra, ...], l1: str) -> int | None:
    """By how many vertebrae what is called L1 (or another one) lies too low."""
    names = [v.name for v in truth]
    for n, seen in enumerate(levels.vertebrae if levels else ()):
        true = nearest(truth, np.array(seen.centre_ras_mm))
        if true is not None and seen.name in VERTEBRAE:
            return names.index(true.name) - names.index(l1) - (n - levels.first_lumbar)  # type: ignore[union-attr]
    return None


def _outcome(levels: Levels | None, refused: bool, off: int | None) -> str:
    if refused:
        return REFUSED
    if levels is None or not is_sure(levels):
        return FLAGGED
    return RIGHT if off == 0 else WRONG


def _ribs_in_view(patient: VirtualPatient, truth: tuple[TrueVertebra, ...], called: dict[str, str]) -> bool:
    low, high = patient.ct.grid.bounds_ras[2]
    at = {v.name: float(v.centre_ras[2]) for v in truth}
    return bool(at[called["T12"]] + 10 < high and at[called["L1"]] - 5 > low)


def _rib_outcomes(levels: Levels | None, truth: tuple[TrueVertebra, ...]) -> Iterator[str]:
    for seen in levels.vertebrae if levels else ():
        true = nearest(truth, np.array(seen.centre_ras_mm))
        if true is None or true.name not in NEIGHBOURS:
            continue
        for rib, length in zip((seen.right, seen.left), true.ribs_mm):
            if rib.in_view:
                yield rib_outcome(rib, length)


def rib_outcome(rib: Rib, true_mm: float) -> str:
    """Present or absent is what counts; a remnant is neither, where it was one or is taken for one."""
    if rib.state == "cannot tell":
        return rib.state
    true = STATES[rib_class(true_mm)]
    return "right" if rib.state == true or "remnant" in (true, rib.state) else "wrong"


def table(found: Sequence[LevelsOfPatient]) -> str:
    """Markdown tables of all patients, and of each variant."""
    outcomes = Counter(patient.outcome for patient in found)
    in_view = [p for p in found if p.ribs_in_view and p.measurable]
    right = sum(p.outcome == RIGHT for p in in_view)
    safe = len(found) - outcomes[WRONG]
    sides, seen = sum(p.ribs_right for p in found), sum(p.ribs_seen for p in found)
    rows = [
        ("right or flagged", _share(safe, len(found))),
        ("of those with ribs in view: right without a flag", _share(right, len(in_view))),
        ("wrong without a flag", str(outcomes[WRONG])),
        ("refused though it could be measured", str(sum(p.outcome == REFUSED and p.measurable for p in found))),
        ("ribs of T11 to L2, present or absent right", _share(sides, seen)),
        ("of these sides: cannot tell", str(sum(p.ribs_untold for p in found))),
    ]
    for variant in VARIANTS:
        own = [p for p in found if p.variant == variant]
        if own:
            rows.append((f"{variant}: named as such", _share(sum(p.variant_found == variant for p in own), len(own))))
    return markdown(("levels", "value"), rows)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "none"


def seeds_of(n: int, first: int, cohort: str, variant: str) -> list[int]:
    """The seeds of the first n patients of a variant; of any where it is ""."""
    seeds: list[int] = []
    seed = first
    while len(seeds) < n:
        parameters = draw_parameters(seed, cohort)
        if not variant or variant_of(parameters.body, parameters.vertebrae).value == variant:
            seeds.append(seed)
        seed += 1
    return seeds


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab evaluate-levels", description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=UNSEEN_SEED, help="seed of the first one")
    parser.add_argument("--cohort", choices=COHORTS, default="many-scanners", help="which virtual patients")
    parser.add_argument("--variant", choices=VARIANTS, default="", help="only these, scanned down to the sacrum")
    parser.add_argument("--models", type=Path, help="another model folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once; each needs about 3 GB")
    parser.add_argument("-o", "--output", type=Path, help="a .csv file with a line per patient")
    options = parser.parse_args(arguments)

    def work() -> None:
        seeds = seeds_of(options.n, options.seed, options.cohort, options.variant)
        tasks = [(seed, options.cohort, options.variant, options.models) for seed in seeds]
        found = each(measure, tasks, jobs=options.jobs, title="patients", unit="patient")
        if options.output:
            write_records(options.output, LevelsOfPatient, found)
        print(table(found))

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
