"""Masks as a DICOM segmentation, read back by this program, by highdicom and by dcmqi."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

import highdicom
import pydicom

from dicom_programs import errors_of, said_by
from example_results import MODELS, normal
from measured_series import KINDS, Measured, series
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.dicom.codes import VERTEBRA_CODES
from OpportunisticBMDLib.dicom.objects.segmentation import dicom_segmentation
from OpportunisticBMDLib.results.segmentation_file import read_segmentation


@pytest.fixture(scope="module", params=KINDS)
def case(request, tmp_path_factory) -> tuple[Measured, Path]:
    """A series, and the file of its masks."""
    folder = tmp_path_factory.mktemp("case")
    measured = series(folder / "ct", **KINDS[request.param])
    made = dicom_segmentation(measured.source, measured.segmentation.labels, normal())
    made.save_as(folder / "masks.dcm", enforce_file_format=True)
    return measured, folder / "masks.dcm"


@pytest.fixture(scope="module")
def axial(tmp_path_factory) -> Measured:
    return series(tmp_path_factory.mktemp("axial"))


def of(measured: Measured, result: Result, labels: Volume | None = None):
    return dicom_segmentation(measured.source, labels or measured.segmentation.labels, result)


def test_masks_come_back_as_they_were(case):
    measured, path = case
    labels = measured.segmentation.labels
    assert np.array_equal(read_segmentation(path, labels.grid).array, labels.array)


def test_highdicom_reads_the_same_masks_at_the_same_place(case):
    measured, path = case
    labels = measured.segmentation.labels
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True, rescale_fractional=False)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine[:, [2, 1, 0, 3]]
    back = Volume(np.ascontiguousarray(volume.array.transpose(2, 1, 0)), Grid(volume.array.shape[::-1], lps))
    assert np.array_equal(back.resampled_labels(labels.grid).array, labels.array)


def test_dcmqi_reads_the_same_masks_at_the_same_place(case, tmp_path):
    measured, path = case
    labels = measured.segmentation.labels
    said = said_by("segimage2itkimage", "--inputDICOM", path, "--outputDirectory", tmp_path, "--outputType", "nrrd")
    for number, (name, label) in enumerate(LABELS.items(), start=1):
        assert (tmp_path / f"{number}.nrrd").is_file(), said
        back = Volume.from_sitk(sitk.ReadImage(str(tmp_path / f"{number}.nrrd"))).resampled_labels(labels.grid)
        assert np.array_equal(back.array > 0, labels.array == label), name


def test_it_is_a_valid_object(case):
    assert errors_of(said_by("dciodvfy", case[1])) == []


def test_it_lies_in_the_patients_study_and_frame_of_reference(case):
    measured, path = case
    made, first = highdicom.seg.segread(path), measured.source.first
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "StudyDate"):
        assert made[keyword].value == first[keyword].value
    assert made.SeriesInstanceUID != first.SeriesInstanceUID
    assert made.ReferencedSeriesSequence[0].SeriesInstanceUID == first.SeriesInstanceUID
    assert len(made.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == len(measured.source.files)


def test_each_frame_refers_to_the_slice_that_it_lies_on(case):
    measured, path = case
    source = measured.source
    places = {
        (image.SOPClassUID, image.SOPInstanceUID, frame): image.ImagePositionPatient
        for image, frame in zip(source.images, source.frames)
    }
    for frame in pydicom.dcmread(path).PerFrameFunctionalGroupsSequence if source.are_planes else ():
        (derivation,) = frame.DerivationImageSequence
        (slice_,) = derivation.SourceImageSequence
        number = slice_.get("ReferencedFrameNumber")
        there = places[slice_.ReferencedSOPClassUID, slice_.ReferencedSOPInstanceUID, number]
        here = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        assert np.allclose(here, np.array(there, float), atol=1e-4)


def test_segments_are_coded(axial):
    segments = of(axial, normal()).SegmentSequence
    assert [item.SegmentLabel for item in segments] == ["T12", "L1", "L2"]
    types = [item.SegmentedPropertyTypeCodeSequence[0].CodeValue for item in segments]
    assert types == [VERTEBRA_CODES[name].value for name in LABELS]
    assert {item.SegmentAlgorithmType for item in segments} == {"AUTOMATIC"}


def test_a_vertebra_without_a_mask_has_no_segment(axial):
    labels = axial.segmentation.labels
    without = Volume(np.where(labels.array == LABELS["T12"], 0, labels.array), labels.grid)
    segments = of(axial, normal(), without).SegmentSequence
    assert [(item.SegmentNumber, item.SegmentLabel) for item in segments] == [(1, "L1"), (2, "L2")]
    assert of(axial, normal(), Volume(np.zeros_like(labels.array), labels.grid)) is None


def test_masks_that_a_person_made_or_edited_say_so(axial):
    edited = replace(normal(), reasons=(Reason("edited_by_hand", "info", "L1 was edited by hand.", "L1"),))
    kinds = [item.SegmentAlgorithmType for item in of(axial, edited).SegmentSequence]
    assert kinds == ["AUTOMATIC", "SEMIAUTOMATIC", "AUTOMATIC"]
    given = replace(normal(), models={name: model for name, model in MODELS.items() if name == "bmd"})
    assert {item.SegmentAlgorithmType for item in of(axial, given).SegmentSequence} == {"SEMIAUTOMATIC"}
