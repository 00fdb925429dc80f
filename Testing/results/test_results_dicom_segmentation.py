"""Masks that were given as a DICOM segmentation: each frame at its place, each segment by its name or code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicom_files import AXIAL, write_slice
from dicom_segmentations import BINARY, LABELMAP, item, segmentation
from example_results import grid_of, synthetic_case
from mask_refusals import refusal
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.dicom.codes import VERTEBRA_CODES
from OpportunisticBMDLib.results.segmentation_file import read_segmentation


def labels_on(orientation: str) -> Volume:
    return synthetic_case(grid_of(orientation))[1].labels


def written(path: Path, data: FileDataset) -> Path:
    pydicom.dcmwrite(path, data, enforce_file_format=True)
    return path


@pytest.mark.parametrize("kind", [BINARY, LABELMAP], ids=["binary", "label map"])
@pytest.mark.parametrize("orientation", ["straight", "flipped", "oblique", "coronal"])
def test_masks_are_where_they_were(tmp_path, orientation, kind):
    labels = labels_on(orientation)
    path = written(tmp_path / "masks.dcm", segmentation(labels, kind=kind))
    assert np.array_equal(read_segmentation(path, labels.grid).array, labels.array)


def test_segments_are_found_by_other_names_and_by_their_codes(tmp_path):
    labels = labels_on("straight")
    data = segmentation(labels, ("vertebrae_T12", "Wirbel A", "LWK 2"))
    code = VERTEBRA_CODES["L1"]
    data.SegmentSequence[1].SegmentedPropertyTypeCodeSequence = Sequence(
        [item(CodeValue=code.value, CodingSchemeDesignator=code.scheme, CodeMeaning=code.meaning)]
    )
    assert np.array_equal(read_segmentation(written(tmp_path / "m", data), labels.grid).array, labels.array)


def test_a_segmentation_of_something_else_is_named(tmp_path):
    labels = labels_on("straight")
    path = written(tmp_path / "masks.dcm", segmentation(labels, ("liver", "spleen", "colon")))
    assert "it has: liver, spleen, colon" in refusal(path, labels.grid)


def test_a_slice_of_a_ct_is_no_segmentation(tmp_path):
    path = write_slice(tmp_path / "slice.dcm", np.zeros((16, 16)), (0, 0, 0), axes=AXIAL)
    assert "no segmentation" in refusal(path, grid_of("straight"))


def test_what_is_not_read_says_what_to_do(tmp_path):
    labels = labels_on("straight")
    deflated, fractional = segmentation(labels), segmentation(labels)
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    fractional.SegmentationType = "FRACTIONAL"
    for data in (deflated, fractional):
        assert "save the masks as .seg.nrrd" in refusal(written(tmp_path / "masks.dcm", data), labels.grid)


def test_frames_that_make_no_stack_are_refused(tmp_path):
    labels = labels_on("straight")
    data = segmentation(labels)
    position = data.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0]
    position.ImagePositionPatient = [x + 0.7 for x in position.ImagePositionPatient]
    assert "evenly" in refusal(written(tmp_path / "masks.dcm", data), labels.grid)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda data: setattr(data, "Rows", 60000),
        lambda data: setattr(data, "PixelData", data.PixelData[:100]),
        lambda data: delattr(data, "SegmentSequence"),
        lambda data: delattr(data, "PerFrameFunctionalGroupsSequence"),
        lambda data: setattr(data, "PerFrameFunctionalGroupsSequence", Sequence([])),
        lambda data: delattr(data, "SharedFunctionalGroupsSequence"),
        lambda data: setattr(
            data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0], "PixelSpacing", ["1e30", "0"]
        ),
        lambda data: setattr(
            data.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0],
            "ImagePositionPatient",
            ["0", "0", "1e12"],
        ),
    ],
    ids=["rows", "pixels", "segments", "frames", "no frames", "shared", "spacing", "position"],
)
def test_damaged_ones_are_refused(tmp_path, wrong):
    labels = labels_on("straight")
    data = segmentation(labels)
    wrong(data)
    refusal(written(tmp_path / "masks.dcm", data), labels.grid)


def test_a_file_cut_off_is_refused(tmp_path):
    labels = labels_on("straight")
    whole = written(tmp_path / "masks.dcm", segmentation(labels)).read_bytes()
    for length in (140, 300, 2000, len(whole) - 500):
        (tmp_path / "cut.dcm").write_bytes(whole[:length])
        refusal(tmp_path / "cut.dcm", labels.grid)
