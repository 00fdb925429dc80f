"""What 3D Slicer makes of the segmentation object: the same masks at the same place, with names, terms and colours.

Slicer 5.12 reads it by DICOMSegmentationPlugin.py, which needs the application. The plugin's steps are taken here one
by one: dcmqi's `segimage2itkimage` unpacks the object, slicer-core's own logic makes segments of it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")
pytest.importorskip("slicer", reason="needs slicer-core")

import slicer
import vtk

from dicom_programs import said_by
from example_results import normal, review
from measured_series import KINDS, series
from mrml import new_scene
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.dicom.codes import ANATOMICAL_STRUCTURE, SEGMENT_COLOURS, VERTEBRA_CODES
from OpportunisticBMDLib.results.dicom_files import MEASUREMENTS, SEGMENTATION
from OpportunisticBMDLib.results.folder import write_results
from OpportunisticBMDLib.scene.segmentation import labels_of

TERMS = "Bone mineral density: segmentation"  # the plugin names the list of terms as the series


@pytest.fixture(scope="module", params=KINDS)
def loaded(request, tmp_path_factory):
    """(what was measured, the segmentation node that Slicer makes of the object)."""
    folder = tmp_path_factory.mktemp("loaded")
    measured = series(folder / "ct", **KINDS[request.param])
    write_results(folder / "out", measured.ct, measured.segmentation, normal(), measured.slices)
    return measured, as_slicer_loads(folder / "out" / SEGMENTATION, folder)


def as_slicer_loads(path: Path, folder: Path):
    said = said_by("segimage2itkimage", "--inputDICOM", path, "--outputDirectory", folder, "--mergeSegments")
    assert (folder / "1.nrrd").is_file() and not (folder / "2.nrrd").exists(), said
    (segments,) = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["segmentAttributes"]
    terms = slicer.vtkSlicerTerminologiesModuleLogic()
    assert terms.LoadTerminologyFromSegmentDescriptorFile(TERMS, str(folder / "meta.json"))
    scene = new_scene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", TERMS)
    node.kept_alive = scene
    assert slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(label_map(scene, folder), node)
    for number, attributes in enumerate(segments):
        name_as_told(node.GetSegmentation().GetNthSegment(number), attributes, terms)
    return node


def label_map(scene, folder: Path):
    node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(folder / "1.nrrd"))
    storage.SetSingleFile(True)
    assert storage.ReadData(node)
    return node


def name_as_told(segment, attributes: dict, terms) -> None:
    told = [codes_of(attributes, f"SegmentedProperty{part}CodeSequence") for part in ("Category", "Type")]
    nothing = ["", "", ""]
    region = "Anatomic codes - DICOM master list"
    entry = terms.SerializeTerminologyEntry(TERMS, *told[0], *told[1], *nothing, region, *nothing, *nothing)
    segment.SetName(attributes["SegmentLabel"])
    segment.SetColor([part / 255 for part in attributes["recommendedDisplayRGBValue"]])
    segment.SetTag("TerminologyEntry", entry)


def codes_of(attributes: dict, sequence: str) -> list[str]:
    return [attributes[sequence][key] for key in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")]


def tag_of(segment, name: str) -> str:
    value = vtk.reference("")
    return str(value) if segment.GetTag(name, value) else ""


def segments_of(node) -> dict:
    found = [node.GetSegmentation().GetNthSegment(n) for n in range(node.GetSegmentation().GetNumberOfSegments())]
    return {segment.GetName(): segment for segment in found}


def test_the_masks_are_the_same_voxels_at_the_same_place(loaded):
    measured, node = loaded
    labels = measured.segmentation.labels
    assert np.array_equal(labels_of(node, labels.grid).array, labels.array)


def test_segments_are_named_from_head_to_foot(loaded):
    assert list(segments_of(loaded[1])) == list(VERTEBRAE)


def test_each_segment_has_its_terms(loaded):
    for name, segment in segments_of(loaded[1]).items():
        category, type_ = tag_of(segment, "TerminologyEntry").split("~")[1:3]
        assert tuple(category.split("^")) == ANATOMICAL_STRUCTURE.triple
        assert tuple(type_.split("^")) == VERTEBRA_CODES[name].triple


def test_each_segment_has_its_colour(loaded):
    for name, segment in segments_of(loaded[1]).items():
        assert np.allclose(segment.GetColor(), SEGMENT_COLOURS[name], atol=2 / 255)


def test_slicers_table_has_each_figure_in_its_column(tmp_path):
    """DICOMTID1500Plugin.py takes the columns from the first vertebra, and the figures as they come."""
    measured = series(tmp_path / "ct")
    write_results(tmp_path / "out", measured.ct, measured.segmentation, review(), measured.slices)
    path = tmp_path / "sr.json"
    said = said_by("tid1500reader", "--inputDICOM", tmp_path / "out" / MEASUREMENTS, "--outputMetadata", path)
    assert path.is_file(), said
    first, *others = [names_of(group) for group in json.loads(path.read_text(encoding="utf-8"))["Measurements"]]
    assert [len(names) for names in (first, *others)] == [5, 5, 3], "L2 has no density"
    assert all(names == first[: len(names)] for names in others)


def names_of(group: dict) -> list[str]:
    return [figure["quantity"]["CodeMeaning"] for figure in group["measurementItems"]]
