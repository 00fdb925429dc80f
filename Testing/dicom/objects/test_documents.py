"""Report and picture as objects of the study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

from dicom_programs import errors_of, said_by
from measured_series import Measured, series
from OpportunisticBMDLib.dicom.objects.documents import encapsulated_pdf, secondary_capture

PDF = b"%PDF-1.4 and so on, seven"
PICTURE = np.random.default_rng(0).integers(0, 256, (31, 45, 3)).astype(np.uint8)
MAKERS = {
    "pdf": lambda source: encapsulated_pdf(source, PDF),
    "picture": lambda source: secondary_capture(source, PICTURE),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Measured:
    return series(tmp_path_factory.mktemp("ct"))


@pytest.fixture(params=MAKERS)
def path(request, measured, tmp_path) -> Path:
    MAKERS[request.param](measured.source).save_as(tmp_path / "object.dcm", enforce_file_format=True)
    return tmp_path / "object.dcm"


def test_it_is_a_valid_object(path):
    assert errors_of(said_by("dciodvfy", path)) == []


def test_it_belongs_to_the_study(path, measured):
    made, first = pydicom.dcmread(path), measured.source.first
    for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "StudyDate", "StudyID"):
        assert made[keyword].value == first[keyword].value
    assert made.SeriesInstanceUID != first.SeriesInstanceUID and made.BurnedInAnnotation == "NO"


def test_the_document_comes_back(measured):
    made = encapsulated_pdf(measured.source, PDF)
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == PDF


def test_the_picture_comes_back(measured, tmp_path):
    secondary_capture(measured.source, PICTURE).save_as(tmp_path / "picture.dcm", enforce_file_format=True)
    assert np.array_equal(pydicom.dcmread(tmp_path / "picture.dcm").pixel_array, PICTURE)
