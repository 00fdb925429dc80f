"""Names every fault of a dataset: of its list, its files, its headers, its voxels and its claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from tqdm import tqdm

from OpportunisticBMDLib.cases.annotation import READS, SUFFIX
from OpportunisticBMDLib.cases.case import CaseInfo, Entry, is_case_id
from OpportunisticBMDLib.cases.drafts import DRAFTS
from OpportunisticBMDLib.cases.fault import Fault
from OpportunisticBMDLib.cases.files import LOCK_FILE, read_json
from OpportunisticBMDLib.cases.hardest import UNCERTAINTY_FILE
from OpportunisticBMDLib.cases.identity import nifti_traces, nrrd_traces, traces
from OpportunisticBMDLib.cases.masks import mask_faults, scan_faults, segmentation_grid_faults
from OpportunisticBMDLib.cases.split import FOLDS
from OpportunisticBMDLib.cases.store import (
    CASE_FILE,
    CASES,
    CT_FILE,
    DATASET_FILE,
    SEGMENTATION_FILE,
    WRITING_PREFIX,
    entry_of,
    files_of,
    is_fold,
    read_ct_file,
    read_info,
)
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.results.segmentation_file import read_segmentation
from OpportunisticBMDLib.system.files import PART_PREFIX

_TOP_LEVEL = {DATASET_FILE, CASES, LOCK_FILE, UNCERTAINTY_FILE, "README.md", "LICENSE"}
_STAFF = ("annotator", "reviewer")
_ENOUGH_FOR_A_SPLIT = 2


@dataclass(frozen=True)
class Report:
    """All faults of a dataset, and how many cases it lists."""

    cases: int
    faults: tuple[Fault, ...]


def check(directory: str | Path, *, progress: bool = False) -> Report:
    """Looks at every file of a dataset; nothing is changed.

    Raises:
        BadInput: there is no dataset.json, or it lists no cases in a way that can be understood at all.
    """
    directory = Path(directory)
    content = read_json(directory / DATASET_FILE)
    listed = content.get("cases")
    if not isinstance(listed, list):
        raise BadInput(f"{directory / DATASET_FILE} has no list of cases; correct it.")
    faults = [*_list_faults(content, listed), *_folder_faults(directory, listed)]
    entries = _entries_of(listed)
    for entry in tqdm(entries, desc="cases", unit="case", disable=not progress):
        faults += case_faults(directory / CASES / entry.id, entry)
    faults += _patient_faults(directory, entries)
    return Report(len(listed), tuple(faults))


def case_faults(folder: Path, entry: Entry) -> list[Fault]:
    """All faults of one case: what can still be looked at beside a fault is looked at."""
    if not folder.is_dir():
        return [Fault(entry.id, "missing_file", f"its folder {folder} is missing; restore it or take it off the list.")]
    faults = [*_file_faults(folder, entry)]
    info = None
    if (folder / CASE_FILE).is_file():
        try:
            info = read_info(folder / CASE_FILE)
        except BadInput as error:
            faults.append(Fault(entry.id, _code_of_bad_info(folder), str(error)))
        faults += _text_faults(entry.id, folder / CASE_FILE)
    if info is not None:
        faults += _progress_faults(entry, info)
    return faults + _voxel_faults(folder, entry, info or CaseInfo())


def _list_faults(content: Mapping[str, Any], listed: list[Any]) -> Iterator[Fault]:
    """Faults of dataset.json."""
    for key in ("name", "licence"):
        yield from _told(DATASET_FILE, key, str(content.get(key, "")))
    seen: set[str] = set()
    for case in listed:
        if not isinstance(case, dict) or not is_case_id(str(case.get("id", ""))):
            yield Fault(DATASET_FILE, "bad_id", f"the case {case!r} has no id that can name a folder; correct it.")
            continue
        case_id = str(case["id"])
        if case_id in seen:
            yield Fault(case_id, "bad_id", f"{DATASET_FILE} lists it twice; remove one line.")
        seen.add(case_id)
        if not case_id.startswith("virtual-"):
            yield from _told(case_id, "its id", case_id)
        try:
            entry_of(case)
        except ValueError as error:
            yield Fault(case_id, "bad_status", f"{error}; correct it in {DATASET_FILE}.")
        fold = case.get("fold")
        if not is_fold(fold) or (fold is not None and fold >= FOLDS):
            message = f"its fold is {fold!r}, not one of 0 to {FOLDS - 1} or null; run `split` again."
            yield Fault(case_id, "fold_out_of_range", message)


def _entries_of(listed: list[Any]) -> list[Entry]:
    """The cases that can be looked for; a wrong status, told elsewhere, counts as "new"."""
    ids = dict.fromkeys(str(c["id"]) for c in listed if isinstance(c, dict) and is_case_id(str(c.get("id", ""))))
    statuses = {str(c["id"]): str(c.get("status", "read")) for c in listed if isinstance(c, dict) and "id" in c}
    entries = []
    for case_id in ids:
        try:
            entries.append(Entry(case_id, None, statuses[case_id]))
        except ValueError:
            entries.append(Entry(case_id, None, "new"))
    return entries


def _folder_faults(directory: Path, listed: list[Any]) -> Iterator[Fault]:
    """Files and folders that the layout does not know."""
    for path in sorted(directory.iterdir()):
        if path.name.startswith(PART_PREFIX):
            yield _leftover(DATASET_FILE, path)
        elif path.name not in _TOP_LEVEL:
            yield Fault(DATASET_FILE, "surplus_file", f"{path.name} does not belong to a dataset; remove it.")
    ids = {str(case.get("id")) for case in listed if isinstance(case, dict)}
    cases = directory / CASES
    for path in sorted(cases.iterdir()) if cases.is_dir() else ():
        if path.name.startswith(WRITING_PREFIX):
            yield _leftover(CASES, path)
        elif path.name not in ids:
            yield Fault(f"{CASES}/{path.name}", "surplus_file", f"{DATASET_FILE} does not list it; list or remove it.")


def _file_faults(folder: Path, entry: Entry) -> Iterator[Fault]:
    for name in files_of(entry):
        if not (folder / name).is_file():
            yield Fault(entry.id, "missing_file", f"it has no {name}, which the status {entry.status!r} needs; add it.")
    for path in sorted(folder.iterdir()):
        if path.name.startswith(PART_PREFIX):
            yield _leftover(entry.id, path)
        elif path.name == DRAFTS:
            yield from (_draft(entry.id, draft) for draft in sorted(path.glob("*.json")))
        elif path.name == READS:
            for read in sorted(path.iterdir()):
                if not read.name.endswith(SUFFIX) or not is_case_id(read.name.removesuffix(SUFFIX)):
                    yield Fault(entry.id, "surplus_file", f"{READS}/{read.name} is no reader's masks; remove it.")
        elif path.name not in (CT_FILE, SEGMENTATION_FILE, CASE_FILE):
            yield Fault(entry.id, "surplus_file", f"{path.name} does not belong to a case; remove it.")


def _leftover(where: str, path: Path) -> Fault:
    message = f"{path.name} is what a program left that was stopped while it wrote; remove it."
    held = [inner.name for inner in path.iterdir()] if path.is_dir() else []
    if "replaced" in held:
        message = f"{path.name}/replaced is a case's former state; move it back if the case is missing, else remove it."
    return Fault(where, "leftover", message)


def _draft(case_id: str, path: Path) -> Fault:
    message = f"an autosaved draft ({path.stem}) waits: open the case, then save or discard it."
    return Fault(case_id, "leftover", message)


def _code_of_bad_info(folder: Path) -> str:
    """Tells a missing method from other faults of a case.json that cannot be taken over."""
    try:
        content = read_json(folder / CASE_FILE)
    except BadInput:
        return "bad_case_file"
    references = content.get("reference_bmd_mg_cm3")
    claimed = isinstance(references, dict) and any(bmd is not None for bmd in references.values())
    return "reference_without_method" if claimed and not content.get("reference_method") else "implausible_fact"


def _text_faults(case_id: str, path: Path) -> Iterator[Fault]:
    """Identity in case.json, and keys where it could hide."""
    try:
        content = read_json(path)
    except BadInput:
        return
    known = {field.name for field in fields(CaseInfo)} | {"schema_version"}
    for key, value in content.items():
        if key not in known:
            yield Fault(case_id, "surplus_key", f"{CASE_FILE} has the key {key!r}, which it should not; remove it.")
        for text in _texts(value):
            yield from _told(case_id, f"{key} in {CASE_FILE}", text, staff=key in _STAFF)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (str(key), *_texts(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def _told(where: str, what: str, text: str, *, staff: bool = False) -> Iterator[Fault]:
    for trace in traces(text, staff=staff):
        yield Fault(where, "identity", f"{what} holds {trace} ({text!r}); remove it.")


def _progress_faults(entry: Entry, info: CaseInfo) -> Iterator[Fault]:
    """Who has to be named at a status."""
    if entry.is_finished and not info.annotator:
        yield Fault(entry.id, "no_annotator", f"its status is {entry.status!r}, yet no annotator is named; name one.")
    if entry.status == "reviewed" and not info.reviewer:
        yield Fault(entry.id, "no_reviewer", "its status is 'reviewed', yet no reviewer is named; name one.")


def _voxel_faults(folder: Path, entry: Entry, info: CaseInfo) -> list[Fault]:
    if not (folder / CT_FILE).is_file():
        return []
    try:
        ct = read_ct_file(folder / CT_FILE)  # first, since it reads no further than a sound header allows
        faults = [
            Fault(entry.id, "identity", f"{CT_FILE}: {trace}; write the file anew without it.")
            for trace in nifti_traces(folder / CT_FILE)
        ]
    except (BadInput, OSError, EOFError, ImageFileError, HeaderDataError) as error:
        return [Fault(entry.id, "damaged", f"{CT_FILE} cannot be read ({error}); restore it.")]
    faults += scan_faults(entry.id, ct)
    for path in [folder / SEGMENTATION_FILE, *sorted((folder / READS).glob(f"*{SUFFIX}"))]:
        if path.is_file():
            faults += _segmentation_faults(path, entry, ct, info)
    return faults


def _segmentation_faults(path: Path, entry: Entry, ct: Any, info: CaseInfo) -> list[Fault]:
    faults = [Fault(entry.id, "identity", f"{path.name}: {trace}; remove it.") for trace in nrrd_traces(path)]
    try:
        faults += segmentation_grid_faults(entry.id, path, ct.grid)
        labels = read_segmentation(path, ct.grid)
    except BadInput as error:
        return [*faults, Fault(entry.id, "damaged", str(error))]
    if path.name == SEGMENTATION_FILE and entry.status != "draft":
        faults += mask_faults(entry.id, ct, labels, info)
    return faults


def _patient_faults(directory: Path, entries: list[Entry]) -> Iterator[Fault]:
    """Cases of one patient in several folds: what is fitted would be tested on the same person."""
    content = read_json(directory / DATASET_FILE)
    folds = {str(case["id"]): case.get("fold") for case in content["cases"] if isinstance(case, dict) and "id" in case}
    of_patient: dict[str, set[Any]] = defaultdict(set)
    for entry in entries:
        path = directory / CASES / entry.id / CASE_FILE
        try:
            patient = read_json(path).get("patient")
        except BadInput:
            continue
        if patient:
            of_patient[str(patient)].add(folds[entry.id])
    for patient, several in of_patient.items():
        if len(several) >= _ENOUGH_FOR_A_SPLIT:
            message = f"the cases of patient {patient} lie in several folds; run `split` again."
            yield Fault(DATASET_FILE, "patient_in_several_folds", message)
