"""Real CTs without masks whose levels a person has named: a check of the chain, and drafts of masks.

A folder of them holds levels.csv: file, vertebra, first_slice, last_slice of each body, from the feet (0: lowest)

    opportunistic-bmd-lab levels table FOLDER [-o PICTURES]    does each mask lie where it should?
    opportunistic-bmd-lab levels annotate FOLDER -o DATASET    masks within the levels' box, as an annotated dataset
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.cases import OWN_READING, Case, CaseInfo, write_case
from OpportunisticBMDLib.cases.reference import reference_of
from OpportunisticBMDLib.core.box import MARGIN_MM, Box, box_ras
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput, Refused
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.pipeline import Pipeline, Run
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.results.preview import as_png, draw_preview
from OpportunisticBMDLib.system.files import write_bytes
from OpportunisticBMDLib.system.markdown import markdown
from OpportunisticBMDTraining.cancellous import CORTEX_MM
from OpportunisticBMDTraining.command_line import exit_status

TOLERANCE = 2  # slices; how far off the levels that a person has named may be
HEADER = ("file", "vertebra", "expected", "found", "inside", "box", "status")

Spans = Mapping[str, tuple[int, int]]  # vertebra -> first and last slice of its body


def load_levels(path: Path) -> Mapping[str, Spans]:
    """What levels.csv says: file name -> vertebra -> (first, last) slice.

    Raises:
        BadInput: no such file, or a line without file, vertebra and two slice numbers.
    """
    if not path.is_file():
        raise BadInput(f"There is no {path}; it should list file, vertebra, first_slice and last_slice.")
    found: dict[str, dict[str, tuple[int, int]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                span = int(row["first_slice"]), int(row["last_slice"])
                found.setdefault(row["file"], {})[row["vertebra"]] = span
            except (KeyError, TypeError, ValueError) as error:
                message = f"Line {number} of {path} lacks file, vertebra, first_slice or last_slice; correct the line."
                raise BadInput(message) from error
    return found


def slice_from_feet(grid: Grid, ras: Sequence[float]) -> float:
    """Which slice a point in RAS mm lies on, counted from the feet (0 = lowest), not rounded."""
    axis = grid.axis_towards(2)
    index = float(grid.index_of(np.asarray(ras))[axis])
    return index if grid.affine[2, axis] > 0 else grid.size[axis] - 1 - index


def height_of_slice(grid: Grid, number: float) -> float:
    """Superior coordinate (mm) of the middle of a slice counted from the feet: the inverse of `slice_from_feet`."""
    axis = grid.axis_towards(2)
    index = (np.array(grid.size) - 1) / 2
    index[axis] = number if grid.affine[2, axis] > 0 else grid.size[axis] - 1 - number
    return float(grid.ras_of(index)[2])


def height_of(spans: Spans, grid: Grid) -> np.ndarray:
    """(2,) superior coordinates of the localizer's box from T12's upper to L2's lower slice.

    Where the scan ends within L2 (its first slice is 0), L2 is taken to be as high as L1.
    """
    first = spans["L2"][0] or spans["L2"][1] - (spans["L1"][1] - spans["L1"][0])
    margin = MARGIN_MM - CORTEX_MM
    return np.array(
        [height_of_slice(grid, first - 0.5) - margin, height_of_slice(grid, spans["T12"][1] + 0.5) + margin]
    )


def segmented(ct: CT, spans: Spans, pipeline: Pipeline) -> Segmentation:
    """Masks within the box whose height is that of the levels; across, it is centred on the masks found at first.

    Raises:
        Refused: the localizer sees no spine at all.
    """
    across = pipeline.localizer(ct.volume).ras_mm
    height = height_of(spans, ct.volume.grid)
    for _ in range(2):
        segmentation = pipeline.segmenter(ct.volume, Box(np.stack((across[0], across[1], height)), 1.0))
        across = box_ras(segmentation.labels)
    return segmentation


def annotate(folder: Path, directory: Path, models: Path | None = None, only: Sequence[str] = ()) -> None:
    """Writes CTs with their masks as an annotated dataset; one without a spine is left out.

    Args:
        folder: the CTs and levels.csv.
        directory: the dataset.
        models: another model folder.
        only: CTs whose names begin like one of these; all if empty.

    Raises:
        BadInput: levels.csv, a CT or the models cannot be loaded.
    """
    pipeline = Pipeline.load(models)
    for file, spans in load_levels(folder / "levels.csv").items():
        if only and not file.startswith(tuple(only)):
            continue
        ct = read_ct(folder / file)
        try:
            segmentation = segmented(ct, spans, pipeline)
        except Refused as refusal:
            print(f"{file} left out: {refusal.message}", file=sys.stderr)
            continue
        name = file.partition(".")[0]
        info = CaseInfo(
            reference_bmd_mg_cm3=reference_of(ct.volume, segmentation.labels, ct.acquisition.kvp),
            reference_method=OWN_READING,
            kvp=ct.acquisition.kvp,
            patient=patient_of(name),
            annotator="the segmentation network within the levels read by eye",
            history=(f"segmented from {file}",),
        )
        write_case(directory, Case(name, ct.volume, segmentation.labels, info), licence="as each CT's source says")
        write_picture(ct, pipeline.measure(ct, segmentation), directory / "pictures" / f"{name}.png")
        print(f"{file} segmented", file=sys.stderr)


def patient_of(name: str) -> str:
    """The pseudonym that the scans of one patient share: a collection's name and number, e.g. "hcc-005"."""
    return "-".join(name.split("-")[: 3 if name.startswith("tcga") else 2])


def table(folder: Path, pictures: Path | None = None, models: Path | None = None) -> str:
    """Runs the chain on every CT that levels.csv names; a Markdown table of where each vertebra was found.

    Args:
        folder: the CTs and levels.csv.
        pictures: NAME.png of every CT is written there.
        models: another model folder.
    """
    expected_levels = load_levels(folder / "levels.csv")
    pipeline = Pipeline.load(models)
    rows: list[tuple[str, ...]] = []
    for file, expected in expected_levels.items():
        picture = pictures / f"{file.partition('.')[0]}.png" if pictures else None
        rows += level_rows(file, expected, run_and_draw(pipeline, folder / file, picture))
        print(f"{file} done", file=sys.stderr)
    return markdown(HEADER, rows)


def run_and_draw(pipeline: Pipeline, path: Path, picture: Path | None = None) -> Run | BadInput:
    """Runs the chain on a CT and draws the result; of a CT that cannot be loaded, the error that says why."""
    try:
        ct = read_ct(path)
    except BadInput as error:
        return error
    run = pipeline.run(ct)
    if picture:
        write_picture(ct, run, picture)
    return run


def level_rows(file: str, expected: Spans, outcome: Run | BadInput) -> list[tuple[str, ...]]:
    """A row under `HEADER` for each vertebra whose level is known; one that says why for a CT that cannot be loaded."""
    if isinstance(outcome, BadInput):
        return [(file, "", "", "", "", "", str(outcome))]
    return [_row(file, outcome, vertebra, span) for vertebra, span in expected.items()]


def found_at(run: Run, vertebra: str) -> float | None:
    """The slice of a vertebra's centroid, see `slice_from_feet`; None where it was not found."""
    found = run.result.vertebrae.get(vertebra)
    if not (run.segmentation and found and found.mask):
        return None
    return slice_from_feet(run.segmentation.labels.grid, found.mask.centroid_ras_mm)


def in_place(expected: Spans, outcome: Run | BadInput) -> set[str]:
    """The vertebrae whose centroids lie on their slices, give or take `TOLERANCE`."""
    if isinstance(outcome, BadInput):
        return set()
    return {
        name
        for name, (first, last) in expected.items()
        if (at := found_at(outcome, name)) is not None and first - TOLERANCE <= at <= last + TOLERANCE
    }


def _row(file: str, run: Run, vertebra: str, span: tuple[int, int]) -> tuple[str, ...]:
    at = found_at(run, vertebra)
    found = "-" if at is None else f"{at:.1f}"
    inside = "yes" if in_place({vertebra: span}, run) else "no"
    box = "yes" if run.result.box else "no"
    return file, vertebra, f"{span[0]}-{span[1]}", found, inside, box, run.result.status


def write_picture(ct: CT, run: Run, path: Path) -> None:
    """The picture of a result as a PNG file."""
    write_bytes(path, as_png(draw_preview(ct, run.segmentation, run.result)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab levels", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("table", help="check the chain on a folder of CTs with levels.csv")
    one.add_argument("-o", "--output", type=Path, help="folder for a picture of every CT")
    two = commands.add_parser("annotate", help="segment within the levels, as an annotated dataset")
    two.add_argument("-o", "--output", type=Path, required=True, help="the dataset")
    two.add_argument("--only", nargs="+", default=(), metavar="NAME", help="CTs whose file names begin like this")
    for command in (one, two):
        command.add_argument("folder", type=Path, help="CTs and levels.csv")
        command.add_argument("--models", type=Path, help="another model folder")
    options = parser.parse_args(arguments)

    def work() -> None:
        if options.command == "table":
            print(table(options.folder, options.output, options.models))
        else:
            annotate(options.folder, options.output, options.models, options.only)

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
