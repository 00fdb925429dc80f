"""The slices that a CT was read from: what objects of the same study refer to, and whose study it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid
from OpportunisticBMDLib.reading.series.dicom_file import DamagedFileError, read_elements
from OpportunisticBMDLib.reading.series.dicom_header import SliceHeader, read_headers
from OpportunisticBMDLib.reading.series.file_state import FileState
from OpportunisticBMDLib.reading.series.slice_stack import EVEN_TOLERANCE_MM, SliceStack

# PS3.3: C.7.1.1 Patient, C.7.2.1 General Study, C.7.2.2 Patient Study. Of type 2: there even where they are empty.
PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber",
)  # fmt: skip
OPTIONAL_OF_THEM = (
    "IssuerOfPatientID", "PatientBirthTime", "OtherPatientNames", "EthnicGroup", "PatientComments",
    "PatientIdentityRemoved", "DeidentificationMethod", "StudyDescription", "PatientAge", "PatientSize",
    "PatientWeight",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SourceSlices:
    """What is known of them once the CT is read: their files may be gone, unless they are the user's own.

    Args:
        path: as the user named it, for messages.
        stack: one slice a place.
        patient: keyword -> value of `PATIENT_AND_STUDY` and `OPTIONAL_OF_THEM`, by the first of them. It says who the
            patient is, and goes nowhere but into objects of the study.
        files: the user's own, and what they looked like before they were read.
    """

    path: Path
    stack: SliceStack = field(repr=False)
    patient: Mapping[str, Any] = field(repr=False)
    files: Mapping[Path, FileState] = field(repr=False)

    @classmethod
    def of(cls, stack: SliceStack, path: Path) -> SourceSlices:
        """Those of a stack, read from files that the user named by this path.

        Raises:
            BadInput: a file has changed since its header was read.
        """
        stack = stack.without_doubles
        try:
            files = {s.path: FileState.of(s.path) for s in stack.slices}
            first = read_elements(stack.first.path, (*PATIENT_AND_STUDY, *OPTIONAL_OF_THEM))
        except (OSError, DamagedFileError):
            first = None
        if first is None:
            raise BadInput(f"{stack.first.path} or a slice beside it is gone or changed: read it again.")
        return cls(path, stack, first.data, files)

    def from_zip(self, path: Path, state: FileState) -> SourceSlices:
        """The same, which were unpacked from a zip for a while."""
        return replace(self, path=path, files={path: state})

    def are_planes_of(self, grid: Grid) -> bool:
        """Whether slice k is plane k of the CT; false where reading straightened or evened them."""
        same_size = grid.size == (*self.stack.first.size, len(self.stack.slices))
        return same_size and self.stack.is_even and self.stack.is_straight

    def check_unchanged(self) -> None:
        """Raises BadInput where one of the user's files is gone, or another one is in its place."""
        for path, state in self.files.items():
            if not state.is_of(path):
                raise BadInput(f"{path} is gone or changed since it was measured: measure {self.path} again.")


def source_slices_of(files: Sequence[Path], ct: CT) -> SourceSlices:
    """The slices of a CT that another program has loaded from these files.

    Args:
        files: with one slice or several each; what is no CT slice is left out.
        ct: its planes have to lie where the slices do, in the order of their heights.

    Raises:
        BadInput: they are not the slices of this CT.
    """
    slices = [h for path in files for h in read_headers(path) if isinstance(h, SliceHeader)]
    if not slices:
        raise BadInput("The CT has no files with slices, so no object can refer to them: load it from DICOM again.")
    stack = SliceStack.sorted_by_position(slices)
    if not _lie_on(stack, ct.volume.grid):
        raise BadInput(
            f"The {len(slices)} slices in {stack.first.path.parent} are not the planes of the CT as it was loaded, so "
            "no object can refer to them: load the series again, as it is."
        )
    return SourceSlices.of(stack, stack.first.path.parent)


def _lie_on(stack: SliceStack, grid: Grid) -> bool:
    if grid.size != (*stack.first.size, len(stack.slices)):
        return False
    lps = LPS_FROM_RAS @ grid.affine
    columns, rows, count = grid.size
    corners = np.array([[0, 0, 0, 1], [columns - 1, 0, 0, 1], [0, rows - 1, 0, 1]], float).T
    planes = (lps @ corners)[:3] + lps[:3, 2:3] * np.arange(count)[:, None, None]  # (slices, 3, corners)
    return all(np.abs(_corners(s) - plane).max() <= EVEN_TOLERANCE_MM for s, plane in zip(stack.slices, planes))


def _corners(s: SliceHeader) -> np.ndarray:
    """(3, 3), LPS mm: as columns the centres of its first voxel, the last of its row, and the last of its column."""
    across, down = ((size - 1) * mm * axis for size, mm, axis in zip(s.size, s.spacing, s.axes))
    return s.position[:, None] + np.column_stack([np.zeros(3), across, down])
