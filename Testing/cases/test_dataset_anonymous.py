"""A DICOM series becomes a case, and nothing that leads to its patient is in any byte of what was written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from annotated_cases import annotated_case
from dicom_files import write_stack
from OpportunisticBMDLib.cases import open_dataset
from OpportunisticBMDLib.cases.anonymous import add_ct, age_years_of, info_of, subject_in
from OpportunisticBMDLib.cases.check import check
from OpportunisticBMDLib.core.ct import Acquisition, ImageKind
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDTraining.dataset import main

SECRET = {
    "PatientName": "Xanthippe^Quirkenbaum^Zara",
    "PatientID": "HOSP-88127734",
    "OtherPatientIDs": "INSUR-5519",
    "OtherPatientNames": "Wolkenstein^Xanthippe",
    "PatientBirthName": "Wolkenstein",
    "PatientMotherBirthName": "Ofterdingen",
    "PatientBirthDate": "19380515",
    "PatientBirthTime": "031742",
    "PatientAddress": "Nelkenweg 17, Kleinhausen",
    "PatientTelephoneNumbers": "+49-3391-55512",
    "PatientComments": "daughter is Philomena",
    "AdditionalPatientHistory": "fell from Rocinante",
    "EthnicGroup": "Vulkanier",
    "Occupation": "Leuchtturmwart",
    "AccessionNumber": "ACC77120",
    "StudyID": "STUDY-9921",
    "StudyDate": "20190823",
    "SeriesDate": "20190824",
    "AcquisitionDate": "20190825",
    "ContentDate": "20190826",
    "StudyTime": "101112.131415",
    "StudyDescription": "Abdomen Quirkenbaum",
    "SeriesDescription": "Spine of Xanthippe",
    "ProtocolName": "Protokoll Quirkenbaum",
    "ReferringPhysicianName": "Sauerbruch^Ferdinand",
    "PerformingPhysicianName": "Virchow^Rudolf",
    "OperatorsName": "Curie^Irene",
    "InstitutionName": "Klinikum Silberwald",
    "InstitutionAddress": "Silberwaldallee 4",
    "StationName": "CTSILBER01",
    "DeviceSerialNumber": "SN-SILBER-42",
    "ImageComments": "for Philomena",
    "PatientWeight": "71.5",
}
UIDS = {
    "StudyInstanceUID": generate_uid(),
    "SeriesInstanceUID": generate_uid(),
    "FrameOfReferenceUID": generate_uid(),
}


def write_series(folder: Path, **changes: object) -> list[Path]:
    """A CT series with every kind of identity in it: also in a sequence and in private tags."""
    ct = annotated_case().ct.array
    request = Dataset()
    request.RequestedProcedureDescription = "Knochendichte Quirkenbaum"
    request.ScheduledProcedureStepID = "SPS-31337"
    attributes = {
        **SECRET,
        **UIDS,
        "RequestAttributesSequence": Sequence([request]),
        "PatientSex": "F",
        "PatientAge": "081Y",
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "SOMATOM Definition AS+",
        "ConvolutionKernel": "B30f",
        "ContrastBolusAgent": "Ultravist 370",
        "KVP": "120",
        "SliceThickness": "2",
        **changes,
    }
    paths = write_stack(folder, ct, spacing=(2.0, 2.0, 2.0), **attributes)
    for path in paths:
        data = pydicom.dcmread(path)
        data.private_block(0x0011, "SILBERWALD RIS", create=True).add_new(1, "LO", "Geheimrat Quirkenbaum")
        data.save_as(path)
    return paths


def forbidden_texts(paths: list[Path]) -> set[str]:
    """Every name, id, date and UID of the source files as they could be written elsewhere."""
    texts = {part for value in SECRET.values() for part in value.replace("^", " ").split() if len(part) > 3}
    texts |= {*SECRET.values(), *UIDS.values(), "SPS-31337", "Ultravist", "Silberwald", "Geheimrat"}
    texts |= {f"{d[:4]}{s}{d[4:6]}{s}{d[6:]}" for d in SECRET.values() if d.isdigit() and len(d) == 8 for s in "-/."}
    texts |= {f"{d[6:]}.{d[4:6]}.{d[:4]}" for d in SECRET.values() if d.isdigit() and len(d) == 8}
    for path in paths:
        data = pydicom.dcmread(path)
        texts |= {str(data.SOPInstanceUID), str(path), path.name, path.parent.name}
    return {text.lower() for text in texts}


def everything(directory: Path) -> bytes:
    """Names and bytes of all files, and what their compressed parts hold, in lower case."""
    parts = []
    for path in sorted(directory.rglob("*")):
        parts.append(path.relative_to(directory).as_posix().encode())
        if path.is_file():
            content = path.read_bytes()
            start = content.find(b"\x1f\x8b\x08")
            parts += [content, gzip.decompress(content[start:]) if start >= 0 else b""]
    return b"\n".join(parts).lower()


def survivors(directory: Path, texts: set[str]) -> list[str]:
    found = everything(directory)
    encodings = ("utf-8", "utf-16-le", "utf-16-be")
    return [text for text in texts if any(text.encode(encoding) in found for encoding in encodings)]


def test_no_identity_of_a_dicom_series_survives(tmp_path, capsys):
    paths = write_series(tmp_path / "Quirkenbaum_19380515")
    assert main(["add", str(tmp_path / "dataset"), str(tmp_path / "Quirkenbaum_19380515")]) == 0
    assert capsys.readouterr().out == "case-0001\n"
    texts = forbidden_texts(paths)
    assert len(texts) > 100
    assert survivors(tmp_path / "dataset", texts) == []
    assert survivors(tmp_path / "Quirkenbaum_19380515", texts) != []  # the search itself finds what is there
    assert check(tmp_path / "dataset").faults == ()


def test_what_a_case_does_hold(tmp_path):
    write_series(tmp_path / "series")
    ct = read_ct(tmp_path / "series")
    add_ct(tmp_path / "dataset", ct, subject_in(tmp_path / "series"), patient="p-01")
    dataset = open_dataset(tmp_path / "dataset")
    assert [(entry.id, entry.status) for entry in dataset.entries] == [("case-0001", "new")]
    stored = json.loads((tmp_path / "dataset/cases/case-0001/case.json").read_text())
    assert {key: value for key, value in stored.items() if value not in (None, [])} == {
        "schema_version": 1,
        "reference_bmd_mg_cm3": {"T12": None, "L1": None, "L2": None},
        "sex": "female",
        "age_band": "80-89",
        "scanner": "SIEMENS SOMATOM Definition AS+",
        "kvp": 120.0,
        "kernel": "B30f",
        "history": ["added without identity"],
        "patient": "p-01",
        "contrast": True,
        "slice_thickness_mm": 2.0,
    }
    saved = dataset.ct("case-0001")
    assert np.array_equal(saved.array, ct.volume.array) and saved.grid.is_close(ct.volume.grid, 0.01)


@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize(
    "typed", ["Quirkenbaum B30f", "hosp-88127734", "B30f 1938-05-15", "X" * 80, "Mustermann^Max", "1.2.840.10008.1.2"]
)
def test_identity_typed_into_a_harmless_field(tmp_path, typed):
    paths = write_series(tmp_path / "series", ConvolutionKernel=typed[:64], Manufacturer=typed)
    add_ct(tmp_path / "dataset", read_ct(tmp_path / "series"), subject_in(tmp_path / "series"))
    info = open_dataset(tmp_path / "dataset").info("case-0001")
    assert typed not in str(info) and survivors(tmp_path / "dataset", forbidden_texts(paths)) == []


def test_ids_are_running_numbers(tmp_path):
    write_series(tmp_path / "series")
    ct = read_ct(tmp_path / "series")
    assert [add_ct(tmp_path / "dataset", ct, {}) for _ in range(3)] == ["case-0001", "case-0002", "case-0003"]


@pytest.mark.parametrize("pseudonym", ["Quirkenbaum", "HOSP-88127734", "19380515", "a b", "x" * 200])
def test_a_pseudonym_that_is_none(pseudonym):
    with pytest.raises(BadInput, match="pseudonym"):
        info_of(Acquisition(path="x", format="DICOM"), SECRET, pseudonym)


@pytest.mark.parametrize(
    ("subject", "years"),
    [
        ({"PatientAge": "063Y"}, 63),
        ({"PatientAge": "018M"}, 1.5),
        ({"PatientAge": "", "PatientBirthDate": "19380515", "StudyDate": "20190823"}, 81.27),
        ({"PatientBirthDate": "19380515"}, None),
        ({"PatientAge": "old"}, None),
        ({}, None),
    ],
)
def test_the_age(subject, years):
    assert age_years_of(subject) == (None if years is None else pytest.approx(years, abs=0.01))


def test_nobody_is_told_apart_by_being_very_old():
    assert info_of(Acquisition("x", "DICOM"), {"PatientAge": "102Y"}).age_band == "90+"


@pytest.mark.parametrize(("agent", "contrast"), [(None, None), ("", False), ("Ultravist", True)])
def test_contrast_is_a_yes_or_a_no(agent, contrast):
    assert info_of(Acquisition("x", "DICOM", contrast_agent=agent), {}).contrast is contrast


def test_numbers_that_cannot_be_are_left_out():
    info = info_of(Acquisition("x", "DICOM", kvp=0.0, slice_thickness_mm=0.0), {"PatientSex": "?"})
    assert (info.kvp, info.slice_thickness_mm, info.sex) == (None, None, None)


@pytest.mark.parametrize(
    ("typed", "kernel"),
    [("B30f Li Bo", "B30f"), ("Muller", None), ("STANDARD acc A2020-55512", "STANDARD"), ("15.05.1938 B30f", "B30f")],
)
def test_only_known_words_of_a_kernel_and_a_scanner_are_kept(typed, kernel):
    info = info_of(Acquisition("x", "DICOM", kernel=typed, scanner=f"SIEMENS {typed}"), {"PatientName": "Müller^Bo"})
    assert (info.kernel, info.scanner) == (kernel, "SIEMENS")


@pytest.mark.parametrize("pseudonym", ["li", "Mueller-1", "muller"])
def test_a_pseudonym_that_is_the_patients_short_or_transcribed_name(pseudonym):
    with pytest.raises(BadInput, match="pseudonym"):
        info_of(Acquisition("x", "DICOM"), {"PatientName": "Müller^Li"}, pseudonym)


@pytest.mark.parametrize(
    ("facts", "contrast"),
    [
        ({"contrast_agent": "Gastrografin", "contrast_oral_only": True}, False),
        ({"contrast_agent": "", "contrast_hint": "portal venous"}, None),
        ({"contrast_agent": None, "contrast_hint": "portal venous"}, None),
    ],
)
def test_contrast_is_what_reached_the_veins(facts, contrast):
    assert info_of(Acquisition("x", "DICOM", **facts), {}).contrast is contrast


def test_a_case_is_of_an_image_whose_line_its_voltage_tells():
    with pytest.raises(BadInput, match="monoenergetic"):
        info_of(Acquisition("x", "DICOM", image_kind=ImageKind.MONOENERGETIC, energy_kev=70.0), {})
    assert info_of(Acquisition("x", "DICOM", kvp=140.0, image_kind=ImageKind.BLEND), {}).kvp is None
    tin = info_of(Acquisition("x", "DICOM", kvp=100.0, spectrum="tin filter"), {})
    assert (tin.kvp, tin.exclusions) == (100.0, ("tin filter",))
