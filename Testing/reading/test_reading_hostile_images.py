"""Damaged and malicious image files: one true sentence, no more memory than the header's voxels, nothing waited for."""

from __future__ import annotations

import bz2
import gzip
import struct
import tracemalloc
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from image_files import (
    BITPIX,
    DATATYPE,
    DIM,
    PIXDIM,
    QFORM_CODE,
    QOFFSET,
    QUATERN,
    SFORM_CODE,
    SLOPE,
    SROW,
    VOX_OFFSET,
    body,
    metaimage_file,
    nifti_file,
    nrrd_file,
    patched,
    raw,
)
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading import read_ct

INF, NAN = float("inf"), float("nan")
ZEROS = bytes(2**20)
MEGABYTES = 96  # that a bomb unpacks to
MOST_BYTES = 16 * 2**20  # that may be held of it


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_ct(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message and message.endswith(".") and len(message) < 400
    return message


def frugal_refusal(path: Path) -> str:
    tracemalloc.start()
    try:
        message = refusal(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    return message


# --- sizes and dimensions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", ["100", "-1", "0", "1", "11", "2147483648", "3.5", "1e400", "nan", "three", ""])
def test_a_metaimage_of_a_strange_number_of_axes(tmp_path, axes):
    assert "axes" in (message := refusal(metaimage_file(tmp_path / "ct.mha", NDims=axes))) or "NDims" in message


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ("0 20 16", "0 x 20 x 16"),
        ("-24 20 16", "-24 x 20 x 16"),
        ("24 20", "not 3 numbers"),
        ("24 20 16 2", "not 3 numbers"),
        ("24 20 x", "not 3 numbers"),
        ("99999999 99999999 99999999", "no CT of a trunk"),
        ("1e30 20 16", "DimSize"),
        ("24.5 20 16", "DimSize"),
        ("24 20 17", "fewer"),
        ("24 20 15", "more"),
    ],
)
def test_sizes_of_a_metaimage(tmp_path, size, reason):
    assert reason in refusal(metaimage_file(tmp_path / "ct.mha", DimSize=size))


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ("0 20 16", "0 x 20 x 16"),
        ("-24 20 16", "-24 x 20 x 16"),
        ("24 20", "disagree"),
        ("24 20 x", "24 20 x"),
        ("99999999 99999999 99999999", "no CT of a trunk"),
        ("1e300 20 16", "voxels"),
        ("24 20 17", "fewer"),
        ("24 20 15", "more"),
    ],
)
def test_sizes_of_a_nrrd(tmp_path, sizes, reason):
    assert reason in refusal(nrrd_file(tmp_path / "ct.nrrd", sizes=sizes))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("dim", "reason"),
    [
        ((3, 0, 20, 16), "0 x 20 x 16"),
        ((3, -24, 20, 16), "-24 x 20 x 16"),
        ((3, 32767, 32767, 32767), "no CT of a trunk"),
        ((3, 24, 20, 17), "fewer"),
        ((3, 24, 20, 15), "more"),
        ((0, 24, 20, 16), "0 axes"),
        ((9, 24, 20, 16), "9 axes"),
        ((-3, 24, 20, 16), "-3 axes"),
        ((2, 24, 20), "2D"),
    ],
)
def test_sizes_of_a_nifti(tmp_path, suffix, dim, reason):
    assert reason in refusal(patched(nifti_file(tmp_path / f"ct{suffix}"), DIM, f"<{len(dim)}h", *dim))


@pytest.mark.parametrize("code", [0, 1, 32, 128, 1536, 2304, -4, 9999])
def test_kinds_of_number_that_no_ct_has(tmp_path, code):
    assert "ct.nii" in refusal(patched(nifti_file(tmp_path / "ct.nii"), DATATYPE, "<h", code))
    assert "kind of number" in refusal(patched(nifti_file(tmp_path / "ct.nii"), BITPIX, "<h", 8))
    for kind in ("block", "void", ""):
        assert "type" in refusal(nrrd_file(tmp_path / "ct.nrrd", type=kind))
    for kind in ("MET_STRING", "MET_NONE", "MET_SHORT_ARRAY"):
        assert "type" in refusal(metaimage_file(tmp_path / "ct.mha", ElementType=kind))


# --- places ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [INF, -INF, NAN, 1e30])
@pytest.mark.parametrize("number", range(12))
def test_an_sform_of_numbers_that_are_none(tmp_path, bad, number):
    """ITK never comes back from some of these."""
    path = patched(nifti_file(tmp_path / "ct.nii"), QFORM_CODE, "<hh", 0, 1)
    assert "ct.nii" in refusal(patched(path, SROW + 4 * number, "<f", bad))


@pytest.mark.parametrize("bad", [INF, -INF, NAN, 1e30])
@pytest.mark.parametrize("offset", [*range(QUATERN, QUATERN + 12, 4), *range(QOFFSET, QOFFSET + 12, 4)])
def test_a_qform_of_numbers_that_are_none(tmp_path, bad, offset):
    path = patched(nifti_file(tmp_path / "ct.nii"), SFORM_CODE, "<h", 0)
    assert "ct.nii" in refusal(patched(path, offset, "<f", bad))


@pytest.mark.parametrize("bad", [0.0, -2.0, INF, NAN, 1e6, 1e30, 0.0007, 1e-30])
@pytest.mark.parametrize("code", [QFORM_CODE, SFORM_CODE], ids=["sform", "qform"])
def test_spacings_that_no_ct_has(tmp_path, bad, code):
    path = patched(nifti_file(tmp_path / "ct.nii"), code, "<h", 0)
    assert " mm, which no CT has" in refusal(patched(path, PIXDIM + 4, "<f", bad))
    number = f"{bad:g}"
    if bad >= 0 or bad == -INF or np.isnan(bad):  # a step back is a place that can be stated
        assert "mm" in refusal(nrrd_file(tmp_path / "ct.nrrd", space_directions=f"(2,0,0) (0,{number},0) (0,0,3)"))
    message = refusal(metaimage_file(tmp_path / "ct.mha", ElementSpacing=f"2 {number} 3"))
    assert "which no CT has" in message or "ElementSpacing" in message


def test_spacing_in_metres(tmp_path):
    directions = "(0.0007,0,0) (0,0.0007,0) (0,0,0.001)"
    assert "another unit" in refusal(nrrd_file(tmp_path / "ct.nrrd", space_directions=directions))
    assert "another unit" in refusal(metaimage_file(tmp_path / "ct.mha", ElementSpacing="0.0007 0.0007 0.001"))


@pytest.mark.parametrize("bad", ["1e30", "-1e30", "1e300", "inf", "nan", "50000"])
def test_origins_where_no_scanner_is(tmp_path, bad):
    assert "ct.nrrd" in refusal(nrrd_file(tmp_path / "ct.nrrd", space_origin=f"(0,{bad},0)"))
    assert "ct.mha" in refusal(metaimage_file(tmp_path / "ct.mha", Offset=f"0 {bad} 0"))
    nifti_file(tmp_path / "ct.nii")
    with np.errstate(over="ignore"):
        value = float(np.float32(float(bad)))
    for offset in (QOFFSET + 4, SROW + 28):
        patched(tmp_path / "ct.nii", offset, "<f", value)
    assert "ct.nii" in refusal(tmp_path / "ct.nii")


def test_an_extent_that_no_scanner_has(tmp_path):
    path = nrrd_file(
        tmp_path / "ct.nrrd", sizes="7680 1 1", space_directions="(2,0,0) (0,25,0) (0,0,25)", data=bytes(2 * 7680)
    )
    assert "covers 15360 mm" in refusal(path)


@pytest.mark.parametrize("matrix", ["0 0 0 0 1 0 0 0 1", "1 0 0 1 0 0 0 0 1", "1 0 0 0 1 0 0 0", "1 0 0 0 inf 0 0 0 1"])
def test_axes_that_span_no_space(tmp_path, matrix):
    assert "ct.mha" in refusal(metaimage_file(tmp_path / "ct.mha", TransformMatrix=matrix))


# --- text where a number belongs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "abc", "1e", "0x10", "--1", "1,5", "2_5", "\x1b[31m", "9" * 4000])
@pytest.mark.parametrize("field", ["NDims", "DimSize", "ElementSpacing", "Offset", "TransformMatrix", "HeaderSize"])
def test_text_in_a_metaimage(tmp_path, field, text):
    message = refusal(metaimage_file(tmp_path / "ct.mha", **{field: text}))
    assert field in message and "\x1b" not in message


@pytest.mark.parametrize("text", ["", "abc", "1e", "(1,2", "none none none", "\x1b[31m", "9" * 4000])
@pytest.mark.parametrize(
    "field", ["dimension", "sizes", "space_directions", "space_origin", "byte_skip", "line_skip", "type", "encoding"]
)
def test_text_in_a_nrrd(tmp_path, field, text):
    assert "\x1b" not in refusal(nrrd_file(tmp_path / "ct.nrrd", **{field: text}))


@pytest.mark.parametrize("line", ["no field at all\n", "sizes: 24 20 16\n", 'space units: "mm\n'])
def test_lines_that_are_no_fields(tmp_path, line):
    assert "header says" in refusal(nrrd_file(tmp_path / "ct.nrrd", after=line))


def test_two_values_of_one_field(tmp_path):
    path = metaimage_file(tmp_path / "ct.mha")
    path.write_bytes(b"ElementSpacing = 1 1 1\n" + path.read_bytes())
    assert "twice" in refusal(path)


def test_a_header_without_an_end(tmp_path):
    (tmp_path / "ct.nrrd").write_bytes(b"NRRD0004\n" + b"# long\n" * 1_000_000)
    assert "damaged" in refusal(tmp_path / "ct.nrrd")
    (tmp_path / "ct.mha").write_bytes(b"NDims = 3\n" + b"Comment = long\n" * 200_000)
    assert "damaged" in refusal(tmp_path / "ct.mha")


@pytest.mark.parametrize("bad", [INF, -INF, NAN, -1.0, 0.0, 347.0, 352.5, 3e9, 1e30])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_that_begin_nowhere(tmp_path, suffix, bad):
    assert "begin" in refusal(patched(nifti_file(tmp_path / f"ct{suffix}"), VOX_OFFSET, "<f", bad))


@pytest.mark.parametrize("scaling", [(INF, 0), (1, INF), (-INF, 1), (0, 500)])
def test_values_that_are_scaled_beyond_numbers(tmp_path, scaling):
    assert "scales its values" in refusal(patched(nifti_file(tmp_path / "ct.nii"), SLOPE, "<ff", *scaling))


def test_a_nifti_2_is_judged_alike(tmp_path):
    nib.save(nib.Nifti2Image(body(), np.diag([-2.0, -2, 3, 1])), tmp_path / "ct.nii")
    content = bytearray((tmp_path / "ct.nii").read_bytes())
    struct.pack_into("<q", content, 168, 2**62)
    (tmp_path / "ct.nii").write_bytes(content)
    assert "begin" in refusal(tmp_path / "ct.nii")


# --- what is packed ----------------------------------------------------------------------------------------------


def bomb(start: bytes, pack) -> bytes:
    """Something followed by `MEGABYTES` of zeros, packed."""
    if pack is zlib:
        packing = zlib.compressobj(1)
        return b"".join(
            [packing.compress(start), *(packing.compress(ZEROS) for _ in range(MEGABYTES)), packing.flush()]
        )
    return pack(start + ZEROS * MEGABYTES)


def test_voxels_far_behind_a_niftis_header(tmp_path):
    content = bytearray(nifti_file(tmp_path / "b.nii").read_bytes())
    struct.pack_into("<f", content, VOX_OFFSET, 9e7)
    (tmp_path / "ct.nii.gz").write_bytes(bomb(bytes(content), lambda data: gzip.compress(data, 1)))
    assert "begin" in frugal_refusal(tmp_path / "ct.nii.gz")


def test_unpacking_stops_where_the_headers_voxels_end(tmp_path):
    content = nifti_file(tmp_path / "b.nii").read_bytes()
    small = gzip.compress(raw(), 1)
    packed = bomb(raw(), lambda data: gzip.compress(data, 1))
    (tmp_path / "ct.nii.gz").write_bytes(bomb(content, lambda data: gzip.compress(data, 1)))
    for path in (
        tmp_path / "ct.nii.gz",
        nrrd_file(tmp_path / "a.nrrd", packed, encoding="gzip"),
        nrrd_file(tmp_path / "b.nrrd", bomb(raw(), bz2.compress), encoding="bzip2"),
        nrrd_file(tmp_path / "c.nrrd", small + small, encoding="gzip"),
        metaimage_file(tmp_path / "a.mha", bomb(raw(), zlib), CompressedData="True"),
        metaimage_file(tmp_path / "b.mha", packed, CompressedData="True"),
    ):
        assert "more than the 24 x 20 x 16 voxels" in frugal_refusal(path)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
def test_promises_that_a_file_cannot_keep_cost_nothing(tmp_path, encoding):
    pack = {"gzip": gzip.compress, "bzip2": bz2.compress}.get(encoding, bytes)
    sizes = {"sizes": "1024 1024 1000", "space_directions": "(1.5,0,0) (0,1.5,0) (0,0,1.5)"}
    message = frugal_refusal(nrrd_file(tmp_path / "ct.nrrd", pack(raw()), encoding=encoding, **sizes))
    assert "fewer" in message or "would grow" in message or "16 bit integers" in message


def test_a_file_that_would_grow_beyond_all_measure_is_not_opened(tmp_path):
    packed = gzip.compress(ZEROS * 4)
    path = nrrd_file(
        tmp_path / "ct.nrrd", packed * 520, encoding="gzip", sizes="1024 1024 1024",
        space_directions="(1.5,0,0) (0,1.5,0) (0,0,1.5)",
    )  # fmt: skip
    assert "would grow" in frugal_refusal(path)


def test_a_text_of_voxels_is_bounded(tmp_path):
    words = " ".join(map(str, body().ravel("F"))).encode()
    assert "more" in refusal(nrrd_file(tmp_path / "ct.nrrd", words + b" 1", encoding="ascii"))
    assert "more" in refusal(nrrd_file(tmp_path / "ct.nrrd", words + b" " * 10**6, encoding="ascii"))
    assert "fewer" in refusal(nrrd_file(tmp_path / "ct.nrrd", words[:-5], encoding="ascii"))
    assert "text" in refusal(nrrd_file(tmp_path / "ct.nrrd", words.replace(b"9", b"x"), encoding="ascii"))


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("pack", ["nii.gz", "gzip", "bzip2", "zlib"])
def test_a_flipped_byte_in_what_is_packed_is_found(tmp_path, pack, place):
    if pack == "nii.gz":
        path = nifti_file(tmp_path / "ct.nii.gz")
        head = 20
    elif pack == "zlib":
        data = zlib.compress(raw())
        path = metaimage_file(tmp_path / "ct.mha", data, CompressedData="True")
        head = path.stat().st_size - len(data)
    else:
        data = {"gzip": gzip.compress, "bzip2": bz2.compress}[pack](raw())
        path = nrrd_file(tmp_path / "ct.nrrd", data, encoding=pack)
        head = path.stat().st_size - len(data)
    content = bytearray(path.read_bytes())
    content[head + int((len(content) - head) * place)] ^= 0xFF
    path.write_bytes(content)
    assert "damaged" in refusal(path)
