"""How objects refer to the slices: to a file each, or to frames of a file (PS3.3, 10.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from highdicom.seg import Segmentation
from highdicom.sr import SourceImageForSegmentation
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from OpportunisticBMDLib.dicom.objects.source import SourceSeries


def reference(image: Dataset) -> Dataset:
    """To a file: SOP Instance Reference Macro (PS3.3, table 10-11)."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return item


def as_files(source: SourceSeries) -> list[Dataset]:
    """Frames as if each were a file: highdicom takes frames from one file only, and all or none.

    `refer_to_frames` puts right what it makes of them.
    """
    files = []
    for number, image in enumerate(source.images, start=1):
        file = Dataset()
        file.update(image)  # which shares the elements
        del file.SOPClassUID, file.SOPInstanceUID
        file.SOPClassUID, file.SOPInstanceUID = CTImageStorage, _placeholder(number)
        files.append(file)
    return files


def refer_to_frames(segmentation: Segmentation, source: SourceSeries) -> None:
    """In a segmentation that was made of `as_files`."""
    places = {_placeholder(number): place for number, place in enumerate(zip(source.images, source.frames), start=1)}
    items = {id(item): item for item in _source_images(segmentation)}  # segments of one slice share them
    for item in items.values():
        image, frame = places[item.ReferencedSOPInstanceUID]
        item.update(reference(image))
        if frame is not None:
            item.ReferencedFrameNumber = frame
    segmentation.SourceImageSequence = [reference(file) for file in source.files]
    (series,) = segmentation.ReferencedSeriesSequence
    series.ReferencedInstanceSequence = [reference(file) for file in source.files]


def sources_of_segment(
    segmentation: Segmentation, number: int, source: SourceSeries
) -> list[SourceImageForSegmentation]:
    """What the frames of a segment refer to; the whole series where they refer to nothing."""
    frames: dict[tuple[str, str], list[int]] = defaultdict(list)
    for item in _source_images(segmentation, number):
        file = item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID
        frames[file] += [item.ReferencedFrameNumber] if "ReferencedFrameNumber" in item else []
    if not frames:
        return [SourceImageForSegmentation(file.SOPClassUID, file.SOPInstanceUID) for file in source.files]
    return [SourceImageForSegmentation(*file, sorted(numbers) or None) for file, numbers in frames.items()]


def _placeholder(number: int) -> str:
    return f"2.25.{number}"


def _source_images(segmentation: Segmentation, segment: int | None = None) -> Iterator[Dataset]:
    """What its frames say that they were derived from; those of one segment, or all."""
    for group in segmentation.PerFrameFunctionalGroupsSequence:
        if segment in (None, group.SegmentIdentificationSequence[0].ReferencedSegmentNumber):
            for derivation in group.get("DerivationImageSequence", ()):
                yield from derivation.SourceImageSequence
