"""A dataset on disk: opened, begun, and its cases added, changed and replaced.

Several processes may write into one dataset at once; a case appears whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from OpportunisticBMDLib.cases.case import REFERENCE_SCALE, Case, CaseInfo, Entry, is_case_id, require_case_id
from OpportunisticBMDLib.cases.files import SCHEMA_VERSION, locked, read_json, write_json
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import AIR_HU, Volume
from OpportunisticBMDLib.reading.hounsfield import MOST_HU
from OpportunisticBMDLib.reading.image_file import read_volume
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation
from OpportunisticBMDLib.system.files import replacing
from OpportunisticBMDLib.system.scratch import Scratch, clear_abandoned

CASES, DATASET_FILE = "cases", "dataset.json"
CT_FILE, SEGMENTATION_FILE, CASE_FILE = "ct.nii.gz", "segmentation.seg.nrrd", "case.json"
WRITING_PREFIX = ".writing-"  # the folder of a case that is being written
REPLACED = "replaced"  # in it, a case's former state, until the new one is in place


@dataclass(frozen=True)
class Dataset:
    """An annotated dataset on disk; voxels are read one case at a time, when they are asked for.

    Iterating gives the cases whose annotation is finished (status "read" or "reviewed"); `entries` lists all.
    """

    directory: Path
    name: str
    licence: str
    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.finished_ids)

    def __iter__(self) -> Iterator[Case]:
        return (self.case(case_id) for case_id in self.finished_ids)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.entries)

    @property
    def finished_ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.entries if entry.is_finished)

    def entry(self, case_id: str) -> Entry:
        """A case's line in dataset.json.

        Raises:
            BadInput: the case is not listed.
        """
        for entry in self.entries:
            if entry.id == case_id:
                return entry
        raise BadInput(f"The dataset {self.directory} lists no case {case_id}; add it to dataset.json.")

    def case(self, case_id: str) -> Case:
        """One case with its voxels.

        Raises:
            BadInput: a file is missing, damaged or does not fit the others.
        """
        info, ct = self.info(case_id), self.ct(case_id)
        return Case(case_id, ct, read_segmentation(self.folder(case_id) / SEGMENTATION_FILE, ct.grid), info)

    def info(self, case_id: str) -> CaseInfo:
        """What case.json says; no voxels are read.

        Raises:
            BadInput: the case is not listed, or its case.json is missing, damaged or implausible.
        """
        return read_info(self.folder(self.entry(case_id).id) / CASE_FILE)

    def ct(self, case_id: str) -> Volume:
        """HU.

        Raises:
            BadInput: the case is not listed, or its CT is damaged.
        """
        return read_ct_file(self.folder(self.entry(case_id).id) / CT_FILE)

    def labels(self, case_id: str, grid: Grid) -> Volume | None:
        """The masks on a grid; None while nothing was saved.

        Raises:
            BadInput: the segmentation is damaged, or lies elsewhere.
        """
        path = self.folder(self.entry(case_id).id) / SEGMENTATION_FILE
        return read_segmentation(path, grid) if path.is_file() else None

    def folder(self, case_id: str) -> Path:
        """Where a case's files lie."""
        return self.directory / CASES / case_id


def open_dataset(directory: str | Path) -> Dataset:
    """Opens a dataset; only dataset.json is read, and the cases' folders are looked for.

    Raises:
        BadInput: no dataset.json, one that cannot be understood, or a listed case without its files.
    """
    directory = Path(directory)
    content = read_json(directory / DATASET_FILE)
    try:
        entries = tuple(entry_of(case) for case in content["cases"])
        name, licence = str(content.get("name", directory.name)), str(content.get("licence", ""))
    except ValueError as error:
        raise BadInput(f"{directory / DATASET_FILE} cannot be right ({error}); correct it.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{directory / DATASET_FILE} has no list of cases with an id each; correct it.") from error
    ids = [entry.id for entry in entries]
    for entry in entries:
        _check_entry(directory, entry, ids)
    return Dataset(directory, name, licence, entries)


def create_dataset(directory: str | Path, name: str = "", licence: str = "") -> Dataset:
    """Begins a dataset without cases in a folder that is empty or not there yet.

    Raises:
        BadInput: the folder holds something else, or a dataset already.
    """
    directory = Path(directory)
    if directory.is_dir() and any(directory.iterdir()):
        raise BadInput(f"{directory} is not empty: choose an empty folder for a new dataset.")
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory):
        write_json(directory / DATASET_FILE, _new_content(directory, licence) | ({"name": name} if name else {}))
    return open_dataset(directory)


def write_case(
    directory: str | Path, case: Case, *, fold: int | None = None, status: str = "read", licence: str = ""
) -> None:
    """Adds an annotated case to a dataset, or replaces it; a dataset that is not there yet is begun.

    Args:
        directory: the dataset.
        case: what is written.
        fold: see `Entry`.
        status: see `Entry`.
        licence: of a dataset that is begun.
    """
    _put(Path(directory), Entry(case.id, fold, status), case.ct, case.labels, case.info, licence)


def add_scan(directory: str | Path, case_id: str, ct: Volume, info: CaseInfo, *, licence: str = "") -> None:
    """Adds a CT that nobody has annotated yet, with the status "new".

    Raises:
        ValueError: an id that cannot name a folder.
        BadInput: the dataset has such a case already.
    """
    require_case_id(case_id)
    if _is_taken(Path(directory), case_id):
        raise BadInput(f"The dataset {directory} has a case {case_id} already; choose another id.")
    _put(Path(directory), Entry(case_id, None, "new"), ct, None, info, licence)


def _is_taken(directory: Path, case_id: str) -> bool:
    """Whether a case is listed, or its folder holds more than `add_scan` puts there: one that was killed lists none."""
    folder = directory / CASES / case_id
    if not folder.is_dir():
        return folder.exists()
    is_listed = (directory / DATASET_FILE).exists() and case_id in open_dataset(directory).ids
    return is_listed or any(path.name not in (CT_FILE, CASE_FILE) for path in folder.iterdir())


def update_case(
    directory: str | Path,
    case_id: str,
    *,
    labels: Volume | None = None,
    info: CaseInfo | None = None,
    status: str | None = None,
) -> None:
    """Changes parts of a case; what is not given stays. The masks come first, so that no state claims too much.

    Raises:
        ValueError: an unknown status, or labels with other values than `vertebrae.LABELS`.
        BadInput: the case is not listed.
    """
    directory = Path(directory)
    with locked(directory):
        dataset = open_dataset(directory)
        entry = dataset.entry(case_id)
        changed = replace(entry, status=status or entry.status)
        if labels is not None:
            with replacing(dataset.folder(case_id) / SEGMENTATION_FILE) as part:
                write_segmentation(labels, part)
        if info is not None:
            _write_info(dataset.folder(case_id) / CASE_FILE, info)
        if changed != entry:
            list_entries(directory, [changed])


def list_entries(directory: Path, entries: list[Entry], **more: Any) -> None:
    """Puts entries into dataset.json in place of those of the same id; the caller holds the lock.

    Args:
        more: top-level keys to set.
    """
    path = directory / DATASET_FILE
    content = read_json(path)
    ids = {entry.id for entry in entries}
    try:
        others = [case for case in content["cases"] if case["id"] not in ids]
        content["cases"] = sorted([*others, *map(asdict, entries)], key=lambda case: case["id"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path} has no list of cases with an id each; correct it.") from error
    write_json(path, content | more)


def entry_of(case: Mapping[str, Any]) -> Entry:
    """One of the objects in dataset.json's `cases`."""
    return Entry(str(case["id"]), case.get("fold"), str(case.get("status", "read")))


def read_info(path: Path) -> CaseInfo:
    """Reads case.json.

    Raises:
        BadInput: missing, damaged, implausible, or with densities of the former scale.
    """
    known = {field.name for field in fields(CaseInfo)}
    content = {key: value for key, value in read_json(path).items() if key in known}
    _require_scale(path, content)
    try:
        return CaseInfo(**content)
    except (ValueError, TypeError) as error:
        raise BadInput(f"{path} cannot be right ({error}); correct it.") from error


def _require_scale(path: Path, content: Mapping[str, Any]) -> None:
    """A density without its scale was written when densities were those of the whole mask, with zero at marrow."""
    given = content.get("reference_bmd_mg_cm3")
    has_reference = isinstance(given, Mapping) and any(bmd is not None for bmd in given.values())
    if has_reference and content.get("reference_scale") is None:
        raise BadInput(
            f"{path} gives a reference BMD without its reference_scale, as before densities were QCT readings: render "
            "a virtual patient again; where the figure was read by QCT with a phantom's line in HA, add "
            f'"reference_scale": "{REFERENCE_SCALE}"; else remove it.'
        )


def read_ct_file(path: Path) -> Volume:
    """Reads ct.nii.gz.

    Raises:
        BadInput: damaged, not a 3D image, or beyond what a CT can hold.
    """
    try:
        volume = read_volume(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}); restore it.") from error
    brightest = float(volume.array.max())
    if not brightest <= MOST_HU:  # NaN is not either
        raise BadInput(f"{path} holds up to {brightest:g} HU, more than a CT can hold; restore it.")
    return volume


def _put(directory: Path, entry: Entry, ct: Volume, labels: Volume | None, info: CaseInfo, licence: str) -> None:
    """Writes a case into a folder of its own, then moves that into place and lists it."""
    cases = directory / CASES
    _require_shown_path(directory)
    cases.mkdir(parents=True, exist_ok=True)
    with locked(directory):
        clear_abandoned(cases, WRITING_PREFIX, _put_back)
    with Scratch(cases, WRITING_PREFIX) as scratch:
        folder = scratch / entry.id
        folder.mkdir()
        _write_ct(ct, folder / CT_FILE)
        if labels is not None:
            write_segmentation(labels, folder / SEGMENTATION_FILE)
        _write_info(folder / CASE_FILE, info)
        with locked(directory):
            _exchange(cases / entry.id, folder, scratch / REPLACED)
            if not (directory / DATASET_FILE).is_file():
                write_json(directory / DATASET_FILE, _new_content(directory, licence))
            list_entries(directory, [entry])


def _exchange(place: Path, new: Path, former: Path) -> None:
    """Moves what lies in a place away and something new there; what was there comes back where that fails."""
    if not place.exists():
        new.rename(place)
        return
    place.rename(former)
    try:
        new.rename(place)
    except BaseException:
        former.rename(place)
        raise


def _put_back(abandoned: Path) -> None:
    """A program that was killed between taking a case's former state away and putting the new one in place."""
    for path in abandoned.iterdir():
        case = abandoned.parent / path.name
        if (abandoned / REPLACED).is_dir() and is_case_id(path.name) and path.name != REPLACED and not case.exists():
            os.rename(abandoned / REPLACED, case)
            return


def _require_shown_path(directory: Path) -> None:
    """SimpleITK ends the process where a path holds bytes that are no text."""
    try:
        os.path.realpath(directory).encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput(f"The path {directory} holds bytes that are no text; rename the folder.") from error


def _new_content(directory: Path, licence: str) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "name": directory.resolve().name, "licence": licence, "cases": []}


def _write_info(path: Path, info: CaseInfo) -> None:
    write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(info)})


def _check_entry(directory: Path, entry: Entry, ids: list[str]) -> None:
    path = directory / DATASET_FILE
    if not is_case_id(entry.id) or ids.count(entry.id) > 1:
        raise BadInput(f"{path} lists the id {entry.id!r}, which is twice there or no folder name.")
    if not is_fold(entry.fold):
        raise BadInput(f"The fold of case {entry.id} in {path} is not 0 or more; correct it.")
    for name in files_of(entry):
        if not (directory / CASES / entry.id / name).is_file():
            raise BadInput(f"Case {entry.id} of {directory} has no {name}; add it or take the case off dataset.json.")


def is_fold(value: Any) -> bool:
    """Whether dataset.json may give this as a fold."""
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def files_of(entry: Entry) -> tuple[str, ...]:
    """The files that a case must have; one that is new or in draft may do without masks."""
    return (CT_FILE, SEGMENTATION_FILE, CASE_FILE) if entry.is_finished else (CT_FILE, CASE_FILE)


def _write_ct(ct: Volume, path: Path) -> None:
    """Voxels and grid only: a new image carries no text of the file that the CT came from."""
    array = np.maximum(ct.array, AIR_HU)
    rounded = np.rint(array)
    if np.array_equal(rounded, array) and array.max() < 2**15:
        array = rounded.astype(np.int16)
    sitk.WriteImage(replace(ct, array=array).to_sitk(), str(path), useCompression=True)
