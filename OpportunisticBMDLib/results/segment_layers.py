"""3D Slicer's segmentations (.seg.nrrd): label maps in layers, and which value of which layer is which segment."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.dicom.terminology import SegmentName, codes_in
from OpportunisticBMDLib.reading.headers import ImageHeader
from OpportunisticBMDLib.reading.image_file import grid_of
from OpportunisticBMDLib.reading.voxels import read_voxels

_KEY = re.compile(r"Segment(\d{1,6})_(Name|LabelValue|Layer|Tags)")
_TERMINOLOGY_TAG = "TerminologyEntry"


@dataclass(frozen=True)
class Segment:
    """A segment and the voxels that belong to it: those with `value` in `layer`."""

    name: SegmentName
    layer: int
    value: int


@dataclass(frozen=True, eq=False)
class SegmentLayers:
    """A segmentation's segments, in their order, and its label maps: one [i, j, k] for each layer, on a grid."""

    segments: tuple[Segment, ...]
    layers: Sequence[np.ndarray]
    grid: Grid

    def mask(self, segment: Segment) -> np.ndarray:
        """bool, [i, j, k]."""
        return self.layers[segment.layer] == segment.value


def read_segment_layers(header: ImageHeader) -> SegmentLayers:
    """Reads a segmentation whose header was read.

    Raises:
        BadInput: damaged, sheared, or with segments that cannot be understood.
        OSError: the file cannot be read.
    """
    segments = _segments(header)
    return SegmentLayers(segments, tuple(read_voxels(header).reshape(-1, *header.size, order="F")), grid_of(header))


def _segments(header: ImageHeader) -> tuple[Segment, ...]:
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    for key, value in header.keys.items():
        if found := _KEY.fullmatch(key):
            tags[int(found[1])][found[2]] = value
    # Before there were layers of several segments, each segment had one of its own, with 1 in it.
    segments = tuple(_segment(tags[n], n if header.layers > 1 else 0, header) for n in sorted(tags))
    places = [(segment.layer, segment.value) for segment in segments]
    if len(set(places)) < len(places):
        raise BadInput(f"{header.path} gives one value to several segments: save it again from 3D Slicer.")
    return segments


def _segment(tags: Mapping[str, str], layer: int, header: ImageHeader) -> Segment:
    try:
        segment = Segment(_name(tags), int(tags.get("Layer", layer)), int(tags.get("LabelValue", 1)))
    except ValueError as error:
        raise BadInput(f"{header.path} is damaged: a segment's value or layer is no number; save it again.") from error
    if not 0 <= segment.layer < header.layers:
        raise BadInput(f"{header.path} is damaged: a segment lies in a layer that it does not have; save it again.")
    return segment


def _name(tags: Mapping[str, str]) -> SegmentName:
    entries = (tag.strip().partition(":") for tag in tags.get("Tags", "").split("|"))
    codes = next((codes_in(value) for key, _, value in entries if key == _TERMINOLOGY_TAG), frozenset())
    return SegmentName(tags.get("Name", ""), codes)
