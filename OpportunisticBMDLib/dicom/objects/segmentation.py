"""A DICOM segmentation (PS3.3 A.51): one segment a vertebra."""

from __future__ import annotations

import numpy as np
from highdicom import AlgorithmIdentificationSequence, Volume
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS
from OpportunisticBMDLib.core.reason import ReasonCode
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume as LabelMap
from OpportunisticBMDLib.dicom.codes import ANATOMICAL_STRUCTURE, SEGMENT_COLOURS, VERTEBRA_CODES, Code
from OpportunisticBMDLib.dicom.objects.program import NAME, stamp
from OpportunisticBMDLib.dicom.objects.references import as_files, refer_to_frames
from OpportunisticBMDLib.dicom.objects.source import SourceSeries


def dicom_segmentation(source: SourceSeries, labels: LabelMap, result: Result) -> Segmentation | None:
    """The masks as segments, numbered from 1 from head to foot; None where no voxel is marked.

    Each frame refers to the slice that it lies on. Where the CT was straightened or evened when it was read, frames lie
    on its own grid, in the slices' frame of reference, and the object refers to the series as a whole.

    Args:
        labels: on the grid of the CT.
    """
    present = [name for name, label in LABELS.items() if (labels.array == label).any()]
    if not present:
        return None
    numbers = np.zeros(max(LABELS.values()) + 1, np.uint8)
    for number, name in enumerate(present, start=1):
        numbers[LABELS[name]] = number
    planes = numbers[labels.array].transpose(2, 1, 0)  # slices, rows, columns
    made = Segmentation(
        source_images=as_files(source) if source.has_frames else source.images,
        pixel_array=planes if source.are_planes else _placed(planes, labels, source),
        segmentation_type="BINARY",
        segment_descriptions=[_segment(number, name, result) for number, name in enumerate(present, start=1)],
        content_label="BMD",
        content_description="Cancellous bone of T12, L1 and L2",
        **stamp("segmentation"),
    )
    if source.has_frames:
        refer_to_frames(made, source)
    return made


def concept(code: Code) -> CodedConcept:
    """A code as highdicom writes it."""
    return CodedConcept(code.value, code.scheme, code.meaning)


def _placed(planes: np.ndarray, labels: LabelMap, source: SourceSeries) -> Volume:
    affine = LPS_FROM_RAS @ labels.grid.affine
    return Volume(planes, affine[:, [2, 1, 0, 3]], "PATIENT", source.first.FrameOfReferenceUID)


def _segment(number: int, name: str, result: Result) -> SegmentDescription:
    colour = (round(255 * part) for part in SEGMENT_COLOURS[name])
    is_given = result.models.get("segmentation") is None
    is_edited = any(r.code == ReasonCode.EDITED_BY_HAND and r.vertebra in (None, name) for r in result.reasons)
    family = codes.cid7162.ManualProcessing if is_given else codes.cid7162.ArtificialIntelligence
    maker = f"masks that were given to {NAME}" if is_given else NAME
    return SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=concept(ANATOMICAL_STRUCTURE),
        segmented_property_type=concept(VERTEBRA_CODES[name]),
        algorithm_type="SEMIAUTOMATIC" if is_given or is_edited else "AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(maker, family, __version__),
        display_color=CIELabColor.from_rgb(*colour),
    )
