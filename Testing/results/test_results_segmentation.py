"""Masks keep their place in space on every grid, in 3D Slicer's format and back."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import slicerio

from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import LPS_FROM_RAS, Grid
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.dicom.codes import SEGMENT_COLOURS, VERTEBRA_CODES
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation

ORIENTATIONS = ("straight", "flipped", "left-handed", "oblique", "coronal")


def labels_on(orientation: str) -> Volume:
    return synthetic_case(grid_of(orientation))[1].labels


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_segments_are_where_the_labels_were(orientation, tmp_path):
    labels = labels_on(orientation)
    write_segmentation(labels, tmp_path / "s.seg.nrrd")

    by_itk = Volume.from_sitk(sitk.ReadImage(str(tmp_path / "s.seg.nrrd")))
    assert by_itk.grid.is_close(labels.grid)
    assert np.array_equal(by_itk.array, labels.array)

    by_slicerio = slicerio.read_segmentation(str(tmp_path / "s.seg.nrrd"))
    assert np.allclose(by_slicerio["ijkToLPS"], LPS_FROM_RAS @ labels.grid.affine)
    for name in VERTEBRAE:
        assert np.array_equal(slicerio.segment_mask(by_slicerio, name), labels.array == LABELS[name])


def test_segments_carry_slicers_terminology_and_fixed_colours(tmp_path):
    write_segmentation(labels_on("straight"), tmp_path / "s.seg.nrrd")
    segments = slicerio.read_segmentation(str(tmp_path / "s.seg.nrrd"))["segments"]
    assert [(s["name"], s["labelValue"], s["layer"]) for s in segments] == [("T12", 1, 0), ("L1", 2, 0), ("L2", 3, 0)]
    for segment in segments:
        assert segment["color"] == pytest.approx(SEGMENT_COLOURS[segment["name"]])
        assert segment["terminology"]["category"] == ["SCT", "123037004", "Anatomical Structure"]
        assert segment["terminology"]["type"][:2] == ["SCT", VERTEBRA_CODES[segment["name"]].value]
    header = sitk.ReadImage(str(tmp_path / "s.seg.nrrd"))
    tags = header.GetMetaData("Segment1_Tags")
    assert tags.endswith("~SCT^66794005^L1 vertebra~^^~Anatomic codes - DICOM master list~^^~^^|")
    assert header.GetMetaData("Segmentation_MasterRepresentation") == "Binary labelmap"


def test_an_empty_segment_is_listed_all_the_same(tmp_path):
    labels = labels_on("straight")
    without_t12 = Volume(np.where(labels.array == 1, 0, labels.array).astype(np.uint8), labels.grid)
    write_segmentation(without_t12, tmp_path / "s.seg.nrrd")
    assert slicerio.segment_names(slicerio.read_segmentation(str(tmp_path / "s.seg.nrrd"))) == ["T12", "L1", "L2"]
    assert np.array_equal(read_segmentation(tmp_path / "s.seg.nrrd", labels.grid).array, without_t12.array)


def test_other_values_are_not_written(tmp_path):
    labels = labels_on("straight")
    with pytest.raises(ValueError, match="0 to 3"):
        write_segmentation(Volume(labels.array + 3, labels.grid), tmp_path / "s.seg.nrrd")


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("name", ("s.seg.nrrd", "s.nii.gz", "s.nrrd", "s.mha"))
def test_what_was_written_is_read_back(orientation, name, tmp_path):
    labels = labels_on(orientation)
    if name.endswith(".seg.nrrd"):
        write_segmentation(labels, tmp_path / name)
    else:
        sitk.WriteImage(labels.to_sitk(), str(tmp_path / name))
    read = read_segmentation(tmp_path / name, labels.grid)
    assert read.grid.is_close(labels.grid) and read.array.dtype == np.uint8
    assert np.array_equal(read.array, labels.array)


def test_a_file_cropped_to_its_segments_is_put_back_in_place(tmp_path):
    """3D Slicer saves only the part of the grid that holds segments."""
    labels = labels_on("oblique")
    index = np.argwhere(labels.array)
    start, stop = index.min(axis=0), index.max(axis=0) + 1
    part = labels.array[tuple(slice(a, b) for a, b in zip(start, stop))]
    write_segmentation(Volume(part, labels.grid.cropped(start, stop - start)), tmp_path / "s.seg.nrrd")
    assert np.array_equal(read_segmentation(tmp_path / "s.seg.nrrd", labels.grid).array, labels.array)


def test_masks_of_another_grid_keep_their_place_and_volume(tmp_path):
    source, target = labels_on("oblique"), grid_of("flipped", size=(120, 112, 144), spacing=(1.0, 1.1, 1.0))
    write_segmentation(source, tmp_path / "s.seg.nrrd")
    read = read_segmentation(tmp_path / "s.seg.nrrd", target)
    assert read.grid is target
    for label in LABELS.values():
        was, now = ((v.grid.ras_of(np.argwhere(v.array == label)), v.grid.voxel_volume) for v in (source, read))
        assert np.allclose(was[0].mean(axis=0), now[0].mean(axis=0), atol=0.3)
        assert len(was[0]) * was[1] == pytest.approx(len(now[0]) * now[1], rel=0.03)


def test_overlapping_layers_are_read(tmp_path):
    labels = labels_on("left-handed")
    segmentation = slicerio.create_segmentation(labels.grid.size, LPS_FROM_RAS @ labels.grid.affine)
    l1 = labels.array == LABELS["L1"]
    slicerio.add_segment(segmentation, np.ones_like(l1), {"id": "a", "name": "everything"})
    slicerio.add_segment(segmentation, l1, {"id": "b", "name": " l1 "})
    slicerio.add_segment(segmentation, labels.array == LABELS["L2"], {"id": "c", "name": "L2"})
    slicerio.write_segmentation(str(tmp_path / "s.seg.nrrd"), segmentation)
    assert segmentation["voxels"].ndim == 4
    read = read_segmentation(tmp_path / "s.seg.nrrd", labels.grid)
    assert np.array_equal(read.array, np.where(labels.array == LABELS["T12"], 0, labels.array))


def test_segments_are_found_by_their_code(tmp_path):
    labels = labels_on("straight")
    segmentation = slicerio.create_segmentation(labels.grid.size, LPS_FROM_RAS @ labels.grid.affine)
    body = {"category": ["SCT", "123037004", "Anatomical Structure"], "type": ["SCT", "3572006", "Vertebral body"]}
    for name in VERTEBRAE:
        terminology = {**body, "anatomicRegion": list(VERTEBRA_CODES[name].triple)}
        slicerio.add_segment(
            segmentation,
            labels.array == LABELS[name],
            {"id": f"Segment_{name}", "name": f"Wirbel {name}", "terminology": terminology},
        )
    slicerio.write_segmentation(str(tmp_path / "s.seg.nrrd"), segmentation)
    assert np.array_equal(read_segmentation(tmp_path / "s.seg.nrrd", labels.grid).array, labels.array)


def named_segments(path, labels: Volume, *names: str) -> None:
    segmentation = slicerio.create_segmentation(labels.grid.size, LPS_FROM_RAS @ labels.grid.affine)
    for number, name in enumerate(names):
        slicerio.add_segment(segmentation, labels.array == 1, {"id": str(number), "name": name})
    slicerio.write_segmentation(str(path), segmentation)


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="no segmentation file"):
        read_segmentation(tmp_path / "none.seg.nrrd", grid_of("straight"))


def test_other_segments_are_bad_input(tmp_path):
    named_segments(tmp_path / "s.seg.nrrd", labels_on("straight"), "liver", "spleen")
    with pytest.raises(BadInput, match="it has: liver, spleen"):
        read_segmentation(tmp_path / "s.seg.nrrd", grid_of("straight"))


def test_two_segments_of_one_vertebra_are_bad_input(tmp_path):
    named_segments(tmp_path / "s.seg.nrrd", labels_on("straight"), "L1", "L1")
    with pytest.raises(BadInput, match="2 segments for L1"):
        read_segmentation(tmp_path / "s.seg.nrrd", grid_of("straight"))


def test_empty_segments_are_bad_input(tmp_path):
    grid = grid_of("straight")
    write_segmentation(Volume(np.zeros(grid.size, np.uint8), grid), tmp_path / "s.seg.nrrd")
    with pytest.raises(BadInput, match="all empty"):
        read_segmentation(tmp_path / "s.seg.nrrd", grid)


def test_masks_outside_the_ct_are_bad_input(tmp_path):
    write_segmentation(labels_on("straight"), tmp_path / "s.seg.nrrd")
    with pytest.raises(BadInput, match="outside the CT"):
        read_segmentation(tmp_path / "s.seg.nrrd", Grid.axis_aligned((40, 40, 40), (2, 2, 2), (500, 0, 0)))


def test_a_label_map_with_other_numbers_is_bad_input(tmp_path):
    """TotalSegmentator's 1, 2, 3 are spleen and kidneys."""
    labels = labels_on("straight")
    sitk.WriteImage(Volume(labels.array * 9, labels.grid).to_sitk(), str(tmp_path / "s.nii.gz"))
    with pytest.raises(BadInput, match="9, 18, 27"):
        read_segmentation(tmp_path / "s.nii.gz", labels.grid)


@pytest.mark.parametrize("name", ("s.seg.nrrd", "s.nii.gz", "s.txt"))
def test_a_broken_file_is_bad_input(name, tmp_path):
    (tmp_path / name).write_bytes(b"NRRD0004\nno image at all\n")
    with pytest.raises(BadInput, match="is damaged"):
        read_segmentation(tmp_path / name, grid_of("straight"))


def test_a_file_cut_off_in_the_middle_is_bad_input(tmp_path):
    labels = labels_on("straight")
    write_segmentation(labels, tmp_path / "s.seg.nrrd")
    whole = (tmp_path / "s.seg.nrrd").read_bytes()
    (tmp_path / "s.seg.nrrd").write_bytes(whole[: len(whole) - 300])
    with pytest.raises(BadInput, match="is damaged"):
        read_segmentation(tmp_path / "s.seg.nrrd", labels.grid)
