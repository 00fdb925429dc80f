"""Small valid inputs of every kind that the program reads, how each is read, and what is implausible in it then."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import FileDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from dicom_files import pack, write_stack
from dicom_segmentations import segmentation
from example_results import review
from image_files import SIZE, body, metaimage_file, nrrd_file
from multi_frame_files import in_fragments, with_open_sequences, write_converted, write_enhanced
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.calibration.phantom_line import PhantomLine, SeenInsert
from OpportunisticBMDLib.cases import Case, CaseInfo, open_dataset, write_case
from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.materials import HA
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.inference.torch_engine import TorchNetwork
from OpportunisticBMDLib.models import ModelCard
from OpportunisticBMDLib.models.modules import load_network, save_model
from OpportunisticBMDLib.networks.skeleton_net import SkeletonNet
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.results.json_file import as_json, result_from_json
from OpportunisticBMDLib.results.line_file import read_line, write_line
from OpportunisticBMDLib.results.phantom_file import read_phantom
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation
from OpportunisticBMDLib.stages.levels.find import LevelFinder
from OpportunisticBMDLib.system.files import open_regular

SPACING_MM = (0.05, 30.0)
MOST_ORIGIN_MM = 1e5
MOST_HU = 32767.0
PADDING_HU = -66000.0  # of a dataset's CT, which is kept as it is: 16 bits and an offset
MOST_BMD = 1e4
INSERTS = {"low": 50.0, "high": 200.0}  # mg HA/cm3, of a phantom
GRID = Grid.axis_aligned(SIZE, (2.0, 2.0, 3.0))


@dataclass(frozen=True)
class Seed:
    """A kind of input.

    Args:
        make: writes one into an empty folder.
        input: its path in that folder, "." for the folder itself.
        read: reads it, as the program does, and gives what is implausible in it.
    """

    name: str
    make: Callable[[Path], object]
    input: str
    read: Callable[[Path], list[str]]


def read_a_ct(path: Path) -> list[str]:
    return list(_faults_of_volume(read_ct(path).volume))


def read_masks(path: Path) -> list[str]:
    labels = read_segmentation(path, GRID)
    faults = [] if labels.grid.is_close(GRID) else ["the masks are not on the CT's grid"]
    unknown = set(np.unique(labels.array).tolist()) - {0, *LABELS.values()}
    return faults + [f"label {label}" for label in sorted(unknown)]


def read_a_result(path: Path) -> list[str]:
    """As a table of a scene gives it back; that a file is there, and a text is JSON, is the scene's own to tell."""
    try:
        document = json.loads(open_regular(path).read())
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput("no JSON") from error
    result = result_from_json(document)
    again = json.dumps(as_json(result), allow_nan=False)
    result_from_json(json.loads(again))
    bmd = result.bmd_mg_cm3
    return [] if bmd is None or abs(bmd) < MOST_BMD else [f"BMD {bmd}"]


def read_a_model(path: Path) -> list[str]:
    network, card = load_network("skeleton", SkeletonNet, path)
    LevelFinder.of(TorchNetwork(network), card)
    return [f"weights {n}" for n, w in network.state_dict().items() if w.is_floating_point() and not w.isfinite().all()]


def read_a_dataset(path: Path) -> list[str]:
    dataset = open_dataset(path)
    return [fault for entry in dataset.entries for fault in _faults_of_volume(dataset.case(entry.id).ct, PADDING_HU)]


def read_a_line(path: Path) -> list[str]:
    bmd = float(read_line(path, Acquisition("ct", "NIfTI", kvp=120)).bmd(100.0))
    return [] if abs(bmd) < MOST_BMD else [f"100 HU are {bmd} mg/cm3"]


def read_a_phantom(path: Path) -> list[str]:
    densities = [insert.density_mg_cm3 for insert in read_phantom(path).inserts]
    return [] if np.ptp(densities) > 0 else ["no line goes through its inserts"]


def _faults_of_volume(volume: Volume, least_hu: float = AIR_HU) -> Iterator[str]:
    spacing, origin = volume.grid.spacing, volume.grid.affine[:3, 3]
    if not (spacing.min() >= SPACING_MM[0] and spacing.max() <= SPACING_MM[1]):
        yield f"spacing {spacing.tolist()}"
    if not np.abs(origin).max() <= MOST_ORIGIN_MM:
        yield f"origin {origin.tolist()}"
    low, high = float(volume.array.min()), float(volume.array.max())
    if not (low >= least_hu and high <= MOST_HU):
        yield f"{low} to {high} HU"


def _image() -> sitk.Image:
    return Volume(body(), GRID).to_sitk()


def _nifti2(folder: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(body(), GRID.affine), folder / "ct.nii")


def _doubles(folder: Path) -> None:
    sitk.WriteImage(sitk.Cast(_image(), sitk.sitkFloat64), str(folder / "ct.nii"))


def _detached_metaimage(folder: Path) -> None:
    sitk.WriteImage(_image(), str(folder / "ct.mhd"), useCompression=True)


def _detached_nrrd(folder: Path, encoding: str) -> None:
    nrrd_file(folder / "ct.nhdr", data=b"", data_file="ct.raw", encoding=encoding)
    data = body().tobytes("F")
    (folder / "ct.raw").write_bytes(gzip.compress(data, 1) if encoding == "gzip" else data)


def _dicom(folder: Path, **attributes: object) -> list[Path]:
    return write_stack(folder / "series", body(), **attributes)


def _deflated(folder: Path) -> None:
    for path in _dicom(folder):
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        data.save_as(path)


def _jpeg_2000(folder: Path) -> None:
    for path in _dicom(folder):
        pack(path, "JPEG2000")


def _enhanced(folder: Path, change: Callable[[FileDataset], object] | None = None, **attributes: object) -> None:
    write_enhanced(folder / "ct.dcm", _dicom(folder, **attributes), change=change)
    shutil.rmtree(folder / "series")


def _converted(folder: Path) -> None:
    write_converted(folder / "ct.dcm", _dicom(folder))
    shutil.rmtree(folder / "series")


def _zip_of(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def zipped(folder: Path) -> None:
        inside = folder / "inside"
        inside.mkdir()
        make(inside)
        with zipfile.ZipFile(folder / "ct.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(p for p in inside.rglob("*") if p.is_file()):
                archive.write(path, path.relative_to(inside))
        shutil.rmtree(inside)

    return zipped


def _masks() -> Volume:
    labels = np.zeros(SIZE, np.uint8)
    for label, start in ((3, 2), (2, 7), (1, 12)):
        labels[8:16, 6:14, start : start + 3] = label
    return Volume(labels, GRID)


def _dicom_segmentation(folder: Path) -> None:
    pydicom.dcmwrite(folder / "m.dcm", segmentation(_masks()), enforce_file_format=True)


def _result(folder: Path) -> None:
    (folder / "result.json").write_text(json.dumps(as_json(review())))


def _model(folder: Path) -> None:
    widths = [2, 2]
    outputs = {"classes": ["none", "body"], "ribs": {"length_bias_mm": -2.0, "length_sd_mm": 5.0, "missed": 0.01}}
    card = ModelCard(
        stage="skeleton",
        name="small",
        version="1",
        architecture={"name": "SkeletonNet", "parameters": {"in_channels": 1, "classes": 7, "widths": widths}},
        grid={"spacing_mm": [2.0, 2.0, 2.0], "size": [80, 80, 192]},
        window={"low_hu": -200.0, "high_hu": 800.0},
        outputs=outputs,
        training={},
        figures={},
        licence="Apache-2.0",
        intended_use="A test.",
    )
    save_model(folder, card, SkeletonNet(1, 7, widths).state_dict())


def _line(folder: Path) -> None:
    inserts = tuple(SeenInsert(name, mg, mg * 1.3, 20.0, 900, 0.1, (0.0, 0.0, mg)) for name, mg in INSERTS.items())
    scan = Acquisition("phantom", "DICOM", kvp=120.0, scanned_on="2026-05-12")
    write_line(folder / "line.json", PhantomLine(line_for(120), "a phantom", HA, inserts, scan))


def _phantom(folder: Path) -> None:
    document = {
        "schema_version": 1,
        "name": "a phantom",
        "material": HA,
        "arrangement": "behind",
        "radius_mm": [15, 19],
        "length_mm": 20,
        "spacing_mm": [25, 50],
        "inserts": [{"name": name, "density_mg_cm3": mg} for name, mg in INSERTS.items()],
    }
    (folder / "phantom.json").write_text(json.dumps(document))


def _dataset(folder: Path) -> None:
    info = CaseInfo(reference_bmd_mg_cm3={"L1": 98.0}, reference_method="QCT", sex="female", kvp=120, kernel="STANDARD")
    write_case(folder, Case("case-1", Volume(body(), GRID), _masks(), info), fold=1, licence="CC0")


SEEDS = (
    Seed("nifti", lambda f: sitk.WriteImage(_image(), str(f / "ct.nii")), "ct.nii", read_a_ct),
    Seed("nifti gz", lambda f: sitk.WriteImage(_image(), str(f / "ct.nii.gz")), "ct.nii.gz", read_a_ct),
    Seed("nifti 2", _nifti2, "ct.nii", read_a_ct),
    Seed("nifti of doubles", _doubles, "ct.nii", read_a_ct),
    Seed("nrrd", lambda f: nrrd_file(f / "ct.nrrd"), "ct.nrrd", read_a_ct),
    Seed("nrrd gz", lambda f: sitk.WriteImage(_image(), str(f / "ct.nrrd"), useCompression=True), "ct.nrrd", read_a_ct),
    Seed("nrrd detached", lambda f: _detached_nrrd(f, "raw"), "ct.nhdr", read_a_ct),
    Seed("nrrd detached gz", lambda f: _detached_nrrd(f, "gzip"), "ct.nhdr", read_a_ct),
    Seed("metaimage", lambda f: metaimage_file(f / "ct.mha"), "ct.mha", read_a_ct),
    Seed("metaimage packed", lambda f: sitk.WriteImage(_image(), str(f / "ct.mha"), True), "ct.mha", read_a_ct),
    Seed("metaimage detached", lambda f: sitk.WriteImage(_image(), str(f / "ct.mhd"), False), "ct.mhd", read_a_ct),
    Seed("metaimage detached packed", _detached_metaimage, "ct.mhd", read_a_ct),
    Seed("dicom", _dicom, ".", read_a_ct),
    Seed("dicom deflated", _deflated, ".", read_a_ct),
    Seed("dicom rle", lambda f: _dicom(f, compress=RLELossless), ".", read_a_ct),
    Seed("dicom jpeg 2000", _jpeg_2000, ".", read_a_ct),
    Seed("enhanced ct", _enhanced, ".", read_a_ct),
    Seed("enhanced ct open", lambda f: _enhanced(f, with_open_sequences), ".", read_a_ct),
    Seed("enhanced ct rle", lambda f: _enhanced(f, in_fragments(2), compress=RLELossless), "ct.dcm", read_a_ct),
    Seed("converted ct", _converted, "ct.dcm", read_a_ct),
    Seed("zip of dicom", _zip_of(_dicom), "ct.zip", read_a_ct),
    Seed("zip of nifti", _zip_of(lambda f: sitk.WriteImage(_image(), str(f / "ct.nii.gz"))), "ct.zip", read_a_ct),
    Seed("segmentation", lambda f: write_segmentation(_masks(), f / "m.seg.nrrd"), "m.seg.nrrd", read_masks),
    Seed("dicom segmentation", _dicom_segmentation, "m.dcm", read_masks),
    Seed("label map", lambda f: sitk.WriteImage(_masks().to_sitk(), str(f / "m.nii.gz")), "m.nii.gz", read_masks),
    Seed("result", _result, "result.json", read_a_result),
    Seed("model", _model, ".", read_a_model),
    Seed("line", _line, "line.json", read_a_line),
    Seed("phantom", _phantom, "phantom.json", read_a_phantom),
    Seed("dataset", _dataset, ".", read_a_dataset),
)
