"""What objects take over from the slices."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

from dicom_files import alter, put_raw
from measured_series import KINDS, series
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS
from OpportunisticBMDLib.dicom.objects.source import source_series


def test_patient_and_study_are_taken_over(tmp_path):
    first = series(tmp_path, AccessionNumber="A-17", StudyDescription="CT Abdomen").source.first
    assert (first.PatientName, first.PatientID, first.PatientBirthDate) == ("Mustermann^Erika", "PID-4711", "19380515")
    assert (first.PatientSex, first.StudyDate, first.StudyTime, first.StudyID) == ("F", "20260512", "101112", "7")
    assert (first.AccessionNumber, first.StudyDescription, first.PatientAge) == ("A-17", "CT Abdomen", "088Y")
    assert (first.StudyInstanceUID, first.SeriesInstanceUID, first.FrameOfReferenceUID) == (
        "1.2.3.4", "1.2.3.4.5", "1.2.3.4.6")  # fmt: skip


def test_a_name_comes_over_from_any_character_set(tmp_path):
    name = "Müller^Jörg"
    source = series(tmp_path, SpecificCharacterSet="ISO_IR 100", PatientName=name).source
    assert source.first.PatientName == name and source.first.SpecificCharacterSet == "ISO_IR 192"


def test_what_is_empty_stays_empty(tmp_path):
    first = series(
        tmp_path, PatientName=None, PatientID=None, StudyDate=None, StudyTime="", PatientSex=None
    ).source.first
    assert not first.PatientName and not first.PatientID and not first.StudyDate and not first.PatientSex
    assert "PatientName" in first and "ReferringPhysicianName" in first and "StudyDescription" not in first


@pytest.mark.parametrize(
    "keyword, vr, raw, kept",
    [
        ("StudyDate", b"DA", b"2026.05.12", "20260512"),
        ("StudyTime", b"TM", b"10:11:12", "101112"),
        ("StudyDate", b"DA", b"12.05.26", ""),
        ("StudyDate", b"DA", b"20261345", ""),
        ("StudyDate", b"DA", b"20260101-20260202", ""),
        ("PatientBirthDate", b"DA", b"19380515\\19380516 ", ""),
        ("StudyTime", b"TM", b"256199", ""),
        ("PatientSex", b"CS", b"female", ""),
        ("PatientID", b"LO", b"P" * 100, "P" * 100),
        ("PatientName", b"PN", b"Mustermann Erika", "Mustermann Erika"),
    ],
)
def test_what_its_kind_does_not_allow_is_left_empty_but_for_names_and_numbers(tmp_path, keyword, vr, raw, kept):
    measured = series(tmp_path)
    for path in measured.paths:
        put_raw(path, keyword, vr, raw)
    assert measured.source.first[keyword].value == kept


@pytest.mark.parametrize("keyword, vr, raw", [("PatientAge", b"AS", b"old "), ("PatientWeight", b"DS", b"1e999 "),
                                              ("EthnicGroup", b"SH", b"x" * 40)])  # fmt: skip
def test_what_need_not_be_there_is_left_out_where_it_is_none_of_its_kind(tmp_path, keyword, vr, raw):
    measured = series(tmp_path)
    for path in measured.paths:
        put_raw(path, keyword, vr, raw)
    assert keyword not in measured.source.first


@pytest.mark.parametrize("kind", KINDS)
def test_slices_that_are_planes_lie_where_the_planes_do(tmp_path, kind):
    measured = series(tmp_path, **KINDS[kind])
    lps = LPS_FROM_RAS @ measured.ct.volume.grid.affine
    if measured.source.are_planes:
        places = [image.ImagePositionPatient for image in measured.source.images]
        assert np.allclose(places, [lps[:3, 3] + k * lps[:3, 2] for k in range(len(places))], atol=1e-5)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"])
def test_slices_that_an_anonymiser_named_each_anew_have_no_objects(tmp_path, keyword):
    measured = series(tmp_path, **{keyword: lambda k: f"1.2.3.{k + 1}"})
    with pytest.raises(BadInput, match=f"differ in {keyword}"):
        assert measured.source


@pytest.mark.parametrize("uid", [None, "", "1.2.x", "1." * 40 + "1"])
def test_a_slice_without_a_frame_of_reference_has_no_objects(tmp_path, uid):
    measured = series(tmp_path, FrameOfReferenceUID=uid)
    with pytest.raises(BadInput, match="no valid FrameOfReferenceUID"):
        assert measured.source


def test_a_slice_that_is_gone_is_told(tmp_path):
    measured = series(tmp_path)
    slices = measured.slices
    slices.stack.slices[3].path.unlink()
    with pytest.raises(BadInput, match="gone or changed"):
        source_series(slices, measured.ct.volume.grid)


@pytest.mark.parametrize("keyword, value", [("SOPInstanceUID", "1.2.3.99"), ("Rows", None)])
def test_a_slice_that_was_exchanged_is_told(tmp_path, keyword, value):
    measured = series(tmp_path)
    slices = measured.slices
    third = slices.stack.slices[3].path
    alter(third, lambda data: delattr(data, keyword) if value is None else setattr(data, keyword, value))
    with pytest.raises(BadInput, match="gone or changed"):
        source_series(slices, measured.ct.volume.grid)


@pytest.mark.parametrize("stated, taken", [("3", 3.0), ("-3", 3.0), (None, 3.0), ("5", 5.0)])
def test_slices_without_a_thickness_are_as_thick_as_they_are_apart(tmp_path, stated, taken):
    assert series(tmp_path, SliceThickness=stated).source.first.SliceThickness == taken


def test_an_anonymised_study_stays_one(tmp_path):
    first = series(tmp_path, PatientIdentityRemoved="YES").source.first
    assert first.PatientIdentityRemoved == "YES" and first.DeidentificationMethod == "as the source images"


def test_the_patient_is_in_no_text_of_it(tmp_path):
    measured = series(tmp_path)
    assert "Mustermann" not in repr(measured.source) + repr(measured.slices) + repr(measured.ct.acquisition)


def test_slices_of_one_instance_have_no_objects(tmp_path):
    measured = series(tmp_path)
    for path in measured.paths:
        alter(path, lambda data: setattr(data, "SOPInstanceUID", "1.2.3.7"))
    with pytest.raises(BadInput, match="share a SOPInstanceUID"):
        assert measured.source
