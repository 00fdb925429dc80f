"""How contrast is seen and corrected for: `opportunistic-bmd-lab evaluate-contrast -n 100 --cohort many-scanners`.

Every virtual patient is scanned once; those with an agent also without one, all else the same. The pixels are asked for
the phase whatever the header says, and the middle of each true body is read. With two CTs of one real patient also what
the chain gives for both.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.core.contrast import Phase
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.segmentation import Segmentation, centres_of
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.stages.contrast import correction_for, seen_contrast
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.stages.read_region import read_region
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.evaluate import words
from OpportunisticBMDTraining.evaluate.csv_file import write_records
from OpportunisticBMDTraining.evaluate.sources import UNSEEN_SEED
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.virtual.agent import without_agent
from OpportunisticBMDTraining.virtual.around_spine import around_spine
from OpportunisticBMDTraining.virtual.patient import COHORTS, VirtualPatient, draw_parameters, render

NOT_TOLD = "not told"


@dataclass(frozen=True)
class SeenPatient:
    """One patient.

    Args:
        phase: the true one.
        seen: by the pixels; "not told" where no vessel was found.
        probability: 0..1 of that.
        believed: "pixels", "header" or "neither".
        read_mg_cm3: how much more is read with the agent than without it; NaN where there is none.
        shown_mg_cm3: the same of what is shown after the correction.
    """

    seed: int
    phase: str
    seen: str
    probability: float
    believed: str
    read_mg_cm3: float
    shown_mg_cm3: float


def measure(seed: int, cohort: str) -> SeenPatient | None:
    """One patient; None where the scan shows no body whole."""
    parameters = around_spine(draw_parameters(seed, cohort))
    patient = render(parameters)
    bodies = centres_of(Segmentation(patient.labels, {}))
    if not bodies or parameters.agent is None:
        return None
    contrast = seen_contrast(CT(patient.ct, patient.acquisition), bodies)
    read = shown = np.nan
    if parameters.contrast:
        native = render(without_agent(parameters))
        first, second = _readings(native), _readings(patient)
        both = first.keys() & second.keys()
        with_agent = {name: second[name] for name in both}
        correction = correction_for(contrast, parameters.scan.kvp)
        after = {name: correction.bmd(bmd) if correction else bmd for name, bmd in with_agent.items()}
        if both:
            read, shown = (
                float(np.mean([values[name] - first[name] for name in both])) for values in (with_agent, after)
            )
    seen = contrast.seen.value if contrast.seen else NOT_TOLD
    return SeenPatient(seed, parameters.agent.phase, seen, contrast.probability, contrast.believed, read, shown)


def _readings(patient: VirtualPatient) -> dict[str, float]:
    """Vertebra -> what its middle reads by the line of the voltage, in the true masks."""
    line, found = line_for(patient.acquisition.kvp), {}
    for name in VERTEBRAE:
        region = place_region(patient.labels, name) if name in patient.bmd_mg_cm3 else None
        reading = read_region(patient.ct, patient.labels, name, region) if region else None
        if reading and reading.voxels:
            found[name] = float(line.bmd(reading.hu_mean))
    return found


def phases_table(found: Sequence[SeenPatient]) -> str:
    """Markdown: true phases against those that are seen, and the share that is right."""
    columns = [*(phase.value for phase in Phase), NOT_TOLD]
    rows = []
    for phase in Phase:
        own = [patient for patient in found if patient.phase == phase.value]
        if own:
            right = sum(patient.seen == patient.phase for patient in own)
            counts = (str(sum(patient.seen == column for patient in own)) for column in columns)
            rows.append((phase.value, *counts, f"{right} of {len(own)}"))
    right = sum(patient.seen == patient.phase for patient in found)
    rows.append(("all", *[""] * len(columns), f"{right} of {len(found)}, {100 * right / max(len(found), 1):.1f} %"))
    return markdown(("phase", *(f"seen: {column}" for column in columns), "right"), rows)


def pairs_table(found: Sequence[SeenPatient]) -> str:
    """Markdown: the same patients with and without an agent, mean and SD of the difference, before and after."""
    pairs = [patient for patient in found if np.isfinite(patient.read_mg_cm3)]
    groups = {"all": pairs} | {phase.value: [p for p in pairs if p.phase == phase.value] for phase in Phase}
    rows = [
        (
            name,
            str(len(own)),
            _spread([p.read_mg_cm3 for p in own]),
            _spread([p.shown_mg_cm3 for p in own]),
            words.number(float(np.sqrt(np.mean([p.read_mg_cm3**2 for p in own]))), 1),
            words.number(float(np.sqrt(np.mean([p.shown_mg_cm3**2 for p in own]))), 1),
        )
        for name, own in groups.items()
        if own
    ]
    header = ("pairs", "patients", "read, mean ± SD (mg/cm³)", "corrected", "read, RMS", "corrected, RMS")
    return markdown(header, rows)


def _spread(values: Sequence[float]) -> str:
    return f"{words.number(float(np.mean(values)), 1, sign=True)} ± {words.number(float(np.std(values)), 1)}"


def real_pair(native: Path, contrast: Path, models: Path | None) -> str:
    """Markdown: what the chain reads and shows of one patient without and with an agent."""
    first, second = (pipeline(models).run(read_ct(path)).result for path in (native, contrast))
    rows: list[tuple[str, ...]] = [
        (f"{path.name}: {result.contrast.phase.value if result.contrast.phase else NOT_TOLD}", "", "", "")
        for path, result in ((native, first), (contrast, second))
    ]
    for name in VERTEBRAE:
        one, two = first.vertebrae.get(name), second.vertebrae.get(name)
        if isinstance(one, MeasuredVertebra) and isinstance(two, MeasuredVertebra):
            read, shown = two.read_mg_cm3 - one.read_mg_cm3, two.bmd_mg_cm3 - one.bmd_mg_cm3
            figures = (one.bmd_mg_cm3, read, shown)
            rows.append((name, *(words.number(figure, 1, sign=n > 0) for n, figure in enumerate(figures))))
    return markdown(("real pair", "native (mg/cm³)", "read: difference", "corrected: difference"), rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab evaluate-contrast", description=__doc__)
    parser.add_argument("-n", type=int, default=100, help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=UNSEEN_SEED, help="seed of the first one")
    parser.add_argument("--cohort", choices=COHORTS, default="many-scanners")
    parser.add_argument("--pair", nargs=2, type=Path, metavar=("NATIVE", "CONTRAST"), help="two CTs of one patient")
    parser.add_argument("--models", type=Path, help="another model folder, for the pair")
    parser.add_argument("--csv", type=Path, help="a row for each patient")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once; each needs about 1 GB")
    options = parser.parse_args(arguments)

    def work() -> None:
        seeds = [(seed, options.cohort) for seed in range(options.seed, options.seed + options.n)]
        found = [seen for seen in each(measure, seeds, jobs=options.jobs, title="patients", unit="patient") if seen]
        if options.csv:
            write_records(options.csv, SeenPatient, found)
        print(f"{phases_table(found)}\n\n{pairs_table(found)}")
        if options.pair:
            print(f"\n{real_pair(options.pair[0], options.pair[1], options.models)}")

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
