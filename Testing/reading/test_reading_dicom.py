"""DICOM folders and zips as scanners, archives and people leave them: read rightly, or one plain sentence."""

# ruff: noqa: E402  pydicom is optional, and what needs it is imported after the check
from __future__ import annotations

import dataclasses
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pydicom = pytest.importorskip("pydicom", reason="pydicom (the dicom extra) is not installed")

from pydicom.uid import RLELossless

from dicom_files import AXIAL, pack, write_slice, write_stack
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading import read_ct

DATA = Path(__file__).parents[3] / "shared" / "data"
SIZE = (20, 24, 14)
ORIGIN = (-30.0, -40.0, 100.0)


def tissue(size=SIZE, seed=0) -> np.ndarray:
    random = np.random.default_rng(seed)
    array = random.choice([-1000, -100, 50, 180, 900], size, p=[0.2, 0.3, 0.3, 0.15, 0.05])
    return (array + random.integers(-20, 20, size)).astype(np.int16)


def turned(degrees=(10, -20, 30)) -> tuple:
    matrix = np.reshape(sitk.Euler3DTransform((0, 0, 0), *np.radians(degrees).tolist()).GetMatrix(), (3, 3))
    return tuple(matrix[:, 0]), tuple(matrix[:, 1])


ORIENTATIONS = {
    "axial": AXIAL,
    "prone": ((-1.0, 0, 0), (0, -1.0, 0)),
    "feet up": ((1.0, 0, 0), (0, -1.0, 0)),
    "sagittal": ((0, 1.0, 0), (0, 0, -1.0)),
    "coronal": ((1.0, 0, 0), (0, 0, -1.0)),
    "oblique": turned(),
}


def hu_at(volume: Volume, ras: np.ndarray) -> np.ndarray:
    """HU of the voxels whose centres are at RAS points; the points have to be voxel centres."""
    index = volume.grid.index_of(ras)
    assert np.abs(index - np.rint(index)).max() < 1e-2
    return volume.array[tuple(np.rint(index).astype(int).T)]


def ras_of_written(array, axes=AXIAL, spacing=(2.0, 2.0, 3.0)) -> np.ndarray:
    """RAS mm of every voxel that `write_stack` writes, (voxels, 3), straight from the DICOM standard."""
    row, column = np.asarray(axes, dtype=float)
    i, j, k = (n.ravel()[:, None] for n in np.indices(array.shape))
    lps = np.add(ORIGIN, i * row * spacing[0] + j * column * spacing[1] + k * np.cross(row, column) * spacing[2])
    return lps * (-1, -1, 1)


def refusal(path: Path, **options) -> str:
    with pytest.raises(BadInput) as caught:
        read_ct(path, **options)
    message = str(caught.value)
    assert path.name in message and "\n" not in message and message.endswith(".")
    return message


# --- geometry ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_orientation_has_hu_at_their_place(tmp_path, name):
    array, axes, spacing = tissue(), ORIENTATIONS[name], (1.5, 2.5, 3.0)
    write_stack(tmp_path, array, axes=axes, spacing=spacing)
    ct = read_ct(tmp_path)
    assert np.array_equal(hu_at(ct.volume, ras_of_written(array, axes, spacing)), array.ravel())
    assert np.allclose(sorted(ct.volume.grid.spacing), sorted(spacing), atol=1e-4)
    assert ct.volume.array.dtype == np.int16


def test_slices_are_sorted_by_position_not_by_name_or_instance_number(tmp_path):
    array = tissue()
    files = write_stack(tmp_path, array)
    names = [f.name for f in files]
    assert names not in (sorted(names), sorted(names, reverse=True))
    assert np.array_equal(read_ct(tmp_path).volume.array, array)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("name", ["axial", "oblique", "coronal"])
def test_dicom_and_image_files_agree_voxel_for_voxel(tmp_path, suffix, name):
    array, axes = tissue(), ORIENTATIONS[name]
    write_stack(tmp_path / "dicom", array, axes=axes)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([*axes, np.cross(*axes)], axis=1) * (2.0, 2.0, 3.0)
    affine[:3, 3] = ORIGIN
    affine[:2] *= -1
    # Turned round along its second axis: the same patient on a left-handed grid.
    turn = np.diag([1.0, -1.0, 1.0, 1.0])
    turn[1, 3] = SIZE[1] - 1
    image = Volume(array[:, ::-1].copy(), Grid(SIZE, affine @ turn))
    sitk.WriteImage(image.to_sitk(), str(tmp_path / f"ct{suffix}"))
    points = ras_of_written(array, axes)
    from_dicom = hu_at(read_ct(tmp_path / "dicom").volume, points)
    from_file = hu_at(read_ct(tmp_path / f"ct{suffix}").volume, points)
    assert np.array_equal(from_dicom, from_file)
    assert np.array_equal(from_dicom, array.ravel())


def smooth(ras: np.ndarray) -> np.ndarray:
    """A field that is linear in patient space, so that linear interpolation gives it exactly; (..., 3) -> (...)."""
    return ras @ np.array([2.0, 3.0, 1.5]) - 200.0


def written_smooth(heights, axes, shear=(0.0, 0.0, 0.0)) -> np.ndarray:
    row, column = np.asarray(axes, dtype=float)
    normal = np.cross(row, column)
    i, j = np.indices(SIZE[:2])
    planes = [
        np.add(ORIGIN, h * (normal + shear)) + 2.0 * i[..., None] * row + 2.0 * j[..., None] * column for h in heights
    ]
    return smooth(np.stack(planes, axis=2) * (-1, -1, 1))


def check_smooth(volume: Volume) -> None:
    index = np.stack(np.indices(volume.grid.size), axis=-1)
    expected = smooth(volume.grid.ras_of(index))
    inside = volume.array > -1000
    inner = inside[1:-1, 1:-1] & inside[2:, 1:-1] & inside[:-2, 1:-1] & inside[1:-1, 2:] & inside[1:-1, :-2]
    assert inner.mean() > 0.3
    assert np.abs(volume.array - expected)[1:-1, 1:-1][inner].max() < 1.0
    axes = volume.grid.affine[:3, :3] / volume.grid.spacing
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-6)


@pytest.mark.parametrize("axes", [AXIAL, turned()], ids=["axial", "oblique"])
def test_uneven_steps_are_resampled_to_the_right_place(tmp_path, axes):
    heights = np.cumsum([0, 3, 3, 3.5, 3, 2.4, 3, 3, 4, 3, 3, 3, 2.5, 3])
    write_stack(tmp_path, written_smooth(heights, axes), axes=axes, heights=heights, slope=0.1, intercept=-1000.0)
    volume = read_ct(tmp_path).volume
    assert np.allclose(volume.grid.spacing, (2, 2, 3), atol=0.1)
    check_smooth(volume)


@pytest.mark.parametrize("angle", [-15.0, 8.0, 20.0])
def test_a_tilted_gantry_is_straightened(tmp_path, angle):
    axes = ((1.0, 0.0, 0.0), (0.0, np.cos(np.radians(angle)), np.sin(np.radians(angle))))
    # The table moves along z while the slices are tilted: each slice's shift lies in its own plane.
    normal = np.cross(*axes)
    shear = np.array([0, 0, 1.0]) / normal[2] - normal
    heights = np.arange(SIZE[2]) * 3.0
    array = written_smooth(heights, axes, shear)
    write_stack(tmp_path, array, axes=axes, heights=heights, shear=shear, slope=0.1, intercept=-1000.0)
    ct = read_ct(tmp_path)
    check_smooth(ct.volume)
    assert ct.volume.grid.size[1] > SIZE[1]
    assert ct.acquisition.shear_degrees == pytest.approx(abs(angle), abs=0.1)


# --- values ------------------------------------------------------------------------------------------------------


def test_slope_and_intercept_are_those_of_each_slice(tmp_path):
    array = tissue() // 4 * 4
    write_stack(tmp_path, array, slope=lambda k: [1, 2, 4][k % 3], intercept=lambda k: [-1024, 0, -2000][k % 3])
    ct = read_ct(tmp_path)
    assert np.array_equal(ct.volume.array, array)


def test_fractional_slopes_give_float(tmp_path):
    array = tissue()
    write_stack(tmp_path, array, slope=0.3, intercept=-1024.5)
    volume = read_ct(tmp_path).volume
    assert volume.array.dtype == np.float32
    assert np.abs(volume.array - array).max() <= 0.16


@pytest.mark.parametrize("padding", [-2000, -3024, -1500])
def test_padding_becomes_air(tmp_path, padding):
    array = tissue()
    array[:3] = padding
    write_stack(tmp_path, array, PixelPaddingValue=padding + 1024)
    volume = read_ct(tmp_path).volume
    assert np.all(volume.array[:3] == -1024)
    assert np.array_equal(volume.array[3:], array[3:])


def test_voxels_beyond_what_a_ct_can_hold_are_counted(tmp_path):
    array = tissue().astype(float)
    array[3, 4, 5:8] = 40_000
    write_stack(tmp_path, array, PixelRepresentation=0)
    assert "holds 3 voxels above 32767 HU" in refusal(tmp_path)


def test_a_series_is_held_in_memory_once_and_in_sixteen_bits(tmp_path):
    array = tissue((256, 256, 100))
    write_stack(tmp_path, array, spacing=(1.0, 1.0, 1.0))
    read_ct(tmp_path)  # imports
    tracemalloc.start()
    try:
        read_ct(tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * array.nbytes  # what the values are judged by takes as much as a small CT


def test_padding_above_all_tissue_becomes_air(tmp_path):
    array = tissue()
    array[:3] = 4000
    write_stack(tmp_path, array, PixelPaddingValue=4000 + 1024)
    volume = read_ct(tmp_path).volume
    assert np.all(volume.array[:3] == -1024)
    assert np.array_equal(volume.array[3:], array[3:])


def test_a_padding_value_that_occurs_in_the_patient_is_left_alone(tmp_path):
    array = tissue()
    write_stack(tmp_path, array, PixelPaddingValue=1024 + 50)
    assert np.array_equal(read_ct(tmp_path).volume.array, array)


def test_run_length_encoding_is_read(tmp_path):
    array = tissue()
    files = write_stack(tmp_path, array, compress=RLELossless)
    assert pydicom.dcmread(files[0]).file_meta.TransferSyntaxUID == RLELossless
    assert np.array_equal(read_ct(tmp_path).volume.array, array)


@pytest.mark.parametrize(
    ("compressor", "syntax"), [("JPEG2000", "1.2.840.10008.1.2.4.90"), ("JPEG", "1.2.840.10008.1.2.4.70")]
)
def test_lossless_jpeg_is_read(tmp_path, compressor, syntax):
    array = tissue()
    for file in write_stack(tmp_path / "in", array):
        pack(file, compressor)
        assert pydicom.dcmread(file).file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(read_ct(tmp_path / "in").volume.array, array)


def test_cut_off_compressed_pixels_are_refused(tmp_path):
    file = write_stack(tmp_path, tissue(), compress=RLELossless)[4]
    file.write_bytes(file.read_bytes()[:-400])
    assert file.name in refusal(tmp_path)


def test_pixels_in_an_unknown_compression_are_refused(tmp_path):
    files = write_stack(tmp_path, tissue())
    data = pydicom.dcmread(files[3])
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG-2
    data.PixelData = pydicom.encaps.encapsulate([data.PixelData])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.save_as(files[3])
    assert files[3].name in refusal(tmp_path)


def test_an_offset_left_in_is_refused(tmp_path):
    write_stack(tmp_path, tissue(), RescaleIntercept="0")
    assert "Hounsfield" in refusal(tmp_path)


# --- slices that are too many, too few, or not slices -------------------------------------------------------------


def test_the_same_file_twice_is_read_once(tmp_path):
    array = tissue()
    for file in write_stack(tmp_path, array)[3:6]:
        (tmp_path / "copy").mkdir(exist_ok=True)
        (tmp_path / "copy" / file.name).write_bytes(file.read_bytes())
    assert np.array_equal(read_ct(tmp_path).volume.array, array)


def test_a_slice_sent_twice_under_two_uids_is_read_once(tmp_path):
    array = tissue()
    write_stack(tmp_path, array)
    write_stack(tmp_path, array[:, :, :2], prefix="again")
    assert np.array_equal(read_ct(tmp_path).volume.array, array)


def test_different_slices_at_one_place_are_refused(tmp_path):
    write_stack(tmp_path, tissue())
    write_stack(tmp_path, tissue(seed=1), prefix="other")
    assert "same place" in refusal(tmp_path)


def test_a_missing_slice_is_refused_with_its_place(tmp_path):
    files = write_stack(tmp_path, tissue())
    files[6].unlink()
    message = refusal(tmp_path)
    assert "missing" in message and "6 mm apart instead of 3 mm" in message and "S 118 mm" in message
    assert files[5].name in message and files[7].name in message


def test_too_few_slices_are_refused(tmp_path):
    write_stack(tmp_path, tissue()[:, :, :5])
    assert "15 mm" in refusal(tmp_path)
    (tmp_path / "one").mkdir()
    write_slice(tmp_path / "one" / "a.dcm", tissue()[:, :, 0], ORIGIN)
    assert "1 slices" in refusal(tmp_path / "one")


SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
STRANGERS = {
    "localizer": {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
    "secondary capture": {"SOPClassUID": SECONDARY_CAPTURE, "ImageType": ["DERIVED", "SECONDARY"]},
    "PT": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.128", "Modality": "PT"},
    "MR": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR"},
    "projection": {"ImageType": ["DERIVED", "SECONDARY", "MIP"]},
    "MGML": {"RescaleType": "MGML"},
    "multi-frame": {"NumberOfFrames": 2},
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_is_no_slice_is_left_out(tmp_path, kind):
    array = tissue()
    write_stack(tmp_path, array)
    write_slice(tmp_path / "aaa.dcm", tissue(seed=3)[:, :, 0].T, (-30.0, -40.0, 119.0), **STRANGERS[kind])
    assert np.array_equal(read_ct(tmp_path).volume.array, array)


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_is_no_slice_is_refused_when_alone(tmp_path, kind):
    write_stack(tmp_path, tissue(), **STRANGERS[kind])
    message = refusal(tmp_path)
    assert f"{SIZE[2]} x" in message and kind in message


def test_colour_is_refused(tmp_path):
    for file in write_stack(tmp_path, tissue()):
        data = pydicom.dcmread(file)
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
        data.PixelData = np.zeros((data.Rows, data.Columns, 3), np.uint8).tobytes()
        data.save_as(file)
    assert "colour" in refusal(tmp_path)


def test_other_files_in_the_folder_do_no_harm(tmp_path):
    array = tissue()
    write_stack(tmp_path / "a" / "b", array)
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / "a" / ".hidden").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "a" / "empty").touch()
    assert np.array_equal(read_ct(tmp_path).volume.array, array)


def test_cut_off_pixels_are_refused(tmp_path):
    file = write_stack(tmp_path, tissue())[4]
    file.write_bytes(file.read_bytes()[:-300])
    assert file.name in refusal(tmp_path)


def test_a_cut_off_header_is_refused(tmp_path):
    file = write_stack(tmp_path, tissue())[4]
    file.write_bytes(file.read_bytes()[:600])
    assert file.name in refusal(tmp_path)


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_a_slice_without_geometry_is_refused(tmp_path, keyword):
    write_stack(tmp_path, tissue(), **{keyword: None})
    words = {"ImagePositionPatient": "position", "ImageOrientationPatient": "orientation", "PixelSpacing": "spacing"}
    assert words[keyword] in refusal(tmp_path)


def test_sheared_orientation_is_refused(tmp_path):
    write_stack(tmp_path, tissue(), axes=((1.0, 0.0, 0.0), (0.3, 0.95, 0.0)))
    assert "geometry" in refusal(tmp_path)


def test_one_dicom_file_asks_for_its_folder(tmp_path):
    assert "folder" in refusal(write_stack(tmp_path, tissue())[0])


def test_without_pydicom_dicom_is_refused_with_how_to_install_it(tmp_path, monkeypatch):
    write_stack(tmp_path, tissue())
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert "pip install pydicom" in refusal(tmp_path)


# --- several stacks ----------------------------------------------------------------------------------------------


def test_interleaved_acquisitions_of_one_series_are_told_apart(tmp_path):
    long, short = tissue(), tissue((20, 24, 9), seed=5)
    write_stack(tmp_path, long, AcquisitionNumber=4, prefix="a")
    write_stack(tmp_path, short, AcquisitionNumber=7, prefix="b", origin=(-30.0, -40.0, 110.75))
    ct = read_ct(tmp_path)
    assert np.array_equal(ct.volume.array, long)
    assert "acquisition 4, one of 2" in ct.acquisition.series_description


@pytest.mark.parametrize(
    "difference",
    [
        {"ConvolutionKernel": "BONE"},
        {"AcquisitionNumber": 2},
        {"TemporalPositionIdentifier": 2},
        {"AcquisitionTime": "101500"},
        {"KVP": "80"},
        {"SliceThickness": "5"},
    ],
    ids=lambda d: next(iter(d)),
)
def test_two_reconstructions_in_one_series_are_not_mixed(tmp_path, difference):
    one, two = tissue(), tissue(seed=1)
    write_stack(tmp_path, one, TemporalPositionIdentifier=1, AcquisitionTime="101000", prefix="a")
    write_stack(
        tmp_path, two, **{"TemporalPositionIdentifier": 1, "AcquisitionTime": "101000"} | difference, prefix="b"
    )
    array = read_ct(tmp_path).volume.array
    assert np.array_equal(array, one) or np.array_equal(array, two)


def test_interleaved_scans_that_nothing_tells_apart_are_refused(tmp_path):
    write_stack(tmp_path, tissue(), prefix="a")
    write_stack(tmp_path, tissue(seed=1), prefix="b", origin=(-30.0, -40.0, 100.7))
    assert "several scans were mixed" in refusal(tmp_path)


def test_a_stray_slice_is_refused_with_its_place(tmp_path):
    write_stack(tmp_path, tissue())
    write_slice(tmp_path / "stray.dcm", tissue(seed=1)[:, :, 0].T, (-30.0, -40.0, 119.0))
    message = refusal(tmp_path)
    assert "too close" in message and "stray.dcm" in message


def test_rotations_counted_as_acquisitions_stay_together(tmp_path):
    array = tissue()
    write_stack(tmp_path, array, AcquisitionNumber=lambda k: k // 2 + 1, AcquisitionTime=lambda k: f"1010{k // 2:02}")
    assert np.array_equal(read_ct(tmp_path).volume.array, array)


def two_series(folder: Path, **second: object) -> tuple[np.ndarray, np.ndarray]:
    one, two = tissue((20, 24, 22)), tissue((20, 24, 22), seed=1)
    write_stack(folder, one, SeriesInstanceUID="1.2.3.1", SeriesDescription="THORAX", prefix="a")
    write_stack(folder, two, **{"SeriesInstanceUID": "1.2.3.2", "SeriesDescription": "OTHER"} | second, prefix="b")
    return one, two


@pytest.mark.parametrize(
    "second",
    [
        {"ConvolutionKernel": "LUNG"},
        {"ConvolutionKernel": "Br64d"},
        {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]},
        {"axes": ORIENTATIONS["sagittal"], "ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]},
    ],
    ids=["lung kernel", "sharp kernel", "derived", "sagittal"],
)
def test_the_series_that_suits_best_is_taken_and_named(tmp_path, second):
    wanted, _ = two_series(tmp_path, **second)
    ct = read_ct(tmp_path)
    assert np.array_equal(ct.volume.array, wanted)
    assert ct.acquisition.series_instance_uid == "1.2.3.1"
    assert "THORAX" in ct.acquisition.series_description


def test_thin_slices_are_taken_where_both_cover_the_same(tmp_path):
    thin = tissue((20, 24, 22))
    write_stack(tmp_path, thin, SeriesInstanceUID="1.2.3.1", prefix="a")
    write_stack(tmp_path, tissue((20, 24, 13)), SeriesInstanceUID="1.2.3.2", spacing=(2.0, 2.0, 5.0), prefix="b")
    assert np.array_equal(read_ct(tmp_path).volume.array, thin)


def test_a_series_can_be_picked(tmp_path):
    _, picked = two_series(tmp_path, ConvolutionKernel="LUNG")
    ct = read_ct(tmp_path, "1.2.3.2")
    assert np.array_equal(ct.volume.array, picked)
    assert ct.acquisition.series_instance_uid == "1.2.3.2"


def test_an_unknown_series_is_refused_with_those_found(tmp_path):
    two_series(tmp_path)
    message = refusal(tmp_path, series_uid="9.9")
    assert "1.2.3.1" in message and "1.2.3.2" in message


def test_picking_a_series_that_is_no_ct_says_what_it_is(tmp_path):
    two_series(tmp_path, SOPClassUID="1.2.840.10008.5.1.4.1.1.4", Modality="MR")
    assert "MR" in refusal(tmp_path, series_uid="1.2.3.2")


def trunk(slices: int, lungs_from: int) -> np.ndarray:
    """A body in air, 80 x 60 pixels, with lungs from a slice upwards."""
    random = np.random.default_rng(2)
    x, y = np.meshgrid(np.linspace(-1.2, 1.2, 80), np.linspace(-1.2, 1.2, 60), indexing="ij")
    plane = np.where(x**2 + y**2 < 1, 40, -1000)
    chest = np.where((np.abs(np.abs(x) - 0.4) < 0.25) & (np.abs(y) < 0.5), -800, plane)
    array = np.stack([chest if k >= lungs_from else plane for k in range(slices)], axis=2)
    array[38:42, 40:46] = 200
    return (array + random.normal(0, 10, array.shape)).astype(np.int16)


def test_the_stack_below_the_lungs_beats_a_longer_chest(tmp_path):
    abdomen, chest = trunk(40, lungs_from=34), trunk(60, lungs_from=5)
    write_stack(tmp_path, chest, spacing=(4.0, 4.0, 5.0), origin=(0, 0, 150.0), AcquisitionNumber=1, prefix="c")
    write_stack(tmp_path, abdomen, spacing=(4.0, 4.0, 5.0), origin=(0, 0, 1.7), AcquisitionNumber=2, prefix="a")
    ct = read_ct(tmp_path)
    assert np.array_equal(ct.volume.array, np.maximum(abdomen, -1024))
    assert "acquisition 2, one of 2" in ct.acquisition.series_description


# --- what is told about the acquisition --------------------------------------------------------------------------


def test_acquisition_is_told(tmp_path):
    scanner = {"Manufacturer": "SIEMENS", "ManufacturerModelName": "Sensation 64"}
    write_stack(tmp_path, tissue(), ContrastBolusAgent="OMNIPAQUE", SeriesDescription="ABDOMEN 3.0", **scanner)
    told = read_ct(tmp_path).acquisition
    assert (told.format, told.path, told.series_instance_uid) == ("DICOM", tmp_path.name, "1.2.3.4.5")
    assert (told.kvp, told.kernel, told.contrast_agent) == (120.0, "STANDARD", "OMNIPAQUE")
    assert (told.scanner, told.slice_thickness_mm) == ("SIEMENS Sensation 64", 3.0)
    assert told.series_description == 'series 3 "ABDOMEN 3.0", 14 slices 3 mm apart, kernel STANDARD'


def test_contrast_is_none_where_unknown_and_empty_where_denied(tmp_path):
    for agent, told in (("", None), ("NONE", ""), ("Iopamidol", "Iopamidol")):
        write_stack(tmp_path / str(agent), tissue(), ContrastBolusAgent=agent)
        assert read_ct(tmp_path / str(agent) if agent else tmp_path).acquisition.contrast_agent == told


def test_what_the_header_lacks_is_none(tmp_path):
    write_stack(tmp_path, tissue(), KVP=None, ConvolutionKernel=None, Manufacturer=None, ManufacturerModelName=None)
    told = read_ct(tmp_path).acquisition
    assert told.kvp is None and told.kernel is None and told.scanner is None and told.contrast_agent is None


def test_the_patient_is_never_named(tmp_path):
    write_stack(
        tmp_path,
        tissue(),
        SeriesDescription="CT of MUSTERMANN",
        ContrastBolusAgent="for PID-4711",
        ConvolutionKernel="erika",
        Manufacturer="SIEMENS",
        ManufacturerModelName="born 19380515",
    )
    told = " ".join(str(v) for v in dataclasses.asdict(read_ct(tmp_path).acquisition).values()).lower()
    told = told.replace(str(tmp_path).lower(), "")
    for secret in ("mustermann", "erika", "4711", "19380515"):
        assert secret not in told
    assert "siemens" in told


# --- zip ---------------------------------------------------------------------------------------------------------


def zipped(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(f for f in folder.rglob("*") if f.is_file()):
            archive.write(file, file.relative_to(folder))
    return path


def test_a_zip_of_a_folder_is_read(tmp_path):
    array = tissue()
    write_stack(tmp_path / "in" / "deep", array)
    ct = read_ct(zipped(tmp_path / "study.zip", tmp_path / "in"))
    assert np.array_equal(ct.volume.array, array)
    assert ct.acquisition.path == "study.zip"


@pytest.mark.parametrize("suffix", [".nii.gz", ".mhd"])
def test_a_zip_of_one_image_file_is_read(tmp_path, suffix):
    (tmp_path / "in").mkdir()
    volume = Volume(tissue(), Grid(SIZE, np.diag([2.0, 2.0, 3.0, 1.0])))
    sitk.WriteImage(volume.to_sitk(), str(tmp_path / "in" / f"ct{suffix}"))
    ct = read_ct(zipped(tmp_path / "ct.zip", tmp_path / "in"))
    assert np.array_equal(ct.volume.array, volume.array)
    assert ct.acquisition.path == "ct.zip"


def test_a_refusal_names_the_file_in_the_zip(tmp_path):
    files = write_stack(tmp_path / "in" / "deep", tissue())
    files[6].unlink()
    message = refusal(zipped(tmp_path / "study.zip", tmp_path / "in"))
    assert f"study.zip: deep/{files[5].name}" in message.replace("\\", "/")
    assert "opportunistic-bmd-" not in message


def test_a_zip_with_two_image_files_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.nii", "b.nii"):
        sitk.WriteImage(Volume(tissue(), Grid(SIZE, np.eye(4))).to_sitk(), str(tmp_path / "in" / name))
    assert "2 image files" in refusal(zipped(tmp_path / "ct.zip", tmp_path / "in"))


def test_a_zip_without_ct_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("hello")
    assert "no DICOM" in refusal(zipped(tmp_path / "ct.zip", tmp_path / "in"))


@pytest.mark.parametrize("name", ["../outside.dcm", "/outside.dcm", "a/../../outside.dcm", "..\\outside.dcm", "C:/x"])
def test_a_zip_that_reaches_outside_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(name, b"x")
    assert "leave its folder" in refusal(tmp_path / "evil.zip")
    assert [f.name for f in tmp_path.parent.rglob("outside.dcm")] == []


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    from OpportunisticBMDLib.reading import archive

    monkeypatch.setattr(archive, "_SMALL_BYTES", 2**20)
    monkeypatch.setattr(archive, "_unpack_member", lambda *_: pytest.fail("unpacked"))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("a.dcm", bytes(2**24))
    assert "grow" in refusal(tmp_path / "bomb.zip")


def test_a_damaged_zip_is_refused(tmp_path):
    write_stack(tmp_path / "in", tissue())
    path = zipped(tmp_path / "study.zip", tmp_path / "in")
    content = bytearray(path.read_bytes())
    content[300:600] = bytes(300)
    path.write_bytes(content)
    assert "damaged" in refusal(path)


# --- real data ---------------------------------------------------------------------------------------------------


def test_real_series_with_two_acquisitions_gives_the_one_with_the_spine():
    path = DATA / "unlabelled" / "tcga-bc-a3kf-dicom.zip"
    if not path.exists():
        pytest.skip("the real DICOM zip is not here")
    ct = read_ct(path)
    assert ct.volume.grid.size == (512, 512, 37)
    assert np.allclose(ct.volume.grid.spacing, (0.625, 0.625, 5.0))
    assert "acquisition 1, one of 3" in ct.acquisition.series_description
    assert (ct.acquisition.kvp, ct.acquisition.kernel) == (120.0, "STANDARD")
    assert "A3KF" not in str(ct.acquisition).replace(str(path), "").upper()
    # T12 to L2 lie in slices 13 to 31, counted from the feet.
    assert ct.volume.grid.ras_of((0, 0, 13))[2] < ct.volume.grid.ras_of((0, 0, 31))[2]
    assert ct.volume.array.min() == -1024
