"""Masks that were given in a file: the file that was named, at the place that it states, under whatever name."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import slicerio

from example_results import grid_of, synthetic_case
from image_files import metaimage_file, nrrd_file
from mask_refusals import refusal
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.dicom.terminology import spelled_vertebra
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation


@pytest.fixture(scope="module")
def labels() -> Volume:
    return synthetic_case(grid_of("oblique"))[1].labels


def same(path: Path, labels: Volume) -> bool:
    return np.array_equal(read_segmentation(path, labels.grid).array, labels.array)


# --- which file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["s.nii", "s.nii.gz"])
def test_of_two_files_of_one_base_name_the_named_one_is_read(tmp_path, labels, named):
    only_l1 = Volume((labels.array == LABELS["L1"]).astype(np.uint8), labels.grid)
    sitk.WriteImage(only_l1.to_sitk(), str(tmp_path / ("s.nii.gz" if named == "s.nii" else "s.nii")))
    sitk.WriteImage(labels.to_sitk(), str(tmp_path / named))
    assert same(tmp_path / named, labels)


@pytest.mark.parametrize(
    ("written", "named"),
    [("s.mha", "S.MHA"), ("s.nii.gz", "s.nii"), ("s.nii", "s.nii.gz"), ("s.seg.nrrd", "s.nrrd"), ("s.seg.nrrd", "S")],
)
def test_masks_are_what_their_content_is(tmp_path, labels, written, named):
    if written.endswith(".seg.nrrd"):
        write_segmentation(labels, tmp_path / written)
    else:
        sitk.WriteImage(labels.to_sitk(), str(tmp_path / written))
    assert same((tmp_path / written).rename(tmp_path / "x").rename(tmp_path / named), labels)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_pipes_are_not_waited_for(tmp_path, labels):
    os.mkfifo(tmp_path / "s.seg.nrrd")
    assert "no segmentation file" in refusal(tmp_path / "s.seg.nrrd", labels.grid)
    os.mkfifo(tmp_path / "pipe")
    assert "not there" in refusal(nrrd_file(tmp_path / "s.nhdr", b"", data_file="pipe"), labels.grid)


def test_a_folder_is_no_file(tmp_path, labels):
    assert "is a folder" in refusal(tmp_path, labels.grid)


def test_voxels_outside_the_folder_are_not_read(tmp_path, labels):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.raw").write_bytes(bytes(24 * 20 * 16 * 2))
    header = metaimage_file(tmp_path / "in" / "s.mhd", b"", ElementDataFile="../secret.raw")
    assert "outside its folder" in refusal(header, labels.grid)


# --- where -------------------------------------------------------------------------------------------------------


def written_with(path: Path, labels: Volume, affine: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(labels.array, affine), path)
    return path


@pytest.mark.parametrize(
    "lost",
    [lambda affine: np.eye(4), lambda affine: LPS_FROM_RAS, lambda affine: LPS_FROM_RAS @ affine],
    ids=["identity", "identity in LPS", "LPS as RAS"],
)
def test_masks_of_the_cts_size_in_another_place_have_lost_their_header(tmp_path, labels, lost):
    path = written_with(tmp_path / "s.nii.gz", labels, lost(labels.grid.affine))
    message = refusal(path, labels.grid)
    assert "has the size of the CT" in message and "its header was lost" in message


def test_masks_whose_axes_also_changed_their_order_have_lost_their_header(tmp_path, labels):
    nib.save(nib.Nifti1Image(labels.array.transpose(2, 1, 0), np.eye(4)), tmp_path / "s.nii.gz")
    assert "its header was lost" in refusal(tmp_path / "s.nii.gz", labels.grid)


def test_a_slicer_segmentation_that_lost_its_place_is_refused(tmp_path, labels):
    write_segmentation(Volume(labels.array, Grid(labels.grid.size, np.eye(4))), tmp_path / "s.seg.nrrd")
    assert "its header was lost" in refusal(tmp_path / "s.seg.nrrd", labels.grid)


def test_masks_stored_with_their_axes_in_another_order_keep_their_place(tmp_path, labels):
    mirror = np.diag([-1.0, 1, 1, 1])
    mirror[0, 3] = labels.grid.size[0] - 1
    swap = np.eye(4)[[2, 1, 0, 3]]
    mirrored = nib.Nifti1Image(labels.array[::-1], labels.grid.affine @ mirror)
    swapped = nib.Nifti1Image(labels.array.transpose(2, 1, 0), labels.grid.affine @ swap)
    for number, stored in enumerate((mirrored, swapped)):
        nib.save(stored, tmp_path / f"{number}.nii.gz")
        assert same(tmp_path / f"{number}.nii.gz", labels)


def test_a_place_that_is_rounded_is_the_cts(tmp_path, labels):
    moved = labels.grid.affine.copy()
    moved[:3, 3] += 0.01
    assert same(written_with(tmp_path / "s.nii.gz", labels, moved), labels)


def test_masks_without_a_place_are_refused(tmp_path, labels):
    image = nib.Nifti1Image(labels.array, labels.grid.affine)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "s.nii.gz")
    sitk.WriteImage(labels.to_sitk(), str(tmp_path / "whole.mhd"), False)
    lines = (tmp_path / "whole.mhd").read_text().splitlines()
    (tmp_path / "s.mhd").write_text("\n".join(line for line in lines if not line.startswith("TransformMatrix")))
    write_segmentation(labels, tmp_path / "s.seg.nrrd")
    content = (tmp_path / "s.seg.nrrd").read_bytes().replace(b"space: left-posterior-superior", b"space dimension: 3")
    (tmp_path / "s.seg.nrrd").write_bytes(content)
    for name in ("s.nii.gz", "s.mhd", "s.seg.nrrd"):
        assert "how the patient lies" in refusal(tmp_path / name, labels.grid)


# --- 3D Slicer's segmentations -----------------------------------------------------------------------------------


def test_a_flipped_byte_in_a_segmentation_is_found(tmp_path, labels):
    write_segmentation(labels, tmp_path / "whole.seg.nrrd")
    whole = (tmp_path / "whole.seg.nrrd").read_bytes()
    start = whole.index(b"\n\n") + 2
    for place in (start, start + 3, (start + len(whole)) // 2, len(whole) - 6):
        content = bytearray(whole)
        content[place] ^= 0x55
        (tmp_path / "s.seg.nrrd").write_bytes(content)
        assert "damaged" in refusal(tmp_path / "s.seg.nrrd", labels.grid)


def test_a_packed_segmentation_is_unpacked_no_further_than_its_voxels(tmp_path, labels):
    write_segmentation(labels, tmp_path / "s.seg.nrrd")
    header = (tmp_path / "s.seg.nrrd").read_bytes().partition(b"\n\n")[0]
    packed = gzip.compress(labels.array.tobytes("F") + bytes(2**26), 1)
    (tmp_path / "s.seg.nrrd").write_bytes(header + b"\n\n" + packed)
    assert "more than the" in refusal(tmp_path / "s.seg.nrrd", labels.grid)


@pytest.mark.parametrize(
    ("was", "is_", "reason"),
    [
        (b"Segment0_LabelValue:=1", b"Segment0_LabelValue:=one", "no number"),
        (b"Segment0_Layer:=0", b"Segment0_Layer:=7", "layer"),
        (b"Segment0_Layer:=0", b"Segment0_Layer:=-1", "layer"),
        (b"Segment1_LabelValue:=2", b"Segment1_LabelValue:=1", "one value to several segments"),
        (b"Segment0_Name:=T12", b"Segment0_Name:=L1", "2 segments for L1"),
    ],
)
def test_segments_that_cannot_be_understood_are_named(tmp_path, labels, was, is_, reason):
    write_segmentation(labels, tmp_path / "s.seg.nrrd")
    content = (tmp_path / "s.seg.nrrd").read_bytes()
    assert was in content
    (tmp_path / "s.seg.nrrd").write_bytes(content.replace(was, is_))
    assert reason in refusal(tmp_path / "s.seg.nrrd", labels.grid)


@pytest.mark.parametrize("content", [b"", b"NRRD0005\n\n", b"NRRD0005\ntype: uint8\n\n"])
def test_an_empty_segmentation_is_named(tmp_path, labels, content):
    (tmp_path / "s.seg.nrrd").write_bytes(content)
    assert "damaged" in refusal(tmp_path / "s.seg.nrrd", labels.grid)


def test_segments_of_old_versions_have_a_layer_each(tmp_path, labels):
    """3D Slicer up to 4.10 wrote each segment into a layer of its own, and neither values nor layers."""
    masks = np.array([labels.array == LABELS[name] for name in VERTEBRAE], np.uint8)
    directions = (LPS_FROM_RAS @ labels.grid.affine)[:3, :3].T
    origin = (LPS_FROM_RAS @ labels.grid.affine)[:3, 3]
    nrrd_file(
        tmp_path / "s.seg.nrrd", masks.tobytes("F"), type="unsigned char", dimension="4",
        sizes=" ".join(map(str, masks.shape)), kinds="list domain domain domain", endian=None,
        space_directions="none " + " ".join(f"({x!r},{y!r},{z!r})" for x, y, z in directions.tolist()),
        space_origin="({!r},{!r},{!r})".format(*origin.tolist()),
        after="".join(f"Segment{n}_Name:={name}\n" for n, name in enumerate(VERTEBRAE)),
    )  # fmt: skip
    assert same(tmp_path / "s.seg.nrrd", labels)


# --- what vertebrae are called -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("Th12", "L1", "L2"),
        ("TH 12", "l1", "L-2"),
        ("vertebrae_T12", "vertebrae_L1", "vertebrae_L2"),
        ("BWK12", "LWK1", "LWK2"),
        ("BWK 12", "LWK 1", "2. LWK"),
        ("D12", "L01", "L02"),
        ("T12 vertebra", "L1 vertebra", "L2 vertebral body"),
        ("12th thoracic vertebra", "First lumbar vertebra", "Lumbar vertebra 2"),
        ("Wirbel T12", "Wirbelkoerper L1", "vertebra_body_L2"),
    ],
)
def test_vertebrae_are_found_however_they_are_spelled(tmp_path, labels, names):
    segmentation = slicerio.create_segmentation(labels.grid.size, LPS_FROM_RAS @ labels.grid.affine)
    for number, (vertebra, name) in enumerate(zip(VERTEBRAE, names)):
        slicerio.add_segment(segmentation, labels.array == LABELS[vertebra], {"id": str(number), "name": name})
    slicerio.write_segmentation(str(tmp_path / "s.seg.nrrd"), segmentation)
    content = (tmp_path / "s.seg.nrrd").read_bytes()
    (tmp_path / "s.seg.nrrd").write_bytes(content.replace(b"koerper", "körper".encode()))  # slicerio writes ASCII only
    assert same(tmp_path / "s.seg.nrrd", labels)


@pytest.mark.parametrize(
    "name", ["T12-L1", "L1-L2 disc", "rib_left_12", "Segment_1", "liver", "T", "12", "T14", "L1 (2)"]
)
def test_other_names_are_no_vertebrae(name):
    assert spelled_vertebra(name) is None


def test_a_name_as_it_is_written_here_counts_more_than_other_spellings(tmp_path, labels):
    segmentation = slicerio.create_segmentation(labels.grid.size, LPS_FROM_RAS @ labels.grid.affine)
    for number, name in enumerate(("L1", "LWK1", "L2")):
        value = {"L1": 2, "LWK1": 1, "L2": 3}[name]
        slicerio.add_segment(segmentation, labels.array == value, {"id": str(number), "name": name})
    slicerio.write_segmentation(str(tmp_path / "s.seg.nrrd"), segmentation)
    read = read_segmentation(tmp_path / "s.seg.nrrd", labels.grid)
    assert np.array_equal(read.array, np.where(labels.array == 1, 0, labels.array))
