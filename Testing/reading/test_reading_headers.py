"""Headers of image files: a stated place is kept, none is ever made up, and the content tells the format."""

from __future__ import annotations

import gzip
import os
import shutil
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from image_files import (
    PIXDIM,
    QFORM_CODE,
    SFORM_CODE,
    SIZE,
    SLOPE,
    SROW,
    UNITS,
    VOX_OFFSET,
    body,
    metaimage_file,
    nifti_file,
    nrrd_file,
    patched,
    raw,
)
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.reading import read_ct

LPS = np.diag([-2.0, -2.0, 3.0, 1.0])


def is_body(path: Path, affine: np.ndarray = LPS) -> bool:
    volume = read_ct(path).volume
    return volume.grid.is_close(Grid(SIZE, affine)) and np.array_equal(volume.array, body())


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read_ct(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message and message.endswith(".") and len(message) < 500
    return message


# --- the file that was named -------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["ct.nii", "ct.nii.gz"])
def test_of_two_files_of_one_base_name_the_named_one_is_read(tmp_path, named):
    other = "ct.nii.gz" if named == "ct.nii" else "ct.nii"
    nifti_file(tmp_path / other, body(seed=1))
    assert is_body(nifti_file(tmp_path / named))


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("ct.mha", "CT.MHA"),
        ("ct.nrrd", "CT.NRRD"),
        ("ct.nii", "CT.NII"),
        ("ct.nii.gz", "CT.NII.GZ"),
        ("ct.nii.gz", "ct.nii"),
        ("ct.nii", "ct.nii.gz"),
        ("ct.nrrd", "ct.mha"),
        ("ct.mha", "ct.nrrd"),
        ("ct.nii.gz", "ct.img"),
        ("ct.nrrd", "ct"),
    ],
)
def test_a_file_is_what_its_content_is_whatever_its_name(tmp_path, written, named):
    nifti_file(tmp_path / written)  # SimpleITK writes what the suffix says
    path = (tmp_path / written).rename(tmp_path / "x").rename(tmp_path / named)
    assert is_body(path)
    formats = {".mha": "MetaImage", ".nrrd": "NRRD"}
    assert read_ct(path).acquisition.format == formats.get(Path(written).suffix, "NIfTI")


def test_a_zip_is_read_whatever_its_name(tmp_path):
    nifti_file(tmp_path / "inner.nii.gz")
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "inner.nii.gz")
    assert is_body((tmp_path / "packed.zip").rename(tmp_path / "ct.nii"))


def test_a_segmentation_is_none_of_a_ct_whatever_its_name(tmp_path):
    assert "segmentation" in refusal(nrrd_file(tmp_path / "ct.nrrd", after="Segment0_Name:=L1\n"))


def test_a_whole_file_in_gzip_is_named_so(tmp_path):
    path = nrrd_file(tmp_path / "ct.nrrd")
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert "unpack it first" in refusal(path)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_keys_of_a_nifti_header_mean_nothing_in_another_format(tmp_path, suffix):
    """SimpleITK carries them along; once the spacing was corrected they are stale."""
    image = sitk.ReadImage(str(nifti_file(tmp_path / "wrong.nii", spacing=(2, 2, 1))))
    image.SetSpacing((2, 2, 3))
    for key in ("qform_code", "sform_code"):
        image.SetMetaData(key, "text")
    sitk.WriteImage(image, str(tmp_path / f"ct{suffix}"))
    assert is_body(tmp_path / f"ct{suffix}")


# --- NIfTI -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "scale"), [(1, 1e-3), (3, 1e3)], ids=["metres", "microns"])
def test_a_nifti_in_another_unit_is_brought_to_mm(tmp_path, unit, scale):
    path = patched(nifti_file(tmp_path / "ct.nii"), UNITS, "<b", unit)
    patched(path, PIXDIM, "<3f", 2 * scale, 2 * scale, 3 * scale)
    rows = np.diag([-2 * scale, -2 * scale, 3 * scale])
    patched(path, SROW, "<12f", *np.column_stack((rows, np.array((10, 20, 30)) * scale)).ravel())
    patched(path, QFORM_CODE, "<hh", 0, 1)
    moved = LPS.copy()
    moved[:3, 3] = 10, 20, 30
    assert is_body(path, moved)


def test_a_unit_that_cannot_be_is_refused(tmp_path):
    assert "2e+03 x 2e+03 x 3e+03 mm" in refusal(patched(nifti_file(tmp_path / "ct.nii"), UNITS, "<b", 1))


def test_nifti_2_is_read(tmp_path):
    nib.save(nib.Nifti2Image(body(), LPS), tmp_path / "ct.nii.gz")
    assert is_body(tmp_path / "ct.nii.gz")


@pytest.mark.parametrize("suffix", [".img", ".img.gz"])
def test_a_pair_of_header_and_image_is_read_by_its_header(tmp_path, suffix):
    nib.save(nib.Nifti1Pair(body(), LPS), tmp_path / "ct.hdr")
    if suffix == ".img.gz":
        (tmp_path / "ct.img.gz").write_bytes(gzip.compress((tmp_path / "ct.img").read_bytes()))
        (tmp_path / "ct.img").unlink()
    assert is_body(tmp_path / "ct.hdr")


def test_of_two_images_of_a_header_none_is_chosen(tmp_path):
    nib.save(nib.Nifti1Pair(body(), LPS), tmp_path / "ct.hdr")
    (tmp_path / "ct.img.gz").write_bytes(gzip.compress((tmp_path / "ct.img").read_bytes()))
    assert "ct.img and ct.img.gz" in refusal(tmp_path / "ct.hdr")


def test_an_analyze_file_does_not_say_how_the_patient_lies(tmp_path):
    nib.save(nib.AnalyzeImage(body(), LPS), tmp_path / "ct.hdr")
    assert "Analyze" in refusal(tmp_path / "ct.hdr")


@pytest.mark.parametrize(("slope", "intercept", "expected"), [(2, -24, 2), (0, 0, 1), (np.nan, np.nan, 1)])
def test_scaling_of_a_nifti_is_applied_where_there_is_any(tmp_path, slope, intercept, expected):
    stored = ((body() + 24 * (expected == 2)) // expected).astype(np.int16)
    path = patched(nifti_file(tmp_path / "ct.nii", stored), SLOPE, "<ff", slope, intercept)
    assert np.array_equal(read_ct(path).volume.array, stored * expected - 24 * (expected == 2))


def test_both_byte_orders_are_read(tmp_path):
    swapped = nib.Nifti1Image(body().astype(">i2"), LPS, nib.Nifti1Header(endianness=">"))
    nib.save(swapped, tmp_path / "ct.nii")
    assert (tmp_path / "ct.nii").read_bytes()[:4] == b"\0\0\1\x5c"
    assert is_body(tmp_path / "ct.nii")
    swapped = body().astype(">i2")
    assert is_body(nrrd_file(tmp_path / "ct.nrrd", raw(swapped), endian="big"))
    assert is_body(metaimage_file(tmp_path / "ct.mha", raw(swapped), BinaryDataByteOrderMSB="True"))


def test_a_turned_sform_that_rounding_bent_is_read_at_its_place(tmp_path):
    turn = sitk.Euler3DTransform((0, 0, 0), 0.3, 0.2, -0.4).GetMatrix()
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(turn, (3, 3)) * (2, 2, 3)
    bent = affine.copy()
    bent[0, 1] += 0.003
    image = nib.Nifti1Image(body(), affine)
    image.set_qform(None, 0)
    image.set_sform(bent, 1)
    image.header["pixdim"][1:4] = 2, 2, 3
    nib.save(image, tmp_path / "ct.nii")
    assert np.abs(read_ct(tmp_path / "ct.nii").volume.grid.affine - bent).max() < 0.003


# --- places that are not stated ----------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["TransformMatrix", "Offset", "ElementSpacing"])
@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
def test_a_metaimage_without_its_place_is_refused(tmp_path, missing, suffix):
    (tmp_path / "ct.raw").write_bytes(raw())
    data = {".mha": "LOCAL", ".mhd": "ct.raw"}[suffix]
    path = metaimage_file(
        tmp_path / f"ct{suffix}", None if suffix == ".mha" else b"", **{missing: None}, ElementDataFile=data
    )
    message = refusal(path)
    assert "how the patient lies" in message and missing in message


def test_other_names_of_a_metaimages_fields_state_its_place_too(tmp_path):
    assert is_body(
        metaimage_file(
            tmp_path / "ct.mha", TransformMatrix=None, Rotation="1 0 0 0 1 0 0 0 1", Offset=None, Position="0 0 0"
        )
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"space_directions": None},
        {"space_directions": None, "spacings": "2 2 3"},
        {"space_directions": None, "space": None},
        {"space": None, "space_dimension": "3"},
        {"space": "3D-right-handed"},
        {"space": "3D-left-handed"},
        {"space": "scanner-xyz"},
        {"space": "right-up"},
    ],
    ids=str,
)
def test_a_nrrd_without_axes_of_the_patient_is_refused(tmp_path, fields):
    assert "how the patient lies" in refusal(nrrd_file(tmp_path / "ct.nrrd", **fields))


@pytest.mark.parametrize("origin", [None, "(0,0)", "(nan,0,0)", "none"])
def test_a_nrrd_without_its_whole_origin_is_refused(tmp_path, origin):
    assert "ct.nrrd" in refusal(nrrd_file(tmp_path / "ct.nrrd", space_origin=origin))


@pytest.mark.parametrize("write", ["nibabel", "nrrd", "mha", "nii"])
def test_a_ct_whose_place_is_a_programs_default_is_refused(tmp_path, write):
    path = tmp_path / f"ct.{write}"
    if write == "nibabel":
        nib.save(nib.Nifti1Image(body((30, 30, 30)), np.eye(4)), path.with_suffix(".nii"))
        path = path.with_suffix(".nii")
    else:
        sitk.WriteImage(sitk.GetImageFromArray(body((30, 30, 30))), str(path))
    assert "lost its place" in refusal(path)


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (-1, -1)),
        ("LPS", (-1, -1)),
        ("right-anterior-superior", (1, 1)),
        ("RAS", (1, 1)),
        ("left-anterior-superior", (-1, 1)),
    ],
)
def test_the_spaces_of_a_patient_are_told_apart(tmp_path, space, signs):
    path = nrrd_file(tmp_path / "ct.nrrd", space=space, space_origin="(1,2,3)")
    affine = np.diag([2.0 * signs[0], 2.0 * signs[1], 3.0, 1.0])
    affine[:3, 3] = signs[0], 2 * signs[1], 3
    assert is_body(path, affine)


def test_a_nrrd_in_another_unit_is_brought_to_mm(tmp_path):
    directions, units = "(0.2,0,0) (0,0.2,0) (0,0,0.3)", '"cm" "cm" "cm"'
    assert is_body(nrrd_file(tmp_path / "ct.nrrd", space_directions=directions, space_units=units))
    assert "parsec" in refusal(nrrd_file(tmp_path / "ct.nrrd", space_units='"parsec" "parsec" "parsec"'))


def test_a_metaimage_in_another_unit_is_brought_to_mm(tmp_path):
    assert is_body(metaimage_file(tmp_path / "ct.mha", ElementSpacing="0.2 0.2 0.3", DistanceUnits="cm"))
    assert is_body(metaimage_file(tmp_path / "ct.mha", DistanceUnits="?"))
    assert "parsec" in refusal(metaimage_file(tmp_path / "ct.mha", DistanceUnits="parsec"))


def test_one_volume_of_four_dimensions_is_read(tmp_path):
    assert is_body(
        nrrd_file(
            tmp_path / "ct.nrrd",
            dimension="4",
            sizes="24 20 16 1",
            kinds="domain domain domain list",
            space_directions="(2,0,0) (0,2,0) (0,0,3) none",
        )
    )
    matrix = " ".join(map(str, np.eye(4, dtype=int).ravel()))
    fields = {"NDims": "4", "DimSize": "24 20 16 1", "ElementSpacing": "2 2 3 1", "Offset": "0 0 0 0"}
    assert is_body(metaimage_file(tmp_path / "ct.mha", **fields, TransformMatrix=matrix))


# --- ways to write voxels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("raw", raw()),
        ("gzip", gzip.compress(raw())),
        ("bzip2", __import__("bz2").compress(raw())),
        ("ascii", " ".join(map(str, body().ravel("F"))).encode()),
    ],
    ids=["raw", "gzip", "bzip2", "ascii"],
)
def test_a_nrrds_voxels_are_read_however_they_are_packed(tmp_path, encoding, data):
    assert is_body(nrrd_file(tmp_path / "ct.nrrd", data, encoding=encoding))
    (tmp_path / "ct.dat").write_bytes(data)
    assert is_body(nrrd_file(tmp_path / "ct.nhdr", b"", encoding=encoding, data_file="ct.dat"))


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_a_metaimages_packed_voxels_are_read(tmp_path, pack):
    assert is_body(metaimage_file(tmp_path / "ct.mha", pack(raw()), CompressedData="True"))


def test_a_metaimage_whose_values_are_to_be_scaled_is_refused(tmp_path):
    """ITK reads the values as they are, other programs scale them."""
    assert is_body(metaimage_file(tmp_path / "ct.mha", ElementToIntensityFunctionSlope="1"))
    for scaling in ({"ElementToIntensityFunctionSlope": "0.5"}, {"ElementToIntensityFunctionOffset": "-1024"}):
        assert "scales its values" in refusal(metaimage_file(tmp_path / "ct.mha", **scaling))


def test_voxels_in_several_files_are_read_in_their_order(tmp_path):
    names = [f"slice{k:02d}.raw" for k in range(1, 17)]
    for k, name in enumerate(names):
        (tmp_path / name).write_bytes(raw(body()[..., k]))
    assert is_body(nrrd_file(tmp_path / "a.nhdr", "\n".join(names).encode(), after="data file: LIST\n", kinds=None))
    assert is_body(nrrd_file(tmp_path / "b.nhdr", b"", data_file="slice%02d.raw 1 16 1 2"))
    assert is_body(metaimage_file(tmp_path / "c.mhd", "\n".join(names).encode(), ElementDataFile="LIST"))
    assert is_body(metaimage_file(tmp_path / "d.mhd", b"", ElementDataFile="slice%02d.raw 1 16 1"))


def test_a_header_before_the_voxels_of_a_data_file_is_passed_over(tmp_path):
    (tmp_path / "ct.raw").write_bytes(bytes(100) + raw())
    assert is_body(metaimage_file(tmp_path / "a.mhd", b"", HeaderSize="100", ElementDataFile="ct.raw"))
    assert is_body(metaimage_file(tmp_path / "b.mhd", b"", HeaderSize="-1", ElementDataFile="ct.raw"))
    assert is_body(nrrd_file(tmp_path / "c.nhdr", b"", byte_skip="100", data_file="ct.raw"))
    assert is_body(nrrd_file(tmp_path / "d.nhdr", b"", byte_skip="-1", data_file="ct.raw"))


# --- the data file's place ---------------------------------------------------------------------------------------


def detached(header: Path, name: str) -> Path:
    if header.suffix == ".nhdr":
        return nrrd_file(header, b"", data_file=name)
    return metaimage_file(header, b"", ElementDataFile=name)


@pytest.mark.parametrize("suffix", [".nhdr", ".mhd"])
def test_voxels_lie_beside_or_under_their_header(tmp_path, suffix):
    (tmp_path / "in" / "under").mkdir(parents=True)
    secret = tmp_path / "secret.raw"
    secret.write_bytes(raw())
    shutil.copy(secret, tmp_path / "in" / "under" / "ct.raw")
    (tmp_path / "in" / "link.raw").symlink_to(secret)
    header = tmp_path / "in" / f"ct{suffix}"
    assert is_body(detached(header, "under/ct.raw"))
    assert is_body(detached(header, str(tmp_path / "in" / "under" / "ct.raw")))
    for outside in (str(secret), "../secret.raw", "link.raw", "under/../../secret.raw", "/dev/zero"):
        assert "outside its folder" in refusal(detached(header, outside))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / header.name).symlink_to(detached(header, "under/ct.raw"))
    assert is_body(tmp_path / "elsewhere" / header.name)


@pytest.mark.parametrize("suffix", [".nhdr", ".mhd"])
@pytest.mark.parametrize("name", ["none.raw", "x" * 5000, "%s%s%s%n.raw", "%n%n", "a%99999999d.raw 1 3 1", "\0.raw"])
def test_data_files_that_are_not_there_are_named(tmp_path, suffix, name):
    assert "file" in refusal(detached(tmp_path / f"ct{suffix}", name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for header in ("ct.nhdr", "ct.mhd"):
        assert "not there" in refusal(detached(tmp_path / header, "pipe"))
    nib.save(nib.Nifti1Pair(body(), LPS), tmp_path / "pair.hdr")
    (tmp_path / "pair.img").unlink()
    os.mkfifo(tmp_path / "pair.img")
    assert "not there" in refusal(tmp_path / "pair.hdr")
    for name in ("ct.nii", "ct.nii.gz", "ct.nrrd", "ct.mha"):
        os.mkfifo(tmp_path / name)
        assert "no ordinary file" in refusal(tmp_path / name)


def test_devices_are_not_read(tmp_path):
    if not Path("/dev/zero").exists():
        pytest.skip("there are no devices here")
    for name in ("ct.nii.gz", "ct.nrrd", "ct.mha"):
        (tmp_path / name).symlink_to("/dev/zero")
        assert "no ordinary file" in refusal(tmp_path / name)


# --- forms of a NIfTI that were made up by chance ----------------------------------------------------------------


@pytest.mark.parametrize("code", [0, -1, -32768])
def test_a_form_without_a_code_states_nothing(tmp_path, code):
    path = patched(nifti_file(tmp_path / "ct.nii"), QFORM_CODE, "<hh", code, code)
    assert "how the patient lies" in refusal(path)
    assert is_body(patched(path, SFORM_CODE, "<h", 1))


def test_the_place_of_the_voxels_in_a_file_is_kept(tmp_path):
    path = patched(nifti_file(tmp_path / "ct.nii"), VOX_OFFSET, "<f", 512)
    content = path.read_bytes()
    path.write_bytes(content[:352] + bytes(160) + content[352:])
    assert is_body(path)
