"""How compression fractures are graded: `opportunistic-bmd-lab evaluate-fractures -n 300 --drawn 60`.

Every other virtual patient without a fracture of T12, L1 or L2 is given one. Prints a Markdown table: grades by the
true masks, and of the first patients also by those that AnatomyNet draws in the true box.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.box import Box, box_ras
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent, grown
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.quality.compression import FRACTURE, GENANT, WARNED, Compression, compression
from OpportunisticBMDLib.stages.body_heights import body_heights
from OpportunisticBMDLib.stages.place_region import place_region
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.evaluate.csv_file import write_records
from OpportunisticBMDTraining.evaluate.sources import UNSEEN_SEED
from OpportunisticBMDTraining.processes import each, pipeline
from OpportunisticBMDTraining.virtual.draw_any_spine import with_fracture
from OpportunisticBMDTraining.virtual.parameters import PatientParameters, VertebraParameters
from OpportunisticBMDTraining.virtual.patient import draw_parameters, render
from OpportunisticBMDTraining.virtual.slices import slice_heights
from OpportunisticBMDTraining.virtual.spine import Vertebra, cancellous, place_vertebrae
from OpportunisticBMDTraining.virtual.true_compression import true_compression
from OpportunisticBMDTraining.virtual.true_levels import measured_levels

AROUND_MM = 45.0  # around the middles of the bodies
KINDS = ("wedge", "biconcave", "crush")
MASKS = ("true", "drawn")


@dataclass(frozen=True)
class GradedBody:
    """One body of a virtual patient, by one of its masks.

    Args:
        seed: of the patient.
        masks: "true" or "drawn" by AnatomyNet.
        kind: of the true fracture, "" without one.
        true_loss, loss: share of the height that is lost.
        true_grade, grade: of Genant.
        slice_mm: thickness of the slices.
    """

    seed: int
    masks: str
    vertebra: str
    kind: str
    true_loss: float
    loss: float
    true_grade: int
    grade: int
    slice_mm: float


def measure(seed: int, is_drawn: bool, models: Path | None) -> list[GradedBody]:
    """All bodies of one patient whose heights can be told.

    Args:
        is_drawn: by AnatomyNet's masks, not by the true ones.
    """
    parameters = draw_parameters(seed, "many-scanners")
    if seed % 2:
        parameters = _with_fracture(parameters)
    labels = true_masks(parameters)
    if is_drawn and labels.array.any():
        labels = _drawn_masks(parameters, models)
    shapes = _shapes(parameters)
    return [_graded(parameters, MASKS[is_drawn], name, shapes[name], c) for name, c in compressions(labels).items()]


def _drawn_masks(parameters: PatientParameters, models: Path | None) -> Volume:
    """By AnatomyNet, in the true box, in as much of the scan as it needs."""
    scan, heights = parameters.scan, [v.centre[2] for v in _bodies(parameters).values()]
    top, bottom = min(scan.top, max(heights) + AROUND_MM), max(scan.bottom, min(heights) - AROUND_MM)
    patient = render(replace(parameters, scan=replace(scan, top=float(top), bottom=float(bottom))))
    box = Box(box_ras(patient.labels), 1.0)
    return pipeline(models).segmenter(patient.ct, box).labels


def true_masks(parameters: PatientParameters) -> Volume:
    """The cancellous bone in the voxels of the scan, without the scan."""
    scan, bodies = parameters.scan, _bodies(parameters)
    centres = np.array([body.centre for body in bodies.values()])
    low, high = centres.min(axis=0) - AROUND_MM, centres.max(axis=0) + AROUND_MM
    up = slice_heights(scan)
    around = (up > low[2]) & (up < high[2])
    up = up[around] if around.any() else up[:1]  # of a scan that ends before it comes to them
    across = np.ceil((high - low)[:2] / scan.pixel).astype(int)
    spacing = (scan.pixel, scan.pixel, scan.increment or scan.slice_thickness)
    grid = Grid.axis_aligned((*across, len(up)), spacing, (*((low + high) / 2)[:2], up.mean()))
    labels = np.zeros(grid.size, np.uint8)
    for name, body in bodies.items():
        labels[cancellous(body, grid)] = LABELS[name]
    return Volume(labels, grid)


def _graded(
    parameters: PatientParameters, masks: str, vertebra: str, shape: VertebraParameters, found: Compression
) -> GradedBody:
    true = true_compression(shape)
    return GradedBody(
        seed=parameters.seed,
        masks=masks,
        vertebra=vertebra,
        kind=shape.fracture,
        true_loss=true.loss,
        loss=found.loss,
        true_grade=true.grade,
        grade=found.grade,
        slice_mm=parameters.scan.slice_thickness,
    )


def _with_fracture(parameters: PatientParameters) -> PatientParameters:
    shapes = _shapes(parameters).values()
    if any(shape.fracture for shape in shapes):
        return parameters
    rng = np.random.default_rng([parameters.seed, 20])
    name = str(rng.choice([shape.name for shape in shapes]))
    return replace(parameters, vertebrae=with_fracture(rng, parameters.vertebrae, name))


def _bodies(parameters: PatientParameters) -> dict[str, Vertebra]:
    """Vertebra, as its ribs name it -> where it is."""
    levels = measured_levels(parameters.body, parameters.vertebrae)
    placed = place_vertebrae(parameters)
    return {levels[vertebra.shape.name]: vertebra for vertebra in placed if vertebra.shape.name in levels}


def _shapes(parameters: PatientParameters) -> dict[str, VertebraParameters]:
    return {name: body.shape for name, body in _bodies(parameters).items()}


def compressions(labels: Volume) -> dict[str, Compression]:
    """Vertebra -> what it has lost, of those whose heights can be told."""
    ranges = extent(labels.array)
    if ranges is None:
        return {}
    part = labels.part(grown(ranges, labels.grid.size))
    regions = {name: region for name in VERTEBRAE if (region := place_region(part, name)) is not None}
    heights = body_heights(part, regions)
    return {name: compression(name, heights) for name in heights}


def table(found: Sequence[GradedBody]) -> str:
    """A Markdown table with a column for each kind of masks."""
    columns = [_rows([body for body in found if body.masks == masks]) for masks in MASKS]
    return markdown(("fractures", *(f"{masks} masks" for masks in MASKS)), [_joined(rows) for rows in zip(*columns)])


def _joined(rows: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return rows[0][0], *(value for _, value in rows)


def _rows(found: Sequence[GradedBody]) -> Iterator[tuple[str, str]]:
    graver = [body for body in found if body.true_grade >= FRACTURE]
    unbroken = [body for body in found if not body.kind]
    clean = {body.seed for body in found} - {body.seed for body in found if body.kind}
    yield "bodies whose heights can be told", str(len(found))
    yield "grade right", _share([body.grade == body.true_grade for body in found])
    yield "grade right within one", _share([abs(body.grade - body.true_grade) <= 1 for body in found])
    yield "of broken bodies: within one", _share([abs(b.grade - b.true_grade) <= 1 for b in found if b.kind])
    yield f"fractures of grade {FRACTURE} and more: found", _share([body.loss >= WARNED for body in graver])
    for kind in KINDS:
        yield f"of these, {kind}", _share([body.loss >= WARNED for body in graver if body.kind == kind])
    yield "of these, noted at least", _share([body.grade > 0 for body in graver])
    yield "unbroken bodies without a warning", _share([body.loss < WARNED for body in unbroken])
    yield "unbroken bodies without a note", _share([body.grade == 0 for body in unbroken])
    for word, least in (("warning", WARNED), ("note at least", GENANT[0])):
        alarms = {body.seed for body in unbroken if body.loss >= least}
        yield f"patients without a fracture who get a {word}", _share([seed in alarms for seed in clean])


def _share(counted: Sequence[bool]) -> str:
    return f"{sum(counted)} of {len(counted)} ({100 * np.mean(counted):.1f} %)" if counted else "none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab evaluate-fractures", description=__doc__)
    parser.add_argument("-n", type=int, default=300, help="number of virtual patients, by their true masks")
    parser.add_argument("--drawn", type=int, default=60, help="how many of them by AnatomyNet's masks, too")
    parser.add_argument("--seed", type=int, default=UNSEEN_SEED, help="seed of the first one")
    parser.add_argument("--models", type=Path, help="another model folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once; each needs about 3 GB")
    parser.add_argument("-o", "--output", type=Path, help="a .csv file with a line per body and mask")
    options = parser.parse_args(arguments)

    def work() -> None:
        counts = zip((False, True), (options.n, options.drawn))
        tasks = [(options.seed + k, is_drawn, options.models) for is_drawn, count in counts for k in range(count)]
        patients = each(measure, tasks, jobs=options.jobs, title="patients", unit="patient")
        found = [body for bodies in patients for body in bodies]
        if options.output:
            write_records(options.output, GradedBody, found)
        print(table(found))

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
