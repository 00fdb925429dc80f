"""How a CT was acquired, as its files say it: voltage, spectrum, contrast; and nothing that may name the patient."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dicom_files import write_stack
from OpportunisticBMDLib.core.ct import Acquisition, ImageKind
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.reading.facts.acquisition_facts import FACT_TAGS, acquisition_of_header, shown_name
from OpportunisticBMDLib.reading.facts.kind_of_image import CT_IMAGE


def tissue() -> np.ndarray:
    volume = np.random.default_rng(5).normal(40, 20, (24, 24, 20))
    volume[:4] = -1000
    volume[10:16, 10:16] = 200
    return volume.round()


def facts(**values: str) -> Acquisition:
    return acquisition_of_header({"SOPClassUID": CT_IMAGE, "Modality": "CT", **values}, "ct", "DICOM")


@pytest.mark.parametrize("stated", ["0", "-1", "120000", "0.12", "", None])
def test_what_cannot_be_a_voltage_is_unknown(tmp_path, stated):
    write_stack(tmp_path, tissue(), KVP=stated)
    acquisition = read_ct(tmp_path).acquisition
    assert acquisition.kvp is None and acquisition.spectrum is None


@pytest.mark.parametrize(("stated", "kvp"), [("70", 70), ("120.0", 120), ("150", 150), (["120", "120"], 120)])
def test_what_can_be_is_kept(tmp_path, stated, kvp):
    write_stack(tmp_path, tissue(), KVP=stated)
    assert read_ct(tmp_path).acquisition.kvp == kvp


def test_several_voltages_in_a_slice_are_none_and_named(tmp_path):
    write_stack(tmp_path, tissue(), KVP=["80", "140"])
    acquisition = read_ct(tmp_path).acquisition
    assert (acquisition.kvp, acquisition.spectrum) == (None, "80 and 140 kV in one series")


def test_voltages_that_differ_between_slices_are_none_and_named(tmp_path):
    write_stack(tmp_path, tissue(), KVP=lambda k: "100" if k < 8 else "120")
    acquisition = read_ct(tmp_path).acquisition
    assert (acquisition.kvp, acquisition.spectrum) == (None, "100 and 120 kV in one series")


def test_a_voltage_that_some_slices_lack_is_that_of_the_others(tmp_path):
    write_stack(tmp_path, tissue(), KVP=lambda k: "0" if k % 2 else "100")
    assert read_ct(tmp_path).acquisition.kvp == 100


@pytest.mark.parametrize(
    "values",
    [
        {"FilterType": "SN"}, {"FilterType": "Sn 0.6"}, {"FilterMaterial": "TIN"}, {"ConvolutionKernel": "Sn100 Br40"},
        {"SeriesDescription": "Thorax Sn150 1.0"}, {"SeriesDescription": "Thorax 100Sn"},
        {"SeriesDescription": "LD_100kV Sn_Br40"},
    ],
)  # fmt: skip
def test_a_tin_filter_is_named(values):
    assert facts(KVP="100", **values).spectrum == "tin filter"


@pytest.mark.parametrize(
    "values",
    [{"FilterType": "WEDGE_2"}, {"FilterType": "BODY"}, {"SeriesDescription": "Tinnitus"}, {"FilterType": "FLAT"}],
)
def test_other_filters_are_none(values):
    assert facts(KVP="100", **values).spectrum is None


def test_a_kernel_that_shows_calcium_as_at_120_kvp_is_named():
    assert "Sa36f" not in (facts(ConvolutionKernel="Br36f").spectrum or "")
    assert "as at 120 kVp" in (facts(KVP="70", ConvolutionKernel="Sa36f").spectrum or "")


IDENTIFYING = {
    "PatientName": "Müller^Bo",
    "PatientID": "A2020-55512",
    "PatientBirthDate": "19380515",
    "SeriesDescription": "Thorax 1.0 Bo Mueller 15.05.1938 acc A2020-55512",
    "ProtocolName": "Muller",
    "ConvolutionKernel": "B30f muller",
    "ContrastBolusAgent": "Ultravist Bo",
    "Manufacturer": "SIEMENS Muller",
    "ManufacturerModelName": "Sensation 64 in 1938",
}
SECRETS = ("müller", "mueller", "muller", "1938", "55512", "a2020", " bo ", "bo_", "/tmp")


@pytest.mark.filterwarnings("ignore:The value length")
def test_nothing_that_names_the_patient_is_kept_however_it_is_spelt(tmp_path):
    folder = tmp_path / "Mueller_Bo_15.05.1938"
    write_stack(folder, tissue(), SpecificCharacterSet="ISO_IR 192", **IDENTIFYING)
    acquisition = read_ct(folder).acquisition
    said = " ".join(f" {v} " for k, v in dataclasses.asdict(acquisition).items() if k != "series_instance_uid").lower()
    assert not [secret for secret in SECRETS if secret in said]
    assert (acquisition.path, acquisition.kernel, acquisition.contrast_agent) == ("CT", "B30f", "Ultravist")
    assert acquisition.scanner == "SIEMENS Sensation 64"
    assert acquisition.series_description == 'series 3 "Thorax 1.0", 20 slices 3 mm apart, kernel B30f'


def test_a_name_that_tells_nobody_is_kept_without_its_folders(tmp_path, monkeypatch):
    write_stack(tmp_path / "Doe" / "thorax-5mm", tissue())
    assert read_ct(tmp_path / "Doe" / "thorax-5mm").acquisition.path == "thorax-5mm"
    monkeypatch.chdir(tmp_path / "Doe" / "thorax-5mm")
    assert read_ct(".").acquisition.path == "thorax-5mm"


def test_a_series_is_asked_for_only_by_its_uid(tmp_path):
    write_stack(tmp_path, tissue())
    assert not read_ct(tmp_path).acquisition.series_asked
    assert read_ct(tmp_path, "1.2.3.4.5").acquisition.series_asked


def zipped(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*.dcm"):
            archive.write(file, file.relative_to(folder))
    return path


def test_folder_and_zip_tell_the_same_without_the_patient(tmp_path):
    write_stack(
        tmp_path / "ct",
        tissue(),
        SeriesDescription="Mono+ 70 keV Sn100 portal venous",
        ContrastBolusVolume="0",
        ContrastBolusRoute="ORAL",
    )
    folder = read_ct(tmp_path / "ct").acquisition
    archive = read_ct(zipped(tmp_path / "Mustermann.zip", tmp_path / "ct")).acquisition
    assert archive == dataclasses.replace(folder, path="CT")
    assert (folder.image_kind, folder.spectrum, folder.contrast_oral_only) == (
        ImageKind.MONOENERGETIC,
        "tin filter",
        True,
    )
    assert (folder.contrast_agent, folder.contrast_hint) == ("yes", "portal venous")


def test_machines_of_one_model_are_told_apart_without_their_serial_numbers():
    model = {"Manufacturer": "SIEMENS", "ManufacturerModelName": "SOMATOM Force"}
    one, other = (facts(**model, DeviceSerialNumber=number) for number in ("75512", "75513"))
    assert one.scanner == other.scanner == facts(**model).scanner and facts(**model).scanner_id is None
    assert one.scanner_id != other.scanner_id and "75512" not in one.scanner_id
    assert one.scanner_id == facts(**model, DeviceSerialNumber="75512").scanner_id
    assert one.scanner_id != facts(Manufacturer="GE", DeviceSerialNumber="75512").scanner_id


def test_all_facts_come_from_tags_that_are_read():
    """A fact that a file's reader does not ask for would be told by one way of reading and not by another."""
    pydicom = pytest.importorskip("pydicom")
    assert all(pydicom.datadict.tag_for_keyword(tag) is not None for tag in FACT_TAGS)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ct\x1b[31m.nii", "ct\\x1b[31m.nii"),
        ("stra\udcdfe", "stra\\xdfe"),
        ("Li.nii", "CT"),
        ("olive.nii", "olive.nii"),
    ],
)
def test_names_are_shown_so_that_no_terminal_obeys_them(name, shown):
    assert shown_name(name, ("li",)) == shown


def test_an_image_file_is_named_without_its_folders(tmp_path):
    folder = tmp_path / "Mueller_Hans"
    folder.mkdir()
    image = sitk.GetImageFromArray(tissue().astype(np.int16))
    image.SetSpacing((3.0, 3.0, 3.0))
    sitk.WriteImage(image, str(folder / "thorax.nrrd"))
    sitk.WriteImage(image, str(folder / "19380515.nii.gz"))
    assert read_ct(folder / "thorax.nrrd").acquisition.path == "thorax.nrrd"
    assert read_ct(folder / "19380515.nii.gz").acquisition.path == "CT"


def test_the_day_of_the_scan_is_that_of_its_acquisition_else_that_of_its_study():
    assert facts(AcquisitionDate="20260512", StudyDate="20260511").scanned_on == "2026-05-12"
    assert facts(StudyDate="20260511").scanned_on == "2026-05-11"
