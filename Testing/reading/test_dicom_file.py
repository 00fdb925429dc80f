"""One file's elements: what the same bytes mean depends on what else the file says, however many alike came before."""

# ruff: noqa: E402  pydicom is optional, and what needs it is imported after the check
from __future__ import annotations

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from pydicom.uid import ImplicitVRLittleEndian

from dicom_files import alter, put_raw, write_slice
from OpportunisticBMDLib.reading.series.dicom_file import DicomFile, read_elements

PLANE = np.zeros((8, 8))
KEYWORDS = ("SpecificCharacterSet", "SeriesDescription", "PixelRepresentation", "PixelPaddingValue", "KVP")


def elements(path, *keywords: str) -> DicomFile:
    file = read_elements(path, keywords or KEYWORDS)
    assert file is not None
    return file


def test_the_same_bytes_are_read_in_each_files_own_characters(tmp_path):
    texts = []
    for characters in ("ISO_IR 100", "ISO_IR 144", "ISO_IR 100"):  # Latin and Cyrillic
        path = write_slice(tmp_path / str(len(texts)), PLANE, (0, 0, 0), SpecificCharacterSet=characters)
        put_raw(path, "SeriesDescription", b"LO", "ЖИВОТ ".encode("iso8859_5"))
        texts.append(elements(path).data["SeriesDescription"])
    assert texts == ["¶¸²¾Â", "ЖИВОТ", "¶¸²¾Â"]


def test_the_same_bytes_are_signed_where_the_pixels_are(tmp_path):
    values = []
    for signed in (1, 0, 1):
        stated = {"PixelRepresentation": signed, "PixelPaddingValue": -2000 if signed else 63536}
        path = write_slice(tmp_path / str(len(values)), PLANE, (0, 0, 0), **stated)
        alter(path, lambda data: setattr(data.file_meta, "TransferSyntaxUID", ImplicitVRLittleEndian))
        values.append(elements(path).data["PixelPaddingValue"])
    assert values == [-2000, 63536, -2000]


def test_what_one_file_breaks_is_whole_in_the_next(tmp_path):
    broken, whole = (write_slice(tmp_path / name, PLANE, (0, 0, 0)) for name in ("broken", "whole"))
    put_raw(broken, "KVP", b"DS", b"1,234 ")
    assert elements(broken).broken == ("KVP",) and "KVP" not in elements(broken).data
    assert elements(whole).broken == () and elements(whole).data["KVP"] == 120


def test_only_what_is_asked_for_is_told(tmp_path):
    path = write_slice(tmp_path / "slice", PLANE, (0, 0, 0))
    assert set(elements(path, "Modality", "KVP", "GantryDetectorTilt").data) == {"Modality", "KVP"}
