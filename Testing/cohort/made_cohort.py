"""A folder of small CTs to measure as a cohort: virtual patients in coarse voxels, lumps without a spine, bad files."""

from __future__ import annotations

import gzip
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.virtual.patient import virtual_patient

COARSER = (4, 4, 2)  # times the voxels of a virtual patient
NOISE_HU = 5.0
BAD = ("broken.nrrd", "hostile.nii.gz", "huge.nii.gz", "nan.nii.gz", "bomb.zip", "traversal.zip")


def write_cohort(folder: Path, count: int, patients: int = 3, every: int = 2) -> None:
    """Writes so many CTs, the bad files among them.

    Args:
        patients: different ones; the others differ from these in their noise.
        every: how many CTs there are to one that has a spine.
    """
    folder.mkdir(parents=True)
    for write in (_broken, _hostile, _huge, _nan, _bomb, _traversal):
        write(folder)
    for number in range(count - len(BAD)):
        base = patient(1 + number % patients) if number % every == 0 else _lump()
        write_noisy(folder / f"ct{number:03}.nii.gz", base, number)


def write_noisy(path: Path, base: Volume, seed: int) -> None:
    """The CT with other noise."""
    noise = np.random.default_rng(seed).normal(0, NOISE_HU, base.grid.size)
    sitk.WriteImage(Volume((base.array + noise).astype(np.int16), base.grid).to_sitk(), str(path))


@cache
def patient(seed: int) -> Volume:
    """A virtual patient in coarse voxels."""
    image = sitk.BinShrink(virtual_patient(seed).ct.to_sitk(), COARSER)
    return Volume.from_sitk(sitk.Cast(image, sitk.sitkInt16))


@cache
def _lump() -> Volume:
    """Soft tissue in air: quick to refuse."""
    image = sitk.GaussianSource(sitk.sitkFloat32, [24, 24, 24], [6.0] * 3, [12.0] * 3, 1500.0)
    image = sitk.Cast(image - 1000.0, sitk.sitkInt16)
    image.SetSpacing((4.0, 4.0, 4.0))
    return Volume.from_sitk(image)


def _broken(folder: Path) -> None:
    (folder / "broken.nrrd").write_text("no image")


def _nifti(path: Path, size: tuple[int, int, int], voxels: bytes) -> None:
    """A header as SimpleITK writes it, of a grid that the voxels need not fill."""
    small = path.with_name("small.nii")
    sitk.WriteImage(sitk.Image((2, 2, 2), sitk.sitkInt16), str(small))
    header = bytearray(small.read_bytes()[:352])
    small.unlink()
    header[40:56] = np.array([3, *size, 1, 1, 1, 1], np.int16).tobytes()
    path.write_bytes(gzip.compress(bytes(header) + voxels, 1))


def _hostile(folder: Path) -> None:
    """Its gzip stream ends early, and it claims a negative size."""
    _nifti(folder / "hostile.nii.gz", (-512, 512, 300), b"\0" * 100)
    whole = (folder / "hostile.nii.gz").read_bytes()
    (folder / "hostile.nii.gz").write_bytes(whole[:-10])


def _huge(folder: Path) -> None:
    """Claims 100 GB."""
    _nifti(folder / "huge.nii.gz", (5000, 5000, 2000), b"\0" * 1000)


def _nan(folder: Path) -> None:
    image = sitk.GetImageFromArray(np.full((30, 60, 60), np.nan, np.float32))
    image.SetSpacing((3.0, 3.0, 3.0))
    sitk.WriteImage(image, str(folder / "nan.nii.gz"))


def _bomb(folder: Path) -> None:
    """200 kB that unpack to 200 MB of nothing."""
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"slice{number}.dcm", bytes(10**7))


def _traversal(folder: Path) -> None:
    with zipfile.ZipFile(folder / "traversal.zip", "w") as archive:
        archive.writestr("../../outside.nii.gz", b"x")
