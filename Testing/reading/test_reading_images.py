"""NIfTI, NRRD and MetaImage files: right geometry, right HU, or one plain sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from image_files import QFORM_CODE, SFORM_CODE, SROW, body, patched
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading import read_ct

DATA = Path(__file__).parents[3] / "shared" / "data"
SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")


def rotation(degrees=(10, 20, 30)) -> np.ndarray:
    transform = sitk.Euler3DTransform((0, 0, 0), *np.radians(degrees).tolist())
    return np.reshape(transform.GetMatrix(), (3, 3))


def grids() -> dict[str, Grid]:
    affines = {
        "axial": np.diag([2.0, 2.0, 3.0, 1.0]),
        "flipped": np.diag([-2.0, -2.0, 3.0, 1.0]),
        "left-handed": np.diag([-2.0, 2.0, 3.0, 1.0]),
        "head first": np.diag([2.0, 2.0, -3.0, 1.0]),
        "coronal": np.array([[2.0, 0, 0, 0], [0, 0, 3.0, 0], [0, 2.0, 0, 0], [0, 0, 0, 1]]),
        "oblique": np.eye(4),
    }
    affines["oblique"][:3, :3] = rotation() * (1.5, 2.5, 4.0)
    for affine in affines.values():
        affine[:3, 3] = (12.5, -30.0, 400.0)
    return {name: Grid((24, 20, 16), affine) for name, affine in affines.items()}


def write(path: Path, array: np.ndarray, grid: Grid | None = None) -> Path:
    grid = grid or Grid(array.shape, np.diag([2.0, 2.0, 3.0, 1.0]))
    sitk.WriteImage(Volume(array, grid).to_sitk(), str(path))
    return path


def refusal(path: Path, **options) -> str:
    with pytest.raises(BadInput) as caught:
        read_ct(path, **options)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message and message.endswith(".")
    return message


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", grids())
def test_every_format_keeps_hu_at_their_place(tmp_path, suffix, name):
    array, grid = body(), grids()[name]
    ct = read_ct(write(tmp_path / f"ct{suffix}", array, grid))
    assert ct.volume.grid.is_close(grid)
    assert np.array_equal(ct.volume.array, array)
    assert ct.volume.array.dtype == np.int16


def test_acquisition_tells_path_and_format(tmp_path):
    path = write(tmp_path / "ct.nrrd", body())
    acquisition = read_ct(path).acquisition
    assert (acquisition.path, acquisition.format) == ("ct.nrrd", "NRRD")
    assert acquisition.series_instance_uid is None and acquisition.kvp is None


def test_values_below_air_become_air(tmp_path):
    array = body()
    array[0], array[1], array[2] = -2000, -3024, -32768
    ct = read_ct(write(tmp_path / "ct.nii", array))
    assert np.all(ct.volume.array[:3] == -1024)
    assert np.array_equal(ct.volume.array[3:], array[3:])


def test_fractions_of_hu_are_kept_as_float32(tmp_path):
    array = body().astype(np.float64) + 0.25
    ct = read_ct(write(tmp_path / "ct.nii.gz", array))
    assert ct.volume.array.dtype == np.float32
    assert np.array_equal(ct.volume.array, array.astype(np.float32))


def test_4d_with_one_volume_is_read_and_keeps_its_geometry(tmp_path):
    grid = grids()["left-handed"]
    path = tmp_path / "ct.nii.gz"
    sitk.WriteImage(sitk.JoinSeries([Volume(body(), grid).to_sitk()]), str(path))
    header = sitk.ImageFileReader()
    header.SetFileName(str(path))
    header.ReadImageInformation()
    ct = read_ct(path)
    assert ct.volume.grid.is_close(grid)
    assert np.array_equal(ct.volume.array, body())


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_4d_with_two_volumes_is_refused(tmp_path, suffix):
    image = Volume(body(), grids()["axial"]).to_sitk()
    sitk.WriteImage(sitk.JoinSeries([image, image]), str(tmp_path / f"ct{suffix}"))
    assert "2 volumes" in refusal(tmp_path / f"ct{suffix}")


def test_2d_is_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(body()[:, :, 0]), str(tmp_path / "ct.nrrd"))
    assert "2D" in refusal(tmp_path / "ct.nrrd")


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_colour_is_refused(tmp_path, suffix):
    image = sitk.Cast(Volume(body(), grids()["axial"]).to_sitk(), sitk.sitkUInt8)
    sitk.WriteImage(sitk.Compose(image, image, image), str(tmp_path / f"ct{suffix}"))
    assert "colours" in refusal(tmp_path / f"ct{suffix}")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(tmp_path, bad):
    array = body().astype(np.float32)
    array[3, 4, 5] = bad
    assert "1 voxels that are not finite" in refusal(write(tmp_path / "ct.nii.gz", array))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files_are_refused(tmp_path, suffix):
    path = write(tmp_path / f"ct{suffix}", body((40, 40, 40)))
    data = path.with_suffix(".raw") if suffix == ".mhd" else path
    if not data.exists():
        data = path.with_suffix(".zraw")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    assert "damaged" in refusal(path)
    path.write_bytes(b"this is no image at all" * 100)
    assert "damaged" in refusal(path)


def test_too_thin_a_slab_is_refused(tmp_path):
    assert "at least 20 mm" in refusal(write(tmp_path / "ct.nii.gz", body((24, 20, 4))))


# --- values that are no HU ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (body() + 1024, "offset of 1024"),
        (np.where(body() < -900, -2000, body() + 1024).astype(np.int16), "offset of 1024"),
        (np.clip((body() + 1024) / 8, 0, 255).astype(np.uint8), "below zero"),
        (np.random.default_rng(0).gamma(2.0, 90, (24, 20, 16)).astype(np.int16), "below zero"),
        ((body() > 0).astype(np.uint8), "below zero"),
        (np.random.default_rng(0).normal(size=(24, 20, 16)).astype(np.float32), "below zero"),
        (np.random.default_rng(0).normal(0, 25, size=(24, 20, 16)).astype(np.float32), "shows no bone"),
        (body() - 2000, "soft tissue"),
        (np.clip(np.random.default_rng(0).normal(50, 120, (24, 20, 16)), -200, 200).astype(np.int16), "cut off"),
        (np.zeros((24, 20, 16), np.int16), "below zero"),
    ],
    ids=["+1024", "+1024 padded", "8 bit", "MR", "mask", "z-scored", "no bone", "-2000", "window", "empty"],
)
def test_values_that_are_no_hu_are_refused(tmp_path, array, reason):
    message = refusal(write(tmp_path / "ct.nii.gz", array))
    assert "Hounsfield" in message and reason in message


def test_a_crop_of_one_vertebra_without_air_is_read(tmp_path):
    random = np.random.default_rng(1)
    tissue = random.choice([-90, 40, 150, 400], (30, 30, 30), p=[0.15, 0.4, 0.4, 0.05])
    array = (tissue + random.normal(0, 15, tissue.shape)).astype(np.int16)
    assert array.min() > -200
    assert np.array_equal(read_ct(write(tmp_path / "ct.nii.gz", array)).volume.array, array)


def test_a_noise_free_phantom_is_read(tmp_path):
    array = np.full((30, 30, 30), -1000, np.int16)
    array[5:25, 5:25], array[10:20, 10:20] = 0, 250
    assert np.array_equal(read_ct(write(tmp_path / "ct.nii.gz", array)).volume.array, array)


# --- NIfTI headers -----------------------------------------------------------------------------------------------


def with_sform(path: Path, matrix: np.ndarray, qform_code: int) -> Path:
    patched(path, QFORM_CODE, "<h", qform_code)
    patched(path, SFORM_CODE, "<h", 1)
    return patched(path, SROW, "<12f", *matrix[:3].ravel())


@pytest.mark.parametrize("qform_code", [0, 1])
def test_a_sheared_sform_is_refused_even_beside_a_sound_qform(tmp_path, qform_code):
    sheared = np.diag([2.0, 2.0, 3.0, 1.0])
    sheared[0, 1] = 0.4
    assert "sheared" in refusal(with_sform(write(tmp_path / "ct.nii", body()), sheared, qform_code))


def test_a_singular_sform_is_refused(tmp_path):
    assert "grid" in refusal(with_sform(write(tmp_path / "ct.nii", body()), np.diag([2.0, 2.0, 0.0, 1.0]), 0))


def test_a_shear_that_is_rounding_is_put_right(tmp_path):
    matrix = np.diag([2.0, 2.0, 3.0, 1.0])
    matrix[0, 1] = 0.001
    ct = read_ct(with_sform(write(tmp_path / "ct.nii", body()), matrix, 0))
    assert ct.volume.grid.is_close(Grid((24, 20, 16), np.diag([2.0, 2.0, 3.0, 1.0])), tolerance_mm=0.05)
    axes = ct.volume.grid.affine[:3, :3] / ct.volume.grid.spacing
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-9)


def test_contradicting_orientations_are_refused(tmp_path):
    path = with_sform(write(tmp_path / "ct.nii", body()), np.diag([-2.0, -2.0, 3.0, 1.0]), 1)
    assert "contradict" in refusal(path)


def test_a_nifti_without_orientation_is_refused(tmp_path):
    path = patched(write(tmp_path / "ct.nii", body()), QFORM_CODE, "<hh", 0, 0)
    assert "how the patient lies" in refusal(path)


def test_sheared_metaimage_and_nrrd_are_refused(tmp_path):
    image = Volume(body(), grids()["axial"]).to_sitk()
    image.SetDirection((1, 0.2, 0, 0, 1, 0, 0, 0, 1))
    for suffix in (".mha", ".nrrd"):
        sitk.WriteImage(image, str(tmp_path / f"ct{suffix}"))
        assert "sheared" in refusal(tmp_path / f"ct{suffix}")


# --- paths -------------------------------------------------------------------------------------------------------


def test_paths_that_hold_no_ct_are_refused(tmp_path):
    assert "does not exist" in refusal(tmp_path / "nothing.nii.gz")
    (tmp_path / "empty.nii.gz").touch()
    assert "empty" in refusal(tmp_path / "empty.nii.gz")
    (tmp_path / "text.txt").write_text("hello")
    assert "neither NIfTI" in refusal(tmp_path / "text.txt")
    (tmp_path / "folder").mkdir()
    assert "no DICOM" in refusal(tmp_path / "folder")


def test_a_segmentation_is_no_ct(tmp_path):
    assert "segmentation" in refusal(write(tmp_path / "ct.seg.nrrd", body()))


def test_a_series_cannot_be_picked_in_an_image_file(tmp_path):
    assert "leave out the series" in refusal(write(tmp_path / "ct.nrrd", body()), series_uid="1.2.3")


# --- real data ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chest-contrast/ct.nii.gz", "vertebra-l3/sub-ct_label-22_ct.nii.gz"])
def test_real_cts_agree_with_what_simpleitk_finds_at_their_points(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"real CT {name} is not here")
    ct, image = read_ct(path), sitk.ReadImage(str(path))
    random = np.random.default_rng(0)
    for index in random.integers(0, ct.volume.grid.size, (50, 3)):
        lps = ct.volume.grid.ras_of(index) * (-1, -1, 1)
        there = image.TransformPhysicalPointToIndex(lps.tolist())
        assert ct.volume.array[tuple(index)] == max(-1024, image[there])


def test_real_left_handed_grid_stays_left_handed():
    path = DATA / "chest-contrast" / "ct.nii.gz"
    if not path.exists():
        pytest.skip("real CT chest-contrast is not here")
    ct = read_ct(path)
    # LPS with y turned forward: one more mirror than RAS.
    assert np.linalg.det(ct.volume.grid.affine[:3, :3]) < 0
    assert ct.volume.array.min() == -1024


def test_real_label_map_is_refused():
    path = DATA / "spine-mask" / "labels.nii.gz"
    if not path.exists():
        pytest.skip("real label map is not here")
    assert "Hounsfield" in refusal(path)
