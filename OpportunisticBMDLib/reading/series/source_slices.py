"""The files that a CT was read from, found again: for what belongs to their study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.facts.acquisition_facts import DICOM
from OpportunisticBMDLib.reading.series.dicom_folder import chosen_stack
from OpportunisticBMDLib.reading.series.dicom_stack import describe
from OpportunisticBMDLib.reading.series.slice_stack import SliceStack


@dataclass(frozen=True)
class SourceSlices:
    """The slices of a CT, one file a place, in the order of its planes where they are its planes.

    Args:
        folder: as the user named it, for messages.
        sop_uids: of the files, so that one that was exchanged is noticed; None where a file does not say.
        are_planes: whether plane k of the CT is what slice k holds; false where reading straightened or evened them.
    """

    folder: Path
    paths: tuple[Path, ...]
    sop_uids: tuple[str | None, ...]
    are_planes: bool


def source_slices(path: Path, series_uid: str | None, ct: CT) -> SourceSlices:
    """Looks for the slices of a CT where it was read. Nothing of the patient is kept.

    Args:
        path, series_uid: as `read_ct` was given them.
        ct: as it gave it.

    Raises:
        BadInput: the CT is not DICOM, is in a zip, or other slices are there now.
    """
    if ct.acquisition.format != DICOM:
        raise BadInput(f"{path} is not DICOM, so no DICOM study can get the results: leave out --dicom.")
    if not path.is_dir():
        raise BadInput(f"{path} is a zip: unpack it and name the folder, or leave out --dicom.")
    stack = chosen_stack(path, series_uid).without_doubles
    known = ct.acquisition.series_instance_uid, ct.acquisition.series_description
    if (stack.first.series_uid or None, describe(stack)) != known:
        raise BadInput(f"{path} holds other slices than those that were measured: measure it again.")
    paths, uids = tuple(s.path for s in stack.slices), tuple(s.sop_uid for s in stack.slices)
    return SourceSlices(path, paths, uids, _are_planes(stack, ct))


def _are_planes(stack: SliceStack, ct: CT) -> bool:
    same_size = ct.volume.grid.size == (*stack.first.size, len(stack.slices))
    return same_size and stack.is_even and stack.is_straight
