"""DICOM segmentations of label maps, as other programs write them."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from OpportunisticBMDLib.core.grid import LPS_FROM_RAS
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume

BINARY, LABELMAP = UID("1.2.840.10008.5.1.4.1.1.66.4"), UID("1.2.840.10008.5.1.4.1.1.66.7")


def item(**elements: Any) -> Dataset:
    data = Dataset()
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    return data


def segmentation(labels: Volume, names: tuple[str, ...] = VERTEBRAE, *, kind: UID = BINARY) -> FileDataset:
    """A segmentation of these labels, without frames that hold nothing; the last frame comes first."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, kind
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = kind, generate_uid()
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.Modality, data.SegmentationType = "SEG", "BINARY" if kind == BINARY else "LABELMAP"
    lps = LPS_FROM_RAS @ labels.grid.affine
    axes = lps[:3, :3] / labels.grid.spacing
    measures = item(PixelSpacing=[labels.grid.spacing[1], labels.grid.spacing[0]], SliceThickness="1")
    orientation = item(ImageOrientationPatient=[f"{x:.12g}" for x in np.ravel(axes[:, :2].T)])
    data.SharedFunctionalGroupsSequence = Sequence(
        [item(PixelMeasuresSequence=Sequence([measures]), PlaneOrientationSequence=Sequence([orientation]))]
    )
    data.SegmentSequence = Sequence(
        [item(SegmentNumber=number, SegmentLabel=name) for number, name in enumerate(names, start=1)]
    )
    planes, groups = [], []
    for k in reversed(range(labels.grid.size[2])):
        plane = labels.array[..., k].T
        for number in LABELS.values() if kind == BINARY else (0,):
            frame = plane == number if kind == BINARY else plane
            if frame.any():
                planes.append(frame)
                position = item(ImagePositionPatient=[f"{x:.12g}" for x in lps[:3, 2] * k + lps[:3, 3]])
                group = item(PlanePositionSequence=Sequence([position]))
                if kind == BINARY:
                    group.SegmentIdentificationSequence = Sequence([item(ReferencedSegmentNumber=number)])
                groups.append(group)
    data.PerFrameFunctionalGroupsSequence = Sequence(groups)
    data.NumberOfFrames, (data.Rows, data.Columns) = len(planes), planes[0].shape
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated = data.BitsStored = 1 if kind == BINARY else 8
    stack = np.ravel(planes)
    packed = np.packbits(stack, bitorder="little") if kind == BINARY else stack.astype(np.uint8)
    data.PixelData = packed.tobytes() + b"\0" * (packed.size % 2)
    return data
