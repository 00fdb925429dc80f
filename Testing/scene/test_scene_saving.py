"""What was measured is saved with the scene and as files, and comes back from them."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
import pytest

from example_results import box_of as example_box
from example_results import normal, osteoporosis, review
from grids import GRIDS, every_grid
from mrml import ct_on, edit, new_scene, slicer, three_blocks, transform, turn, vtk
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.dicom.codes import SEGMENT_COLOURS
from OpportunisticBMDLib.results.json_file import as_json
from OpportunisticBMDLib.results.segmentation_file import read_segmentation, write_segmentation
from OpportunisticBMDLib.scene.box import box_of, create_roi, moved_by_hand
from OpportunisticBMDLib.scene.result_table import (
    create_table,
    is_outdated,
    mark_outdated,
    result_of,
    result_tables,
    roi_node_of,
    segmentation_node_of,
    table_for,
    volume_node_of,
)
from OpportunisticBMDLib.scene.segmentation import (
    create_segmentation,
    labels_of,
    relabel,
    segment_of_vertebra,
    segmentation_of,
)
from OpportunisticBMDLib.scene.volumes import node_from_volume, volume_of


def measured(scene, grid, name, result):
    return measured_on(node_from_volume(scene, ct_on(grid), name), grid, result)


def measured_on(volume_node, grid, result):
    scene = volume_node.GetScene()
    segmentation_node = create_segmentation(scene, three_blocks(grid), volume_node)
    roi = create_roi(scene, example_box(), volume_node=volume_node)
    return create_table(scene, result, volume_node, segmentation_node, roi)


def reopened(scene, path):
    assert scene.WriteToMRB(str(path))
    fresh = new_scene()
    assert fresh.ReadFromMRB(str(path))
    return fresh


def as_it_lay(read: Volume, grid: Grid) -> np.ndarray:
    """The voxels in the order of a grid: 3D Slicer turns left-handed volumes into right-handed ones as it reads them.

    Every voxel centre has to be where it was.
    """
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.size), indexing="ij"), axis=-1)
    place = read.grid.index_of(grid.ras_of(index))
    assert np.abs(place - np.rint(place)).max() < 0.01
    return read.array[tuple(np.moveaxis(np.rint(place).astype(int), -1, 0))]


@every_grid
def test_volume_masks_box_and_result_come_back_from_a_bundle(grid, tmp_path):
    scene = new_scene()
    measured(scene, grid, "CT", review())
    fresh = reopened(scene, tmp_path / "case.mrb")
    (table,) = result_tables(fresh)
    volume = volume_of(volume_node_of(table))
    assert np.array_equal(as_it_lay(volume, grid), ct_on(grid).array)
    masks = segmentation_of(segmentation_node_of(table), volume.grid)
    assert np.array_equal(as_it_lay(masks.labels, grid), three_blocks(grid).labels.array)
    assert masks.confidence == three_blocks(grid).confidence
    assert box_of(roi_node_of(table)).ras_mm == pytest.approx(example_box().ras_mm)
    assert box_of(roi_node_of(table)).score == example_box().score and not moved_by_hand(roi_node_of(table))
    assert as_json(result_of(table)) == as_json(review())
    assert not is_outdated(table)


def test_names_places_and_colours_come_back_from_a_bundle(tmp_path):
    scene, grid = new_scene(), GRIDS["oblique"]
    volume_node = node_from_volume(scene, ct_on(grid), "CT")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    hierarchy.CreateItem(hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study"), volume_node)
    table = measured_on(volume_node, grid, normal())
    relabel(segmentation_node_of(table), 1)
    mark_outdated(table)
    fresh = reopened(scene, tmp_path / "case.mrb")
    (table,) = result_tables(fresh)
    node = segmentation_node_of(table)
    expected = np.select([three_blocks(grid).labels.array == n for n in (1, 2)], (2, 3), 0)
    assert np.array_equal(labels_of(node, grid).array, expected)
    colour = node.GetSegmentation().GetSegment(segment_of_vertebra(node, "L2")).GetColor()
    assert colour == pytest.approx(SEGMENT_COLOURS["L2"], abs=0.005)
    relabel(node, -1)
    assert np.array_equal(labels_of(node, grid).array, three_blocks(grid).labels.array)
    assert is_outdated(table)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(fresh)
    parents = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(n)) for n in (node, table, volume_node_of(table))}
    assert [hierarchy.GetItemName(parent) for parent in parents] == ["Study"]


def test_a_transformed_case_comes_back_from_a_bundle(tmp_path):
    scene, grid = new_scene(), GRIDS["left-handed"]
    volume_node = node_from_volume(scene, ct_on(grid), "CT")
    volume_node.SetAndObserveTransformNodeID(transform(scene, turn()).GetID())
    in_world = volume_of(volume_node).grid
    create_table(scene, normal(), volume_node, create_segmentation(scene, three_blocks(in_world), volume_node))
    (table,) = result_tables(reopened(scene, tmp_path / "case.mrb"))
    read = volume_of(volume_node_of(table))
    assert np.array_equal(as_it_lay(read, in_world), ct_on(grid).array)
    labels = labels_of(segmentation_node_of(table), read.grid)
    assert np.array_equal(as_it_lay(labels, in_world), three_blocks(in_world).labels.array)


def test_two_volumes_stay_apart_in_a_bundle_and_when_it_is_added_to_a_scene(tmp_path):
    scene = new_scene()
    measured(scene, GRIDS["oblique"], "First", normal())
    measured(scene, GRIDS["left-handed"], "Second", osteoporosis())
    assert scene.WriteToMRB(str(tmp_path / "both.mrb"))
    other = new_scene()
    measured(other, GRIDS["permuted"], "Third", review())
    assert other.ReadFromMRB(str(tmp_path / "both.mrb"), False)
    expected = {
        "First": (GRIDS["oblique"], normal()),
        "Second": (GRIDS["left-handed"], osteoporosis()),
        "Third": (GRIDS["permuted"], review()),
    }
    assert len(result_tables(other)) == 3
    for table in result_tables(other):
        volume_node = volume_node_of(table)
        grid, result = expected.pop(volume_node.GetName())
        assert np.array_equal(as_it_lay(volume_of(volume_node), grid), ct_on(grid).array)
        assert table_for(other, volume_node) is table
        assert as_json(result_of(table)) == as_json(result)
        labels = labels_of(segmentation_node_of(table), grid)
        assert np.array_equal(labels.array, three_blocks(grid).labels.array)
    assert not expected


def test_a_reader_without_the_extension_finds_a_plain_table(tmp_path):
    scene = new_scene()
    measured(scene, GRIDS["canonical"], "CT", review())
    assert scene.WriteToMRB(str(tmp_path / "case.mrb"))
    with zipfile.ZipFile(tmp_path / "case.mrb") as bundle:
        (name,) = [n for n in bundle.namelist() if n.endswith("BMD.tsv")]
        text = bundle.read(name).decode()
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [row["Vertebra"] for row in rows[:4]] == ["T12", "L1", "L2", "Mean of T12 and L1"]
    assert float(rows[3]["BMD (mg/cm³ HA)"]) == 112.4
    assert all(None not in row and None not in row.values() for row in rows)


@every_grid
def test_what_slicer_saves_is_read_by_the_command_line(grid, tmp_path):
    scene = new_scene()
    volume_node = node_from_volume(scene, ct_on(grid), "CT")
    node = create_segmentation(scene, three_blocks(grid), volume_node)
    drawn = Volume(np.roll(three_blocks(grid).labels.array == 2, 6, axis=0), grid)
    edit(node, "L1", drawn)
    saved = tmp_path / "s.seg.nrrd"
    storage = slicer.vtkMRMLSegmentationStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(saved))
    assert storage.WriteData(node)
    assert np.array_equal(read_segmentation(saved, grid).array, labels_of(node, grid).array)


@every_grid
def test_what_the_command_line_saves_is_read_by_slicer(grid, tmp_path):
    labels = three_blocks(grid).labels
    saved = tmp_path / "s.seg.nrrd"
    write_segmentation(labels, saved)
    scene = new_scene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Read")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(saved))
    assert storage.ReadData(node)
    assert np.array_equal(labels_of(node, grid).array, labels.array)
    made_here = create_segmentation(scene, three_blocks(grid), node_from_volume(scene, ct_on(grid), "CT"))
    for name in ("T12", "L1", "L2"):
        one, two = (n.GetSegmentation().GetSegment(segment_of_vertebra(n, name)) for n in (node, made_here))
        assert (one.GetName(), one.GetColor()) == (two.GetName(), pytest.approx(two.GetColor(), abs=1e-5))
        tags = vtk.reference(""), vtk.reference("")
        assert one.GetTag("TerminologyEntry", tags[0]) and two.GetTag("TerminologyEntry", tags[1])
        assert str(tags[0]) == str(tags[1])
