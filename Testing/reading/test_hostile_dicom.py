"""Damaged and malicious DICOM: one true sentence, no crash, nothing read, unpacked or waited for without a limit."""

# ruff: noqa: E402  pydicom is optional, and what needs it is imported after the check
from __future__ import annotations

import shutil
import struct
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pydicom = pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless

from dicom_files import alter, put_raw, write_stack
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.reading.series import compressed_pixels

SIZE = (20, 24, 14)
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")


def tissue(seed=0) -> np.ndarray:
    random = np.random.default_rng(seed)
    array = random.choice([-1000, -100, 50, 180, 900], SIZE, p=[0.2, 0.3, 0.3, 0.15, 0.05])
    return (array + random.integers(-20, 20, SIZE)).astype(np.int16)


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_ct(path)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and message.isprintable()
    return message


# --- headers -------------------------------------------------------------------------------------------------------


def insert(path: Path, content: bytes) -> None:
    """Before (0008,0070)."""
    old = path.read_bytes()
    at = old.index(struct.pack("<HH", 8, 0x70), 300)
    path.write_bytes(old[:at] + content + old[at:])


def nested(depth: int) -> bytes:
    heads, length = [], 0
    for _ in range(depth):
        head = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, length + 8) + struct.pack("<HHI", 0xFFFE, 0xE000, length)
        heads.append(head)
        length += 20
    return b"".join(reversed(heads))


def nested_without_lengths(depth: int) -> bytes:
    head = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return head * depth + struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0) * depth


@pytest.mark.parametrize("sequences", [nested, nested_without_lengths])
def test_sequences_nested_too_deep_are_named(tmp_path, sequences):
    array = tissue()
    files = write_stack(tmp_path, array)
    for file in files:
        insert(file, sequences(10))
    assert np.array_equal(read_ct(tmp_path).volume.array, array)
    insert(files[0], sequences(10_000))
    assert files[0].name in refusal(tmp_path)


@pytest.mark.parametrize("length", [2**23, 0xFFFFFFF0])
def test_lengths_are_not_believed(tmp_path, length):
    files = write_stack(tmp_path, tissue())
    insert(files[6], struct.pack("<HH2sHI", 8, 0x70, b"UT", 0, length))
    with files[6].open("r+b") as file:
        file.truncate(2**33)  # a hole that takes no place on the disk
    assert files[6].name in refusal(tmp_path)


def test_deflated_files_are_inflated_up_to_a_limit(tmp_path):
    files = write_stack(tmp_path, tissue())
    alter(files[6], lambda data: setattr(data.file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian))
    content = files[6].read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    packing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packing.compress(zlib.decompress(content[start:], -zlib.MAX_WBITS))
    for _ in range(20):
        bomb += packing.compress(bytes(2**22))
    files[6].write_bytes(content[:start] + bomb + packing.flush())
    assert files[6].name in refusal(tmp_path)


def test_a_deflated_file_that_is_damaged_is_named(tmp_path):
    files = write_stack(tmp_path, tissue())
    alter(files[6], lambda data: setattr(data.file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian))
    files[6].write_bytes(files[6].read_bytes()[:-40])
    assert files[6].name in refusal(tmp_path)


BROKEN = [
    ("NumberOfFrames", b"IS", b"1\\2 ", "NumberOfFrames"),
    ("NumberOfFrames", b"IS", b"many", "NumberOfFrames"),
    ("NumberOfFrames", b"OB", b"\0\0", "NumberOfFrames"),
    ("RescaleType", b"CS", b"HU\\ED ", "ED instead of HU"),
    ("RescaleType", b"QQ", b"HU", "RescaleType"),
    ("RescaleSlope", b"DS", b"0 ", "RescaleSlope of 0"),
    ("Rows", b"LO", b"many", "Rows"),
    ("Rows", b"US", b"\0\0", "0 Rows"),
    ("Rows", b"US", b"\xff\xff", "65535 Rows"),
    ("Rows", b"US", b"\x18", "Rows"),
    ("Columns", b"US", b"\x15\0", "960 bytes instead of 1008"),
    ("BitsAllocated", b"US", b"\x0c\0", "16 bits in 12"),
    ("BitsStored", b"US", b"\x20\0", "32 bits in 16"),
    ("SamplesPerPixel", b"US", b"\1\0\3\0", "SamplesPerPixel"),
    ("PhotometricInterpretation", b"CS", b"PALETTE COLOR ", "colours"),
    ("PixelSpacing", b"DS", b"nan\\2 ", "spacing"),
    ("PixelSpacing", b"DS", b"inf\\2 ", "spacing"),
    ("PixelSpacing", b"DS", b"0\\2 ", "spacing"),
    ("PixelSpacing", b"DS", b"-2\\2", "spacing"),
    ("PixelSpacing", b"DS", b"1e6\\1e6 ", "spacing"),
    ("PixelSpacing", b"DS", b"2 ", "geometry"),
    ("PixelSpacing", b"DS", b"\xe9\xff", "PixelSpacing"),
    ("ImagePositionPatient", b"DS", b"1e30\\1e30\\1e30", "position"),
    ("ImagePositionPatient", b"DS", b"nan\\0\\0 ", "position"),
    ("ImagePositionPatient", b"DS", b"0\\0 ", "geometry"),
    ("ImageOrientationPatient", b"DS", b"nan\\0\\0\\0\\1\\0", "geometry"),
    ("ImageOrientationPatient", b"DS", b"0\\0\\0\\0\\0\\0 ", "geometry"),
]


@pytest.mark.parametrize(("keyword", "vr", "value", "reason"), BROKEN)
def test_a_slice_with_an_element_that_cannot_be_is_named_with_it(tmp_path, keyword, vr, value, reason):
    files = write_stack(tmp_path, tissue())
    for file in (files[3], files[9]) if keyword != "Columns" else files:
        put_raw(file, keyword, vr, value)
    message = refusal(tmp_path)
    assert reason in message and any(file.name in message for file in files)


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("KVP", b"QQ", b"120 "),
        ("SliceThickness", b"DS", b"abc "),
        ("AcquisitionNumber", b"IS", b"1.5 "),
        ("SeriesNumber", b"OB", b"\0\xff"),
        ("SeriesDescription", b"LO", b"\xff\xfe\x1b[31m"[:6]),
        ("SpecificCharacterSet", b"CS", b"NONSENSE"),
    ],
)
def test_a_broken_element_that_decides_nothing_is_left_alone(tmp_path, keyword, vr, value):
    array = tissue()
    for file in write_stack(tmp_path, array):
        put_raw(file, keyword, vr, value)
    ct = read_ct(tmp_path)
    assert np.array_equal(ct.volume.array, array)
    assert ct.acquisition.series_description.isprintable()


# --- places --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ("-13000000\\-40\\118", "position that cannot be"),
        ("-3000\\-40\\118", "2970 mm beside"),
        ("-33\\-40\\118", "3 mm beside"),
        ("-30\\-40\\1180", "position of"),
        ("-30\\-40\\128.5", "position of"),
    ],
)
def test_a_slice_with_a_wrong_digit_in_its_position_is_named(tmp_path, position, reason):
    file = write_stack(tmp_path, tissue())[6]
    alter(file, lambda data: setattr(data, "ImagePositionPatient", position.split("\\")))
    message = refusal(tmp_path)
    assert file.name in message and reason in message


def test_slices_that_wander_farther_than_a_gantry_tilts_are_refused(tmp_path):
    write_stack(tmp_path, tissue(), shear=(20.0, 0.0, 0.0))
    assert "beside" in refusal(tmp_path)


def test_slices_farther_apart_than_any_scan_has_them_are_refused(tmp_path):
    write_stack(tmp_path, tissue(), heights=np.arange(SIZE[2]) * 400.0)
    assert "400 mm" in refusal(tmp_path)


def test_many_files_are_not_searched_without_end(tmp_path, monkeypatch):
    from OpportunisticBMDLib.reading.series import dicom_folder

    write_stack(tmp_path, tissue())
    monkeypatch.setattr(dicom_folder, "MOST_FILES", 10)
    assert "more than 10 files" in refusal(tmp_path)


# --- pixels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [lambda c: c[:-2], lambda c: c[:-400] + c[-398:], lambda c: c[:-400] + b"ab" + c[-400:]]
)
def test_pixels_that_lost_or_won_bytes_are_named(tmp_path, change):
    file = write_stack(tmp_path, tissue())[6]
    file.write_bytes(change(file.read_bytes()))
    assert file.name in refusal(tmp_path)


@pytest.mark.parametrize("stored", [ExplicitVRLittleEndian, RLELossless])
def test_pixels_that_are_not_stored_as_the_header_says_are_named(tmp_path, stored):
    said = RLELossless if stored == ExplicitVRLittleEndian else ExplicitVRLittleEndian
    file = write_stack(tmp_path, tissue(), compress=stored if stored == RLELossless else None)[6]
    file.write_bytes(file.read_bytes().replace(stored.encode() + b"\0", said.encode() + b"\0"))
    assert file.name in refusal(tmp_path)


def compressed(folder: Path, array: np.ndarray, compressor: str) -> list[Path]:
    files = write_stack(folder, array)
    for file in files:
        writer = sitk.ImageFileWriter()
        writer.SetFileName(str(folder / "compressed"))
        writer.SetImageIO("GDCMImageIO")
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
        writer.Execute(sitk.GetImageFromArray(pydicom.dcmread(file).pixel_array[None]))
        other = pydicom.dcmread(folder / "compressed")

        def put(data, other=other):
            data.file_meta.TransferSyntaxUID = other.file_meta.TransferSyntaxUID
            data["PixelData"] = other["PixelData"]

        alter(file, put)
    (folder / "compressed").unlink()
    return files


@pytest.mark.parametrize("compressor", ["JPEG2000", "JPEG"])
def test_compressed_pixels_that_are_noise_are_named(tmp_path, compressor):
    files = compressed(tmp_path, tissue(), compressor)

    def noise(data):
        data.PixelData = pydicom.encaps.encapsulate([data.PixelData[16:40] + np.random.default_rng(0).bytes(500)])
        data["PixelData"].is_undefined_length = True

    alter(files[6], noise)
    assert files[6].name in refusal(tmp_path)


def test_compressed_pixels_of_another_size_than_the_header_says_are_named(tmp_path):
    for file in compressed(tmp_path, tissue(), "JPEG2000"):
        alter(file, lambda data: setattr(data, "Rows", 48))
    assert "pixels that cannot be read" in refusal(tmp_path)


def test_pixels_that_would_grow_without_measure_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(compressed_pixels, "_SMALL_BYTES", 2**10)
    files = write_stack(tmp_path, np.zeros(SIZE), compress=RLELossless, Rows=24)
    for file in files:
        alter(file, lambda data: (setattr(data, "Rows", 4096), setattr(data, "Columns", 4096)))
    assert "grow" in refusal(tmp_path)


@posix
@pytest.mark.parametrize("end", ["kill -SEGV $$", "sleep 50", "exit 1", "echo hello"])
def test_a_decoder_that_crashes_or_hangs_costs_one_sentence(tmp_path, monkeypatch, end):
    write_stack(tmp_path / "ct", tissue(), compress=RLELossless)
    decoder = tmp_path / "decoder"
    decoder.write_text(f"#!/bin/sh\n{end}\n")
    decoder.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(compressed_pixels.tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(compressed_pixels.sys, "executable", str(decoder))
    monkeypatch.setattr(compressed_pixels, "_START_S", 0.5)
    assert "slice003.dcm has pixels that cannot be read" in refusal(tmp_path / "ct")
    assert list(scratch.iterdir()) == []


def test_decoders_see_nothing_of_the_header_that_came(tmp_path, monkeypatch):
    seen = []
    write = compressed_pixels._write_minimal

    def spied(path, *args):
        write(path, *args)
        seen.append(path.read_bytes())

    monkeypatch.setattr(compressed_pixels, "_write_minimal", spied)
    array = tissue()
    write_stack(tmp_path, array, compress=RLELossless)
    assert np.array_equal(read_ct(tmp_path).volume.array, array)
    assert len(seen) == SIZE[2]
    assert not any(secret in content for content in seen for secret in (b"Mustermann", b"4711", b"1.2.3.4", b"ACME"))


# --- anything ------------------------------------------------------------------------------------------------------


def mutated(content: bytes, random: np.random.Generator) -> bytes:
    """A few bytes replaced, lost or added, most often in the header."""
    at = int(random.integers(128, len(content) if random.random() < 0.2 else 1000))
    some = random.bytes(int(random.integers(1, 20)))
    kept = at + (len(some) if random.random() < 0.6 else int(random.integers(0, 20)))
    return content[:at] + some + content[kept:]


@pytest.mark.parametrize("syntax", ["plain", "deflated"])
def test_mutated_files_end_in_the_right_place_or_in_one_sentence(tmp_path, syntax):
    array, random, ends = tissue(), np.random.default_rng(7), Counter()
    files = write_stack(tmp_path / "ct", array)
    if syntax == "deflated":
        for file in files:
            alter(file, lambda data: setattr(data.file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian))
    grid = read_ct(tmp_path / "ct").volume.grid
    for _ in range(30):
        file = files[random.integers(len(files))]
        shutil.copy(file, tmp_path / "kept")
        file.write_bytes(mutated(file.read_bytes(), random))
        try:
            volume = read_ct(tmp_path / "ct").volume
        except BadInput as error:
            assert "\n" not in str(error)
            ends["refused"] += 1
        else:
            # A slice at the end may be left out, and nothing tells that a pixel was changed.
            assert volume.grid.size[:2] == SIZE[:2] and volume.grid.size[2] >= SIZE[2] - 1
            assert np.allclose(volume.grid.affine[:3, :3], grid.affine[:3, :3], atol=1e-2)
            ends["read"] += 1
        shutil.copy(tmp_path / "kept", file)
    assert ends["refused"] > 5 and ends["read"] > 2
