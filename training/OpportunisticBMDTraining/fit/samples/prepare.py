"""Cases made ready for fitting: small arrays on the networks' grids, one .npz file each.

`opportunistic-bmd-lab prepare -o DIR --virtual 100 --seed 1000 --dataset ANNOTATED --negative CT`
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from OpportunisticBMDLib.cases import CASE_FILE, CT_FILE, SEGMENTATION_FILE, Dataset, open_dataset
from OpportunisticBMDLib.core.box import box_ras
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.stages.projection import Projection, coronal, sagittal
from OpportunisticBMDLib.system.files import replacing
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.processes import each
from OpportunisticBMDTraining.virtual.cohorts import PREFIXES
from OpportunisticBMDTraining.virtual.patient import virtual_patient

PICTURE_SPACING_MM = 1.0
CROP_SPACING_MM = 1.5
CROP_SIZE = (96, 96, 136)  # the networks' crop with room for moving, turning and stretching it
SLABS_MM = (-8.0, 0.0, 8.0)  # sagittal slabs beside the middle of the bodies
SLAB_HALF_MM = 15.0


@dataclass(frozen=True, eq=False)
class Sample:
    """One case on the networks' grids.

    Args:
        name: of the case.
        ct: HU at 1.5 mm around the three vertebrae, axes to the right, front and head; AIR_HU outside the scan.
        shares: (3, I, J, K) uint8 on the same grid: how much of each voxel is cancellous bone of T12, L1, L2, of 255.
        projections: the coronal one first, then sagittal slabs.
        boxes: for each projection (2, 2), [[across min, max], [superior min, max]] in mm; NaN on a negative.
        labels: cancellous bone of T12, L1, L2: the voxels of which it fills more than half.
    """

    name: str
    ct: Volume
    shares: np.ndarray
    projections: tuple[Projection, ...]
    boxes: tuple[np.ndarray, ...]
    labels: Volume = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", Volume(labels_of(self.shares / np.float32(255)), self.ct.grid))

    def save(self, path: Path) -> None:
        """Writes one compressed .npz file, whole or not at all."""
        arrays = {
            "ct": np.round(self.ct.array).astype(np.int16),
            "shares": self.shares,
            "affine": self.ct.grid.affine,
            "spacing": np.array(self.projections[0].spacing_mm),
            "corners": np.array([p.corner_mm for p in self.projections]),
            "boxes": np.array(self.boxes),
        }
        pictures = {f"picture{n}": np.round(p.pixels).astype(np.int16) for n, p in enumerate(self.projections)}
        with replacing(path) as part:
            # The stub takes any of the names for `allow_pickle`.
            np.savez_compressed(part, **arrays, **pictures)  # type: ignore[arg-type]

    @property
    def shows_all(self) -> bool:
        """Whether T12, L1 and L2 are labelled; a negative has no labels."""
        return set(LABELS.values()) <= set(np.unique(self.labels.array).tolist())

    @classmethod
    def load(cls, path: Path) -> Sample:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            grid = Grid(stored["ct"].shape, stored["affine"])
            projections = tuple(
                Projection(stored[f"picture{n}"].astype(np.float32), tuple(corner), float(stored["spacing"]))
                for n, corner in enumerate(stored["corners"])
            )
            return cls(
                name=path.stem,
                ct=Volume(stored["ct"].astype(np.float32), grid),
                shares=stored["shares"],
                projections=projections,
                boxes=tuple(stored["boxes"]),
            )


def sample_of(name: str, ct: Volume, labels: Volume) -> Sample:
    """Resamples a case once onto the networks' grids."""
    box = box_ras(labels)
    crop = Grid.axis_aligned(CROP_SIZE, (CROP_SPACING_MM,) * 3, box.mean(axis=1))
    return Sample(
        name=name,
        ct=ct.resampled(crop),
        shares=shares_of(labels, crop),
        projections=_projections(ct, box[0].mean()),
        boxes=(box[[0, 2]], *([box[[1, 2]]] * len(SLABS_MM))),
    )


def shares_of(labels: Volume, grid: Grid) -> np.ndarray:
    """(3, I, J, K) uint8: how much of each voxel of a grid T12, L1 and L2 fill, of 255."""
    masks = (Volume((labels.array == number).astype(np.float32), labels.grid) for number in LABELS.values())
    shares = np.stack([mask.resampled(grid, outside=0.0).array for mask in masks])
    return np.round(255 * shares.clip(0, 1)).astype(np.uint8)


def labels_of(shares: np.ndarray) -> np.ndarray:
    """(3, ...) shares of 0..1 -> uint8 labels of the voxels that a vertebra fills by more than half."""
    return np.where(shares.max(axis=0) > 0.5, shares.argmax(axis=0) + 1, 0).astype(np.uint8)


def _projections(ct: Volume, middle_mm: float) -> tuple[Projection, ...]:
    """The coronal projection, then sagittal slabs beside a right-left coordinate."""
    ras = ct.resampled(ct.grid.covering((PICTURE_SPACING_MM,) * 3))
    slabs = [sagittal(ras, (middle_mm + s - SLAB_HALF_MM, middle_mm + s + SLAB_HALF_MM)) for s in SLABS_MM]
    return coronal(ras), *slabs


def negative_of(name: str, ct: Volume) -> Sample:
    """A scan that does not show T12, L1 and L2 as a whole: the localizer has to find nothing on it."""
    centre = ct.grid.bounds_ras.mean(axis=1)
    crop = Grid.axis_aligned(CROP_SIZE, (CROP_SPACING_MM,) * 3, centre)
    projections = _projections(ct, centre[0])
    return Sample(
        name=name,
        ct=ct.resampled(crop),
        shares=np.zeros((len(LABELS), *crop.size), np.uint8),
        projections=projections,
        boxes=(np.full((2, 2), np.nan),) * len(projections),
    )


def load_samples(folder: Path, unseen: Collection[str] = ()) -> list[Sample]:
    """All samples of a folder but those named, by name."""
    return [Sample.load(path) for path in sample_paths(folder, unseen)]


def sample_paths(folder: Path, unseen: Collection[str] = ()) -> list[Path]:
    """The files of all samples of a folder but those named, by name."""
    return [path for path in sorted(folder.glob("*.npz")) if path.stem not in unseen]


def _prepare_virtual(seed: int, cohort: str, folder: Path) -> None:
    """Writes one sample; none of a patient whose scan ends within T12 to L2, for its whole box is not known."""
    path = folder / f"{PREFIXES[cohort]}-{seed:06d}.npz"
    if path.exists():
        return
    patient = virtual_patient(seed, cohort)
    if "cut off" not in patient.not_measurable.values():
        sample_of(path.stem, patient.ct, patient.labels).save(path)


def prepare_cases(dataset: Dataset, ids: Iterable[str], folder: Path, models: Path | None = None) -> None:
    """Writes the samples of annotated cases; one that is newer than its case's files is kept. No model is needed.

    Raises:
        BadInput: a case that cannot be read, or that has no masks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for case_id in tqdm(list(ids), desc="annotated cases", unit="case"):
        path = folder / f"{case_id}.npz"
        if is_newer(path, dataset.folder(case_id)):
            continue
        case = dataset.case(case_id)
        if not case.labels.array.any():
            raise BadInput(f"Case {case_id} of {dataset.directory} is finished without masks; segment T12, L1 and L2.")
        sample_of(case_id, case.ct, case.labels).save(path)


def is_newer(path: Path, folder: Path) -> bool:
    """Whether a sample is there and newer than the files of its case's folder."""
    files = [folder / name for name in (CT_FILE, SEGMENTATION_FILE, CASE_FILE)]
    return path.exists() and path.stat().st_mtime > max(file.stat().st_mtime for file in files if file.exists())


def prepare_virtual(seeds: Sequence[int], cohort: str, folder: Path, jobs: int) -> None:
    """Writes the samples of virtual patients that are not there yet, in as many processes as `jobs`."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(seed, cohort, folder) for seed in seeds]
    each(_prepare_virtual, tasks, jobs=jobs, title="virtual patients", unit="patient")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints nothing but progress; returns the exit status, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab prepare", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the samples")
    parser.add_argument("--virtual", type=int, default=0, metavar="N", help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=1000, help="seed of the first virtual patient")
    parser.add_argument("--cohort", choices=PREFIXES, default="one-scanner", help="of the virtual patients")
    parser.add_argument("--dataset", type=Path, action="append", default=[], help="annotated dataset (repeatable)")
    parser.add_argument(
        "--negative", type=Path, action="append", default=[], metavar="CT", help="CT without T12-L2 (repeatable)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args(arguments)

    def work() -> None:
        if not (options.dataset or options.negative or options.virtual > 0):
            raise BadInput("Nothing is asked for: give --virtual N, or --dataset with an annotated dataset.")
        for directory in options.dataset:
            dataset = open_dataset(directory)
            prepare_cases(dataset, dataset.finished_ids, options.output)
        for path in options.negative:
            name = f"negative-{path.resolve().parent.name}"
            negative_of(name, read_ct(path).volume).save(options.output / f"{name}.npz")
        seeds = range(options.seed, options.seed + options.virtual)
        prepare_virtual(seeds, options.cohort, options.output, options.jobs)

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
