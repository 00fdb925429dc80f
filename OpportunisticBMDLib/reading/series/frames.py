"""The frames of an enhanced CT, each with the elements that a single slice of it would have.

Enhanced and Legacy Converted Enhanced CT (PS3.3 A.38, A.70) state of all frames and of each what single files state at
their top, in functional groups (C.7.6.16). What is told of a frame so goes through the same as any slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from OpportunisticBMDLib.reading.facts.enhanced_contrast import AGENT, AGENTS, USES, contrast_of_frame
from OpportunisticBMDLib.reading.facts.header_values import number_of, numbers_of, text_of, values_of
from OpportunisticBMDLib.reading.facts.kind_of_image import MULTI_FRAME_CT
from OpportunisticBMDLib.reading.series.dicom_file import DamagedFileError, DicomFile, Part, elements_of, read_elements
from OpportunisticBMDLib.reading.series.identifiers import IDENTIFIER_TAGS
from OpportunisticBMDLib.reading.series.pixel_element import frame_parts
from OpportunisticBMDLib.reading.series.stored_pixels import stored_pixels
from OpportunisticBMDLib.system.files import open_regular

_SHARED, _EACH = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_X_RAYS = "CTXRayDetailsSequence"  # an item for each tube
# The groups that hold what a slice's header holds. Those of converted files have all that has no group of its own.
_GROUPS = (
    "UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence",
    "FrameContentSequence", "TemporalPositionSequence", "CardiacSynchronizationSequence", "PlanePositionSequence",
    "PlaneOrientationSequence", "PixelMeasuresSequence", "PixelValueTransformationSequence",
    "CTImageFrameTypeSequence", "CTAcquisitionDetailsSequence", "CTReconstructionSequence", _X_RAYS,
    "DerivationImageSequence",
)  # fmt: skip
# What has another name in a slice's header; of several with the same one, the last that is there.
_NAMES = {
    "NominalPercentageOfCardiacPhase": "TemporalPositionIdentifier",
    "TemporalPositionTimeOffset": "TemporalPositionIdentifier",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "FrameAcquisitionNumber": "AcquisitionNumber",
    "FrameAcquisitionDateTime": "AcquisitionDateTime",
    "FrameComments": "ImageComments",
    "FrameType": "ImageType",
}
_MOST_FRAMES = 2**16
_DIGITS_OF_DAY = 8  # at the beginning of a date with time


class WrongFramesError(ValueError):
    """What is wrong with a file of many frames, in words that follow "is an enhanced CT"."""


def is_enhanced_ct(path: Path) -> bool:
    """Whether a file says that it is one. Raises OSError where it cannot be read."""
    try:
        file = read_elements(path, ("SOPClassUID",))
    except (DamagedFileError, ImportError):
        return False
    return file is not None and text_of(file.data, "SOPClassUID") in MULTI_FRAME_CT


def frames_of(path: Path, header: DicomFile, keywords: tuple[str, ...]) -> Iterator[DicomFile]:
    """What the header of each frame would hold of these keywords, in the order of the file.

    Args:
        header: what stands at the top of the file.

    Raises:
        WrongFramesError: the frames are not those that the file speaks of.
        Exception: of many kinds, where what describes them is damaged.
    """
    if header.is_deflated:
        raise WrongFramesError("that was packed as a whole")
    file = read_elements(path, (_SHARED, _EACH, AGENTS))
    if file is None or file.pixels_at is None:
        raise WrongFramesError("without pixels, as if it was cut off")
    agents, groups = values_of(file.data, AGENTS), values_of(file.data, _EACH)
    count = int(number_of(header.data, "NumberOfFrames") or 0)
    if count > _MOST_FRAMES:
        raise WrongFramesError(f"of {count} frames, more than any scan has")
    if count < 1 or len(groups) != count:
        raise WrongFramesError(f"of {count} frames that describes {len(groups)}")
    wanted = tuple(keyword for keyword in (*keywords, *_NAMES, USES) if keyword not in IDENTIFIER_TAGS)
    of_all, broken = _stated((values_of(file.data, _SHARED) or [{}])[0], wanted)
    file = replace(file, data=header.data, broken=(*header.broken, *file.broken, *broken))
    for number, (group, part) in enumerate(zip(groups, _parts(path, file, count)), start=1):
        of_frame, broken = _stated(group, wanted)
        data = _as_of_slice({**file.data, **of_all, **of_frame}, agents)
        yield replace(file, data=data, broken=(*file.broken, *broken), frame=number, part=part)


def _parts(path: Path, file: DicomFile, count: int) -> list[Part]:
    try:
        pixels = stored_pixels(file)
        with open_regular(path) as opened:
            return frame_parts(opened, pixels, count)
    except ValueError as error:
        raise WrongFramesError(f"with pixels that cannot be read ({error})") from error


def _stated(group: Any, keywords: tuple[str, ...]) -> tuple[dict[str, Any], list[str]]:
    """What stands in the functional groups of a frame, or of all of them; and what of it cannot be understood."""
    values, broken = elements_of(group, (*_GROUPS, *keywords))
    tubes = [kv for item in values_of(values, _X_RAYS) for kv in numbers_of(item, "KVP")]
    for item in (item for name in _GROUPS for item in values_of(values, name)[:1]):
        of_item, wrong = elements_of(item, keywords)
        values.update(of_item)
        broken += [_NAMES.get(keyword, keyword) for keyword in wrong]
    return values if len(set(tubes)) < 2 else {**values, "KVP": tubes}, broken


def _as_of_slice(values: dict[str, Any], agents: list[Any]) -> dict[str, Any]:
    """By the names of a single slice's header."""
    renamed = {own: values[name] for name, own in _NAMES.items() if name in values}
    day = (text_of({**values, **renamed}, "AcquisitionDateTime") or "")[:_DIGITS_OF_DAY]
    contrast = {} if text_of(values, AGENT) else contrast_of_frame(agents, values_of(values, USES))
    return {"AcquisitionDate": day, **values, **renamed, **contrast, "NumberOfFrames": 1}
