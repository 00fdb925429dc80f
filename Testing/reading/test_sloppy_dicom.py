"""DICOM folders as anonymisers, converters and archives leave them: what is safe is read, and the rest is named."""

# ruff: noqa: E402  pydicom is optional, and what needs it is imported after the check
from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from dicom_files import alter, put_raw, write_slice, write_stack
from OpportunisticBMDLib.cases.anonymous import subject_in
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading import read_ct

SIZE = (20, 24, 14)
TYPES = ["ORIGINAL", "PRIMARY", "AXIAL"]
posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes")


def tissue(seed=0) -> np.ndarray:
    random = np.random.default_rng(seed)
    array = random.choice([-1000, -100, 50, 180, 900], SIZE, p=[0.2, 0.3, 0.3, 0.15, 0.05])
    return (array + random.integers(-20, 20, SIZE)).astype(np.int16)


def check_whole(folder: Path, array: np.ndarray, series_uid: str | None = None) -> str:
    ct = read_ct(folder, series_uid)
    assert np.array_equal(ct.volume.array, array)
    assert np.allclose(ct.volume.grid.spacing, (2, 2, 3), atol=1e-3)
    return ct.acquisition.series_description


def refusal(path: Path, **options) -> str:
    with pytest.raises(BadInput) as caught:
        read_ct(path, **options)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


# --- identifiers -------------------------------------------------------------------------------------------------

EACH_ITS_OWN = lambda k: generate_uid()  # noqa: E731


@pytest.mark.parametrize(
    "identifiers",
    [
        {"SOPInstanceUID": "1.2.3"},
        {"FrameOfReferenceUID": EACH_ITS_OWN},
        {"SeriesInstanceUID": EACH_ITS_OWN},
        {"SeriesInstanceUID": EACH_ITS_OWN, "FrameOfReferenceUID": EACH_ITS_OWN},
        {"SeriesInstanceUID": EACH_ITS_OWN, "StudyInstanceUID": EACH_ITS_OWN},
        {"SeriesInstanceUID": EACH_ITS_OWN, "StudyInstanceUID": EACH_ITS_OWN, "FrameOfReferenceUID": EACH_ITS_OWN},
        {"SeriesInstanceUID": None, "StudyInstanceUID": None, "FrameOfReferenceUID": None},
        {"FrameOfReferenceUID": lambda k: None if k == 6 else "1.2.3.4.6"},
    ],
    ids=lambda i: "+".join(i),
)
def test_identifiers_that_were_named_anew_do_not_tear_a_series_apart(tmp_path, identifiers):
    array = tissue()
    write_stack(tmp_path, array, **identifiers)
    check_whole(tmp_path, array)


def test_one_of_many_series_identifiers_picks_them_all(tmp_path):
    array = tissue()
    write_stack(tmp_path, array, SeriesInstanceUID=lambda k: f"1.2.9.{k}")
    check_whole(tmp_path, array, "1.2.9.5")


def test_a_damaged_slice_is_named_also_where_each_has_a_series_of_its_own(tmp_path):
    files = write_stack(tmp_path, tissue(), SeriesInstanceUID=EACH_ITS_OWN)
    put_raw(files[0], "Rows", b"US", b"\0\0")
    assert f"{files[0].name} is a CT slice with 0 Rows" in refusal(tmp_path)


def test_two_series_whose_slices_all_have_series_of_their_own_stay_two(tmp_path):
    soft, sharp = tissue(), tissue(seed=1)
    write_stack(tmp_path, soft, SeriesInstanceUID=EACH_ITS_OWN, prefix="a")
    write_stack(tmp_path, sharp, SeriesInstanceUID=EACH_ITS_OWN, ConvolutionKernel="BONE", SeriesNumber=4, prefix="b")
    check_whole(tmp_path, soft)


def test_one_series_identifier_for_all_series_is_split_by_their_number(tmp_path):
    one, two = tissue(), tissue(seed=1)
    write_stack(tmp_path, one, SeriesNumber=3, prefix="a")
    write_stack(tmp_path, two, SeriesNumber=4, prefix="b")
    array = read_ct(tmp_path).volume.array
    assert np.array_equal(array, one) or np.array_equal(array, two)


def test_one_instance_identifier_for_all_does_not_hide_a_second_scan(tmp_path):
    write_stack(tmp_path, tissue(), SOPInstanceUID="1.2.3", prefix="a")
    write_stack(tmp_path, tissue(seed=1), SOPInstanceUID="1.2.3", prefix="b")
    assert "same place" in refusal(tmp_path)


# --- what differs by a last digit, and what differs indeed ---------------------------------------------------------


@pytest.mark.parametrize(
    "digits",
    [
        {"SliceThickness": lambda k: ("3", "3.0001", "2.99")[k % 3]},
        {"SliceThickness": lambda k: "3" if k != 6 else None},
        {"PixelSpacing": lambda k: (["2.0", "2.0"], ["2.0001", "1.9999"])[k % 2]},
        {"ImageOrientationPatient": lambda k: [[1, 0, 0, 0, 1, 0], [0.999999, 0.0005, 0, -0.0005, 0.999999, 0]][k % 2]},
    ],
    ids=lambda d: next(iter(d)),
)
def test_last_digits_do_not_tear_a_series_apart(tmp_path, digits):
    array = tissue()
    write_stack(tmp_path, array, **digits)
    check_whole(tmp_path, array)


def test_a_slice_that_an_archive_marked_as_derived_stays_in_its_place(tmp_path):
    array = tissue()
    write_stack(tmp_path, array, ImageType=lambda k: ["DERIVED", "SECONDARY", "AXIAL"] if k == 6 else TYPES)
    check_whole(tmp_path, array)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"ImageType": lambda k: [*TYPES, "XYZ"] if k == 6 else TYPES}, "slice of another image type"),
        ({"ImageType": lambda k: ["ORIGINAL", "PRIMARY", "LOCALIZER"] if k == 6 else TYPES}, "localizer"),
        ({"ConvolutionKernel": lambda k: "BONE" if k == 6 else "STANDARD"}, "slice of another kernel"),
        ({"SliceThickness": lambda k: "5" if k == 6 else "3"}, "slice of another thickness"),
        ({"PixelSpacing": lambda k: ["2.5", "2.5"] if k == 6 else ["2", "2"]}, "slice of another pixel spacing"),
    ],
    ids=lambda x: x.replace(" ", "_") if isinstance(x, str) else None,
)
def test_what_was_left_out_is_never_called_missing(tmp_path, other, why):
    files = write_stack(tmp_path, tissue(), **other)
    message = refusal(tmp_path)
    assert f"{files[6].name}: {why}" in message and "missing" not in message
    assert files[5].name in message and files[7].name in message


def test_what_was_left_out_at_the_end_is_told(tmp_path):
    array = tissue()
    write_stack(tmp_path, array, ImageType=lambda k: [*TYPES, "XYZ"] if k > 11 else TYPES)
    ct = read_ct(tmp_path)
    assert np.array_equal(ct.volume.array, array[:, :, :12])
    assert "2 x slice of another image type left out" in ct.acquisition.series_description


def test_a_slice_that_is_rescaled_otherwise_than_all_others_is_named(tmp_path):
    files = write_stack(tmp_path, tissue())
    alter(files[6], lambda data: setattr(data, "RescaleSlope", "7"))
    assert f"{files[6].name} has another RescaleSlope" in refusal(tmp_path)


# --- strays and links ----------------------------------------------------------------------------------------------


@posix
def test_strays_are_left_out(tmp_path):
    array = tissue()
    write_stack(tmp_path, array)
    (tmp_path / "dangling.dcm").symlink_to(tmp_path / "nowhere")
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "zeros.dcm").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.dcm")
    (tmp_path / "noise.dcm").write_bytes(bytes(128) + b"DICM" + np.random.default_rng(0).bytes(3000))
    mr = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR", "SeriesInstanceUID": "1.2.3.9"}
    damaged = write_slice(tmp_path / "mr.dcm", array[:, :, 0].T, (0, 0, 0), **mr)
    damaged.write_bytes(damaged.read_bytes()[:700])
    description = check_whole(tmp_path, array)
    assert "2 x file that cannot be opened left out" in description and "1 x damaged file left out" in description


@posix
def test_a_slice_that_cannot_be_opened_is_not_called_missing_alone(tmp_path):
    files = write_stack(tmp_path, tissue())
    files[6].unlink()
    files[6].symlink_to(tmp_path / "nowhere")
    assert f"{files[6].name}: file that cannot be opened" in refusal(tmp_path)


def test_a_damaged_slice_of_the_ct_is_named_and_one_of_another_series_is_not(tmp_path):
    array = tissue()
    files = write_stack(tmp_path, array)
    others = write_stack(tmp_path / "other", tissue(seed=1), SeriesInstanceUID="1.2.3.9", SeriesNumber=9)
    for file in others:
        put_raw(file, "PixelSpacing", b"DS", b"abc\\2 ")
    check_whole(tmp_path, array)
    assert "PixelSpacing" in refusal(tmp_path, series_uid="1.2.3.9")
    put_raw(files[-1], "Rows", b"QQ", b"\x18\0")
    assert f"{files[-1].name} is a CT slice whose Rows cannot be understood" in refusal(tmp_path)


@posix
def test_links_to_folders_are_followed_once(tmp_path):
    array = tissue()
    write_stack(tmp_path / "elsewhere", array)
    folder = tmp_path / "study" / "in"
    folder.mkdir(parents=True)
    (folder / "series").symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    (folder / "up").symlink_to("/")
    check_whole(tmp_path / "study", array)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    check_whole(tmp_path / "link", array)


@pytest.mark.parametrize("compress", [None, RLELossless])
def test_names_that_are_not_utf_8_are_read(tmp_path, compress):
    array = tissue()
    folder = Path(os.fsdecode(os.fsencode(tmp_path / "k") + b"\xf6nig"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has no such names")
    for file in write_stack(tmp_path / "in", array, compress=compress):
        file.rename(Path(os.fsdecode(os.fsencode(folder / file.stem) + b"\xff.dcm")))
    check_whole(folder, array)
    next(folder.iterdir()).unlink()
    assert "k\\xf6nig" in refusal(folder)


# --- how files are written -----------------------------------------------------------------------------------------


def without_preamble(path: Path) -> None:
    path.write_bytes(path.read_bytes()[132:])


def without_meta_information(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[content.index(struct.pack("<HH", 8, 8), 132) :])


@pytest.mark.parametrize("change", [without_preamble, without_meta_information])
def test_files_without_what_comes_first_are_read(tmp_path, change):
    array = tissue()
    for file in write_stack(tmp_path, array):
        change(file)
    check_whole(tmp_path, array)


def rewritten(path: Path, syntax: str) -> None:
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = syntax
    big = syntax == ExplicitVRBigEndian
    if big:
        data.PixelData = np.frombuffer(data.PixelData, "<i2").astype(">i2").tobytes()
    plain = pydicom.Dataset({element.tag: element for element in data})
    plain.file_meta = data.file_meta
    implicit = syntax == ImplicitVRLittleEndian
    pydicom.dcmwrite(path, plain, implicit_vr=implicit, little_endian=not big, enforce_file_format=True)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_every_transfer_syntax_without_compressed_pixels_is_read(tmp_path, syntax):
    array = tissue()
    array[:3] = -3000
    for file in write_stack(tmp_path, array, PixelPaddingValue=-3000 + 1024):
        rewritten(file, syntax)
        assert pydicom.dcmread(file).file_meta.TransferSyntaxUID == syntax
    check_whole(tmp_path, np.maximum(array, -1024))


def test_fill_after_the_pixels_is_passed_over(tmp_path):
    array = tissue()
    for file in write_stack(tmp_path, array):
        alter(file, lambda data: setattr(data, "PixelData", data.PixelData + bytes(128)))
        file.write_bytes(file.read_bytes() + bytes(300))
    check_whole(tmp_path, array)


# --- numbers as people write them ----------------------------------------------------------------------------------


def test_decimal_commas_are_read(tmp_path):
    array = tissue() // 2 * 2
    for file in write_stack(tmp_path, array, slope=0.5):
        put_raw(file, "RescaleSlope", b"DS", b"0,5 ")
        put_raw(file, "RescaleIntercept", b"DS", b"-1024,00")
        put_raw(file, "PixelSpacing", b"DS", b"2,000\\02,0")
    files = sorted(tmp_path.iterdir())
    assert "PixelSpacing" in refusal(tmp_path)  # 2,000 may be two thousand
    for file in files:
        put_raw(file, "PixelSpacing", b"DS", b"2,0\\2,00")
    check_whole(tmp_path, array)


@pytest.mark.parametrize("value", [b"-1,024", b"0x10", b"abc ", b"1\\2 ", b"nan ", b"1e99"])
def test_a_rescaling_that_is_no_number_is_named(tmp_path, value):
    for file in write_stack(tmp_path, tissue()):
        put_raw(file, "RescaleIntercept", b"DS", value)
    assert "RescaleIntercept" in refusal(tmp_path)


def test_the_same_value_twice_is_one(tmp_path):
    array = tissue()
    for file in write_stack(tmp_path, array):
        put_raw(file, "RescaleType", b"CS", b"HU\\HU ")
        put_raw(file, "NumberOfFrames", b"IS", b"1\\1 ")
    check_whole(tmp_path, array)


# --- bits ----------------------------------------------------------------------------------------------------------


def bits(path: Path, shift: int, above: bool, signed: bool) -> None:
    """Stores 12 of 16 bits, with something else in the bits that do not belong to the value."""

    def change(data):
        values = np.frombuffer(data.PixelData, "<i2").astype(np.int32)
        data.RescaleIntercept = "-1024"
        if signed:
            values, data.RescaleIntercept = values - 1024, "0"
        noise = np.random.default_rng(0).integers(0, 16, values.shape) << 12 if above else 0
        data.PixelData = (((values & 0xFFF) << shift) | noise).astype("<u2").tobytes()
        data.BitsStored, data.HighBit, data.PixelRepresentation = 12, 15 if shift else 11, int(signed)

    alter(path, change)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("shift", "above"), [(0, False), (0, True), (4, False)])
def test_twelve_of_sixteen_bits_are_read_wherever_they_are(tmp_path, signed, shift, above):
    array = tissue()
    for file in write_stack(tmp_path, array):
        bits(file, shift, above, signed)
    check_whole(tmp_path, array)


def test_a_high_bit_that_only_the_header_has_is_ignored(tmp_path):
    array = tissue()
    for file in write_stack(tmp_path, array, PixelRepresentation=0):
        alter(file, lambda data: (setattr(data, "BitsStored", 12), setattr(data, "HighBit", 15)))
    check_whole(tmp_path, array)


def test_bits_that_contradict_the_header_are_named(tmp_path):
    for file in write_stack(tmp_path, tissue(), BitsStored=12, HighBit=15, PixelRepresentation=0):
        alter(file, lambda data: setattr(data, "PixelData", np.full(480, 0x1FFF, "<u2").tobytes()))
    assert "12 bits" in refusal(tmp_path)


# --- who the patient is, to keep it out ------------------------------------------------------------------------------


@posix
def test_the_patients_identity_is_found_wherever_the_ct_is(tmp_path):
    for file in write_stack(tmp_path / "elsewhere", tissue()):
        without_preamble(file)
    folder = tmp_path / "study"
    folder.mkdir()
    os.mkfifo(folder / "a.dcm")
    (folder / "b.dcm").write_bytes(bytes(128) + b"DICM" + np.random.default_rng(0).bytes(3000))
    (folder / "c").symlink_to(tmp_path / "elsewhere")
    assert subject_in(folder)["PatientName"] == "Mustermann^Erika"
