"""Annotated datasets: a folder of CTs, each with the cancellous bone of T12, L1 and L2 and what is known of its BMD.

    dataset.json                        name, licence, and the cases with fold and status
    cases/<id>/ct.nii.gz
    cases/<id>/segmentation.seg.nrrd    T12, L1, L2, as 3D Slicer opens it
    cases/<id>/case.json                reference BMD and how it was measured, scanner, annotator, history

A case appears whole or not at all, and no file says who the patient is.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from filelock import FileLock
from tqdm import tqdm

from OpportunisticBMDLib.errors import BadInput
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation
from OpportunisticBMDLib.vertebrae import VERTEBRAE
from OpportunisticBMDLib.volume import AIR_HU, Volume

SCHEMA_VERSION = 1
MARGIN_MM = 5.0  # how far the localizer's box reaches beyond the cancellous bone, on every side
CT_FILE, SEGMENTATION_FILE, CASE_FILE = "ct.nii.gz", "segmentation.seg.nrrd", "case.json"
TRUE_DENSITY = "true density"
FOLDS = 5
PATIENTS_PER_SEED = 100_000

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_BMD_RANGE = (-100.0, 1000.0)  # mg/cm3; fatty marrow may lie below zero, only teeth above


@dataclass(frozen=True)
class CaseInfo:
    """What is known of a case beside its voxels; None where it is unknown.

    Args:
        reference_bmd_mg_cm3: vertebra -> mg/cm3 of hydroxyapatite; a vertebra that is missing is unknown.
        reference_method: "true density" for virtual patients, else e.g. "QCT"; needed where a reference is given.
        sex: "female" or "male".
        age_band: ten years, e.g. "60-69".
        scanner: manufacturer and model.
        kvp: tube voltage in kV.
        kernel: reconstruction kernel.
        exclusions: why the case, or a vertebra of it, should be left out of an evaluation.
        annotator: who or what drew the masks; a role or a program, no patient.
        reviewer: who checked them.
        history: what was done to the case, oldest first.

    Raises:
        ValueError: an unknown vertebra, a density or a kVp that cannot be, or a reference without its method.
    """

    reference_bmd_mg_cm3: Mapping[str, float | None] = field(default_factory=dict)
    reference_method: str | None = None
    sex: str | None = None
    age_band: str | None = None
    scanner: str | None = None
    kvp: float | None = None
    kernel: str | None = None
    exclusions: tuple[str, ...] = ()
    annotator: str | None = None
    reviewer: str | None = None
    history: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = dict(self.reference_bmd_mg_cm3)
        if unknown := set(given) - set(VERTEBRAE):
            raise ValueError(f"a reference BMD for {', '.join(sorted(unknown))}, which is not T12, L1 or L2")
        known = {name: bmd for name, bmd in given.items() if bmd is not None}
        for name, bmd in known.items():
            _check_number(bmd, f"the reference BMD of {name}", *_BMD_RANGE)
        if known and not self.reference_method:
            raise ValueError("a reference BMD without its reference_method")
        if self.kvp is not None:
            _check_number(self.kvp, "kvp", 40, 200)
        object.__setattr__(self, "reference_bmd_mg_cm3", {name: given.get(name) for name in VERTEBRAE})
        object.__setattr__(self, "exclusions", tuple(self.exclusions))
        object.__setattr__(self, "history", tuple(self.history))


@dataclass(frozen=True, eq=False)
class Case:
    """One annotated CT.

    Args:
        id: letters, digits, "-", "_" and "."; it names the folder, never the patient.
        ct: HU.
        labels: cancellous bone on the CT's grid (see `vertebrae.LABELS`).
        info: all else.

    Raises:
        ValueError: an id that cannot name a folder, or labels on another grid.
    """

    id: str
    ct: Volume
    labels: Volume
    info: CaseInfo = field(default_factory=CaseInfo)

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"a case id has letters, digits, '-', '_' and '.' only, got {self.id!r}")
        if not self.labels.grid.is_close(self.ct.grid, tolerance_mm=0.05):
            raise ValueError(f"the labels of case {self.id} are not on its CT's grid")


@dataclass(frozen=True)
class Entry:
    """A case's line in dataset.json.

    Args:
        id: the case's folder.
        fold: its part in a cross-validation, from 0; None where none was chosen.
        status: "to do", "annotated" or "reviewed".
    """

    id: str
    fold: int | None = None
    status: str = "annotated"


@dataclass(frozen=True)
class Dataset:
    """An annotated dataset on disk; voxels are read one case at a time, when they are asked for."""

    directory: Path
    name: str
    licence: str
    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Case]:
        return (self.case(entry.id) for entry in self.entries)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.entries)

    def case(self, case_id: str) -> Case:
        """One case with its voxels.

        Raises:
            BadInput: a file is missing, damaged or does not fit the others.
        """
        info = self.info(case_id)
        ct = _read_ct(self._folder(case_id) / CT_FILE)
        return Case(case_id, ct, self._labels(case_id, ct), info)

    def info(self, case_id: str) -> CaseInfo:
        """What case.json says; no voxels are read.

        Raises:
            BadInput: the case is not listed, or its case.json is missing, damaged or implausible.
        """
        if case_id not in self.ids:
            raise BadInput(f"The dataset {self.directory} lists no case {case_id}; add it to dataset.json.")
        return _read_info(self._folder(case_id) / CASE_FILE)

    def _labels(self, case_id: str, ct: Volume) -> Volume:
        return read_segmentation(self._folder(case_id) / SEGMENTATION_FILE, ct.grid)

    def _folder(self, case_id: str) -> Path:
        return self.directory / "cases" / case_id


def open_dataset(directory: str | Path) -> Dataset:
    """Opens a dataset; only dataset.json is read, and the cases' folders are looked for.

    Raises:
        BadInput: no dataset.json, one that cannot be understood, or a listed case without its files.
    """
    directory = Path(directory)
    content = _read_json(directory / "dataset.json")
    try:
        entries = tuple(Entry(str(c["id"]), c.get("fold"), str(c.get("status", "annotated"))) for c in content["cases"])
        name, licence = str(content.get("name", directory.name)), str(content.get("licence", ""))
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{directory / 'dataset.json'} has no list of cases with an id each; correct it.") from error
    ids = [entry.id for entry in entries]
    for entry in entries:
        _check_entry(directory, entry, ids)
    return Dataset(directory, name, licence, entries)


def write_case(
    directory: str | Path, case: Case, *, fold: int | None = None, status: str = "annotated", licence: str = ""
) -> None:
    """Adds a case to a dataset, or replaces it; a dataset that is not there yet is begun.

    Several processes may write into one dataset at once.

    Args:
        directory: the dataset.
        case: what is written.
        fold: see `Entry`.
        status: see `Entry`.
        licence: of a dataset that is begun.
    """
    cases = Path(directory) / "cases"
    cases.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=cases) as scratch:
        folder = Path(scratch) / case.id
        folder.mkdir()
        _write_ct(case.ct, folder / CT_FILE)
        write_segmentation(case.labels, folder / SEGMENTATION_FILE)
        _write_json(folder / CASE_FILE, {"schema_version": SCHEMA_VERSION, **asdict(case.info)})
        with _locked(directory):
            if (cases / case.id).exists():
                (cases / case.id).rename(Path(scratch) / "replaced")
            folder.rename(cases / case.id)
            _list_entry(Path(directory), Entry(case.id, fold, status), licence)


def box_ras(labels: Volume, margin_mm: float = MARGIN_MM) -> np.ndarray:
    """The localizer's box: the outer faces of all labelled voxels, plus a margin on every side.

    Returns:
        (3, 2), least and greatest right, anterior and superior coordinate in mm.

    Raises:
        ValueError: nothing is labelled.
    """
    indices = np.argwhere(labels.array)
    if not len(indices):
        raise ValueError("there is no box around an empty label map")
    centres = labels.grid.ras_of(indices)
    half_voxel = np.abs(labels.grid.affine[:3, :3]).sum(axis=1) / 2
    low, high = centres.min(axis=0) - half_voxel, centres.max(axis=0) + half_voxel
    return np.stack((low - margin_mm, high + margin_mm), axis=1)


def simulate(n: int, seed: int, directory: str | Path) -> None:
    """Writes n virtual patients as annotated cases; those that are there whole are kept.

    Patients of different seeds are different patients, so that one seed can train and another can test.

    Args:
        n: how many; a larger n later adds to the same patients.
        seed: 0 or more.
        directory: the dataset.

    Raises:
        BadInput: n or seed out of range.
    """
    from training.virtual.patient import virtual_patient

    if not 0 < n <= PATIENTS_PER_SEED or seed < 0:
        raise BadInput(f"Give 1 to {PATIENTS_PER_SEED} patients and a seed of 0 or more, not {n} and {seed}.")
    there = set(open_dataset(directory).ids) if (Path(directory) / "dataset.json").is_file() else set()
    for number in tqdm(range(n), desc="virtual patients", unit="patient", file=sys.stderr):
        case_id = f"virtual-{seed}-{number:05d}"
        if case_id not in there:
            patient = virtual_patient(seed * PATIENTS_PER_SEED + number)
            case = Case(case_id, patient.ct, patient.labels, _info_of(patient))
            write_case(directory, case, fold=number % FOLDS, licence="Apache-2.0")


def _info_of(patient: Any) -> CaseInfo:
    decade = int(patient.parameters.age // 10) * 10
    return CaseInfo(
        reference_bmd_mg_cm3={name: float(bmd) for name, bmd in patient.bmd_mg_cm3.items()},
        reference_method=TRUE_DENSITY,
        sex=patient.parameters.sex,
        age_band=f"{decade}-{decade + 9}",
        scanner=patient.acquisition.scanner,
        kvp=patient.acquisition.kvp,
        kernel=patient.acquisition.kernel,
        annotator="virtual patient",
        history=(f"rendered from seed {patient.parameters.seed}",),
    )


def _locked(directory: str | Path) -> FileLock:
    return FileLock(Path(directory) / ".dataset.lock")


def _list_entry(directory: Path, entry: Entry, licence: str) -> None:
    path = directory / "dataset.json"
    content = {"schema_version": SCHEMA_VERSION, "name": directory.resolve().name, "licence": licence, "cases": []}
    if path.is_file():
        content = _read_json(path)
    others = [case for case in content["cases"] if case["id"] != entry.id]
    content["cases"] = sorted([*others, asdict(entry)], key=lambda case: case["id"])
    _write_json(path, content)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(part, path)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BadInput(f"There is no {path}; give the folder of an annotated dataset.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{path} is not valid JSON ({error}); restore or correct it.") from error
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        raise BadInput(f"{path} does not state schema_version {SCHEMA_VERSION}; it is no such file, or a newer one.")
    return content


def _check_entry(directory: Path, entry: Entry, ids: list[str]) -> None:
    path = directory / "dataset.json"
    if not _ID.fullmatch(entry.id) or ids.count(entry.id) > 1:
        raise BadInput(f"{path} lists the id {entry.id!r}, which is twice there or no folder name.")
    if entry.fold is not None and (not isinstance(entry.fold, int) or entry.fold < 0):
        raise BadInput(f"The fold of case {entry.id} in {path} is not 0 or more; correct it.")
    for name in (CT_FILE, SEGMENTATION_FILE, CASE_FILE):
        if not (directory / "cases" / entry.id / name).is_file():
            raise BadInput(f"Case {entry.id} of {directory} has no {name}; add it or take the case off dataset.json.")


def _read_info(path: Path) -> CaseInfo:
    content = {key: value for key, value in _read_json(path).items() if key in CaseInfo.__dataclass_fields__}
    try:
        return CaseInfo(**content)
    except (ValueError, TypeError) as error:
        raise BadInput(f"{path} cannot be right ({error}); correct it.") from error


def _read_ct(path: Path) -> Volume:
    try:
        return Volume.from_sitk(sitk.ReadImage(str(path)))
    except (RuntimeError, ValueError) as error:
        raise BadInput(f"{path} is not a readable 3D CT; restore it.") from error


def _write_ct(ct: Volume, path: Path) -> None:
    array = np.maximum(ct.array, AIR_HU)
    rounded = np.rint(array)
    if np.array_equal(rounded, array) and array.max() < 2**15:
        array = rounded.astype(np.int16)
    sitk.WriteImage(replace(ct, array=array).to_sitk(), str(path), useCompression=True)


def _check_number(value: Any, what: str, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{what} is {value!r}, not a number of {low:g} to {high:g}")
