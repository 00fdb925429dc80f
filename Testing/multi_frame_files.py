"""Enhanced CTs as scanners and archives write them: the slices of a series in one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import highdicom
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

# What an enhanced CT states in a functional group, and no more at its top.
GROUPS = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope", "RescaleType"),
    "CTReconstructionSequence": ("ConvolutionKernel",),
    "CTXRayDetailsSequence": ("KVP", "FilterType"),
    "CTAcquisitionDetailsSequence": ("GantryDetectorTilt",),
}
_GONE = ("AcquisitionNumber", "InstanceNumber")


def write_enhanced(
    path: Path, slices: Sequence[Path], *, change: Callable[[FileDataset], object] | None = None
) -> Path:
    """Writes an Enhanced CT (PS3.3 A.38) of the frames that these files hold, in their order.

    Args:
        change: what else is done to the data set before it is written.
    """
    read = [pydicom.dcmread(file) for file in slices]
    data = pydicom.dcmread(slices[0])
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.NumberOfFrames = len(read)
    of_each = [_groups(one) for one in read]
    shared = {name: of_each[0][name] for name in GROUPS if all(group[name] == of_each[0][name] for group in of_each)}
    for keyword in [k for keywords in GROUPS.values() for k in keywords if k in data] + list(_GONE):
        delattr(data, keyword)
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.SharedFunctionalGroupsSequence = [_item(shared)]
    data.PerFrameFunctionalGroupsSequence = [
        _item({name: group for name, group in groups.items() if name not in shared}) for groups in of_each
    ]
    _set_pixels(data, [one.PixelData for one in read])
    if change:
        change(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, data, enforce_file_format=True)
    return path


def write_converted(path: Path, slices: Sequence[Path], **options: object) -> Path:
    """Writes a Legacy Converted Enhanced CT (PS3.3 A.70), as highdicom makes it of these files.

    Args:
        options: see `highdicom.legacy.LegacyConvertedEnhancedCTImage`.
    """
    read = [pydicom.dcmread(file) for file in slices]
    made = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        read,
        series_instance_uid=read[0].SeriesInstanceUID,
        series_number=read[0].SeriesNumber,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        **{"transfer_syntax_uid": ExplicitVRLittleEndian, **options},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)
    return path


def with_open_sequences(data: Dataset) -> None:
    """Lengths of sequences are left open, and their ends marked, as many scanners do it."""
    for element in data:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                with_open_sequences(item)


def in_fragments(count: int, has_table: bool = True) -> Callable[[FileDataset], object]:
    """Parts each compressed frame into so many fragments."""

    def change(data: FileDataset) -> None:
        frames = generate_frames(data.PixelData, number_of_frames=data.NumberOfFrames)
        data.PixelData = encapsulate(list(frames), fragments_per_frame=count, has_bot=has_table)

    return change


def with_extended_table(data: FileDataset) -> None:
    """Where compressed frames lie stands in elements of its own."""
    frames = list(generate_frames(data.PixelData, number_of_frames=data.NumberOfFrames))
    data.PixelData, data.ExtendedOffsetTable, data.ExtendedOffsetTableLengths = encapsulate_extended(frames)


def _set_pixels(data: FileDataset, values: list[bytes]) -> None:
    if UID(data.file_meta.TransferSyntaxUID).is_encapsulated:
        values = [next(generate_frames(value, number_of_frames=1)) for value in values]
        data.PixelData = encapsulate(values)
    else:
        data.PixelData = b"".join(values)


def _groups(data: FileDataset) -> dict[str, Dataset]:
    """The functional groups of one slice."""
    groups = {name: _copied(data, keywords) for name, keywords in GROUPS.items()}
    frame_type = groups["CTImageFrameTypeSequence"] = Dataset()
    frame_type.FrameType = data.ImageType
    content = groups["FrameContentSequence"] = Dataset()
    content.FrameAcquisitionNumber = data.get("AcquisitionNumber")
    if "TemporalPositionIdentifier" in data:
        content.TemporalPositionIndex = int(data.TemporalPositionIdentifier)
    return groups


def _copied(data: Dataset, keywords: Sequence[str]) -> Dataset:
    copy = Dataset()
    for keyword in keywords:
        if keyword in data:
            copy[keyword] = data[keyword]
    return copy


def _item(groups: dict[str, Dataset]) -> Dataset:
    item = Dataset()
    for name, group in groups.items():
        if group:
            setattr(item, name, Items([group]))
    return item
