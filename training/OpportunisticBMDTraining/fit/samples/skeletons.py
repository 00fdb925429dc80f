"""Samples of the skeleton's network: a scan on a coarse grid around the spine, with the bone of every voxel.

opportunistic-bmd-lab skeletons -o DIR --virtual 300 --seed 1000
opportunistic-bmd-lab skeletons -o DIR --public                       the labelled public CTs
opportunistic-bmd-lab skeletons -o DIR --drawn CT --models MODELS     as an earlier fit draws it: look at it first
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.inference.torch_engine import TorchEngine
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.stages.localize import Localizer
from OpportunisticBMDLib.stages.skeleton import SkeletonFinder
from OpportunisticBMDLib.system.files import replacing
from OpportunisticBMDTraining.cancellous import TOTALSEGMENTATOR
from OpportunisticBMDTraining.command_line import exit_status
from OpportunisticBMDTraining.fit.samples.prepare import sample_paths
from OpportunisticBMDTraining.processes import each
from OpportunisticBMDTraining.public_cts import LABELLED_CTS, fetch
from OpportunisticBMDTraining.skeleton_labels import skeleton_of
from OpportunisticBMDTraining.virtual.cohorts import PREFIXES
from OpportunisticBMDTraining.virtual.parameters import ScanParameters
from OpportunisticBMDTraining.virtual.patient import draw_parameters, place_vertebrae, render

SPACING_MM = 2.0
SIZE = (96, 96, 240)  # what the network sees, with room for moving and turning it
FROM_L1_MM = np.array([0.0, -10.0, -50.0])  # to the middle: behind the bodies, and between T8 and the sacrum
LEAST_RIB_MM3 = 1500.0  # 4 cm of a thin one
COARSE_PIXEL_MM = 1.3  # of the virtual scans, which is finer than the samples
EXTENDED = 0.7  # share of the virtual scans that reach from T8 to the sacrum


@dataclass(frozen=True, eq=False)
class SkeletonSample:
    """One case around the spine.

    Args:
        name: of the case.
        ct: HU at 2 mm, axes to the right, front and head; AIR_HU outside the scan.
        bones: uint8 on the same grid, see `Bone`.
    """

    name: str
    ct: Volume
    bones: Volume

    def save(self, path: Path) -> None:
        """Writes one compressed .npz file, whole or not at all."""
        with replacing(path) as part:
            np.savez_compressed(
                part,
                ct=np.round(self.ct.array).astype(np.int16),
                bones=self.bones.array.astype(np.uint8),
                affine=self.ct.grid.affine,
            )

    @classmethod
    def load(cls, path: Path) -> SkeletonSample:
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            grid = Grid(stored["ct"].shape, stored["affine"])
            return cls(path.stem, Volume(stored["ct"], grid), Volume(stored["bones"], grid))


def load_skeletons(folder: Path, unseen: Collection[str] = ()) -> list[SkeletonSample]:
    """All samples of a folder but those named, by name."""
    return [SkeletonSample.load(path) for path in sample_paths(folder, unseen)]


def sample_of(name: str, ct: Volume, bones: Volume, middle_ras: np.ndarray) -> SkeletonSample:
    """A case on the samples' grid around a point in RAS mm, cut to where the scan is."""
    whole = Grid.axis_aligned(SIZE, (SPACING_MM,) * 3, middle_ras)
    low, high = ct.grid.bounds_ras[2]
    heights = whole.ras_of([[0, 0, k] for k in range(SIZE[2])])[:, 2]
    shown = np.flatnonzero((heights > low) & (heights < high))
    grid = whole.cropped((0, 0, int(shown[0])), (*SIZE[:2], len(shown)))
    return SkeletonSample(name, ct.resampled(grid), bones.resampled_labels(grid))


def virtual_sample(seed: int, cohort: str) -> SkeletonSample:
    """A virtual patient, scanned with large pixels, most of them from T8 to the sacrum."""
    parameters = draw_parameters(seed, cohort)
    rng = np.random.default_rng([seed, 12])
    scan = parameters.scan
    scan = replace(scan, pixel=max(scan.pixel, COARSE_PIXEL_MM), slice_thickness=max(scan.slice_thickness, 1.25))
    if rng.random() < EXTENDED:
        scan = _extended(scan, [float(v.centre[2]) for v in place_vertebrae(parameters)])
    patient = render(replace(parameters, scan=scan))
    return sample_of(f"{PREFIXES[cohort]}-{seed:06d}", patient.ct, patient.bones, FROM_L1_MM)


def _extended(scan: ScanParameters, heights: Sequence[float]) -> ScanParameters:
    """From T8, the fourth of the vertebrae, to below the lowest one."""
    return replace(scan, top=max(scan.top, heights[3]), bottom=min(scan.bottom, heights[-1] - 60.0))


def public_sample(name: str) -> SkeletonSample:
    """A public CT with its labels.

    Raises:
        BadInput: no download.
    """
    folder = fetch(name)
    labels = Volume.from_sitk(sitk.ReadImage(str(folder / "labels.nii.gz")))
    l1 = labels.grid.ras_of(np.argwhere(labels.array == TOTALSEGMENTATOR["L1"])).mean(axis=0)
    return sample_of(name, read_ct(folder / "ct.nii.gz").volume, skeleton_of(labels), l1 + FROM_L1_MM)


def drawn_sample(path: Path, models: Path | None) -> SkeletonSample:
    """A CT without labels: the bones are what an earlier fit sees; specks of rib are transverse processes.

    Raises:
        BadInput: the CT cannot be read, or a model is missing.
        Refused: the localizer sees no T12 to L2.
    """
    engine = TorchEngine()
    ct = read_ct(path).volume
    middle = Localizer(*engine.detector(models))(ct).centre_ras + FROM_L1_MM
    network, card = engine.network("skeleton", models)
    skeleton = SkeletonFinder(network, replace(card, grid={**card.grid, "size": SIZE}))(ct, middle)
    bones = np.where(skeleton.shown, skeleton.probabilities.argmax(axis=0), 0).astype(np.uint8)
    bones[_specks(bones == Bone.RIB, skeleton.grid.voxel_volume)] = Bone.ARCH
    name = f"{path.resolve().parent.name}-{path.name.partition('.')[0]}"
    return sample_of(name, ct, Volume(bones, skeleton.grid), middle)


def _specks(ribs: np.ndarray, voxel_mm3: float) -> np.ndarray:
    """The voxels of pieces that are too small for a rib."""
    parts, _ = ndimage.label(ribs, np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel()) * voxel_mm3
    return ribs & (sizes[parts] < LEAST_RIB_MM3)


def _write_virtual(seed: int, cohort: str, folder: Path) -> None:
    path = folder / f"{PREFIXES[cohort]}-{seed:06d}.npz"
    if not path.exists():
        virtual_sample(seed, cohort).save(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints nothing but progress; returns the exit status, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="opportunistic-bmd-lab skeletons", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the samples")
    parser.add_argument("--virtual", type=int, default=0, metavar="N", help="number of virtual patients")
    parser.add_argument("--seed", type=int, default=1000, help="seed of the first virtual patient")
    parser.add_argument("--cohort", choices=PREFIXES, default="many-scanners", help="of the virtual patients")
    parser.add_argument("--public", action="store_true", help="also the labelled public CTs")
    parser.add_argument("--drawn", type=Path, action="append", default=[], metavar="CT", help="repeatable")
    parser.add_argument("--models", type=Path, help="model folder that draws them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    options = parser.parse_args(arguments)

    def work() -> None:
        if not (options.virtual > 0 or options.public or options.drawn):
            raise BadInput("Nothing is asked for: give --virtual N, --public or --drawn CT.")
        options.output.mkdir(parents=True, exist_ok=True)
        real = [public_sample(name) for name in LABELLED_CTS if options.public]
        real += [drawn_sample(path, options.models) for path in options.drawn]
        for sample in real:
            sample.save(options.output / f"{sample.name}.npz")
        seeds = range(options.seed, options.seed + options.virtual)
        tasks = [(seed, options.cohort, options.output) for seed in seeds]
        each(_write_virtual, tasks, jobs=options.jobs, title="virtual patients", unit="patient")

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
