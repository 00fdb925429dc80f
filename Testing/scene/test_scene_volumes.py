"""CT volumes keep every voxel and its place on the way into the scene and out of it."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from example_results import grid_of, synthetic_case
from grids import GRIDS, every_grid
from mrml import ct_on, new_scene, slicer, transform, turn, vtk
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.reading.facts.acquisition_facts import acquisition_of_header
from OpportunisticBMDLib.reading.facts.kind_of_image import CT_IMAGE
from OpportunisticBMDLib.scene.volumes import acquisition_of, ct_of, node_from_volume, volume_of

HEADER = {
    "SeriesInstanceUID": "1.2.840.99.7",
    "SeriesDescription": "Thorax 1.25",
    "KVP": "120",
    "ConvolutionKernel": "STANDARD",
    "ContrastBolusAgent": "Omnipaque",
    "Manufacturer": "GE MEDICAL SYSTEMS",
    "ManufacturerModelName": "LightSpeed",
    "SliceThickness": "1.25",
    "PatientName": "Doe^Jane",
    "PatientID": "4711-B",
    "PatientBirthDate": "19500102",
}


@every_grid
@pytest.mark.parametrize("dtype", (np.int16, np.uint8, np.float32))
def test_voxels_and_their_places_come_back(grid, dtype):
    volume = Volume(ct_on(grid).array.astype(dtype), grid)
    read = volume_of(node_from_volume(new_scene(), volume, "CT"))
    assert read.array.dtype == dtype
    assert np.array_equal(read.array, volume.array)
    assert read.grid.is_close(grid, 1e-9)


@every_grid
def test_slicer_has_each_voxel_where_the_grid_has_it(grid):
    node = node_from_volume(new_scene(), ct_on(grid), "CT")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    assert matrix.MultiplyPoint((5, 3, 11, 1))[:3] == pytest.approx(grid.ras_of((5, 3, 11)))
    assert node.GetImageData().GetScalarComponentAsDouble(5, 3, 11, 0) == ct_on(grid).array[5, 3, 11]
    assert node.GetDisplayNode() is not None


def test_voxels_are_not_copied_and_cannot_be_written():
    node = node_from_volume(new_scene(), ct_on(GRIDS["oblique"]), "CT")
    volume = volume_of(node)
    node.GetImageData().SetScalarComponentFromDouble(2, 3, 4, 0, -77)
    assert volume.array[2, 3, 4] == -77
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1


def test_voxels_outlive_their_node():
    scene, expected = new_scene(), ct_on(GRIDS["canonical"])
    volume = volume_of(node_from_volume(scene, expected, "CT"))
    scene.Clear(False)
    assert np.array_equal(volume.array, expected.array)


def test_indices_that_do_not_begin_at_zero_are_counted():
    grid = GRIDS["oblique"]
    node = node_from_volume(new_scene(), ct_on(grid), "CT")
    image = vtk.vtkImageData()
    image.DeepCopy(node.GetImageData())
    image.SetExtent([edge + shift for n, shift in zip(grid.size, (2, 3, 4)) for edge in (0, n - 1)])
    node.SetAndObserveImageData(image)
    assert volume_of(node).grid.is_close(grid.cropped((2, 3, 4), grid.size))


def test_a_boolean_mask_becomes_a_volume_of_zeros_and_ones():
    grid = GRIDS["left-handed"]
    mask = ct_on(grid).array % 3 == 0
    assert np.array_equal(volume_of(node_from_volume(new_scene(), Volume(mask, grid), "mask")).array, mask)


def test_numbers_that_vtk_lacks_are_not_put_into_a_node():
    grid, scene = GRIDS["canonical"], new_scene()
    with pytest.raises(ValueError, match="float16"):
        node_from_volume(scene, Volume(np.zeros(grid.size, np.float16), grid), "half")
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


@every_grid
def test_a_linear_transform_above_the_volume_counts_as_if_it_were_hardened(grid):
    scene = new_scene()
    node = node_from_volume(scene, ct_on(grid), "CT")
    outer, inner = transform(scene, turn()), transform(scene, turn(-50))
    inner.SetAndObserveTransformNodeID(outer.GetID())
    node.SetAndObserveTransformNodeID(inner.GetID())
    under_transform = volume_of(node).grid
    assert under_transform.is_close(Grid(grid.size, turn() @ turn(-50) @ grid.affine))
    node.HardenTransform()
    assert node.GetParentTransformNode() is None
    assert volume_of(node).grid.is_close(under_transform)


def test_a_bending_transform_is_refused():
    scene = new_scene()
    node = node_from_volume(scene, ct_on(GRIDS["canonical"]), "CT")
    bend = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Gantry tilt")
    node.SetAndObserveTransformNodeID(bend.GetID())
    with pytest.raises(BadInput, match="CT lies under a transform that bends it \\(Gantry tilt\\); harden"):
        volume_of(node)


def test_a_shearing_transform_is_refused():
    scene = new_scene()
    node = node_from_volume(scene, ct_on(GRIDS["canonical"]), "CT")
    shear = np.eye(4)
    shear[0, 2] = 0.3
    node.SetAndObserveTransformNodeID(transform(scene, shear).GetID())
    with pytest.raises(BadInput, match="sheared"):
        volume_of(node)


@pytest.mark.parametrize("kind", ("vtkMRMLSegmentationNode", "vtkMRMLSequenceNode", "vtkMRMLModelNode"))
def test_other_nodes_are_no_volume(kind):
    with pytest.raises(BadInput, match="Thing is not a CT volume"):
        volume_of(new_scene().AddNewNodeByClass(kind, "Thing"))


def test_no_node_is_no_volume():
    with pytest.raises(BadInput, match="not a CT volume"):
        volume_of(None)


@pytest.mark.parametrize("kind", ("vtkMRMLVectorVolumeNode", "vtkMRMLScalarVolumeNode"))
def test_several_numbers_per_voxel_are_refused(kind):
    node = new_scene().AddNewNodeByClass(kind, "Colours")
    image = vtk.vtkImageData()
    image.SetDimensions(4, 5, 6)
    image.AllocateScalars(vtk.VTK_SHORT, 3)
    node.SetAndObserveImageData(image)
    with pytest.raises(BadInput, match="Colours holds 3 numbers per voxel"):
        volume_of(node)


def test_a_volume_without_voxels_is_refused():
    with pytest.raises(BadInput, match="Empty holds no voxels"):
        volume_of(new_scene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty"))


@pytest.mark.parametrize("orientation", ("straight", "left-handed", "oblique"))
def test_a_ct_is_taken_in_hounsfield_units(orientation):
    ct = synthetic_case(grid_of(orientation))[0]
    padded = ct.volume.array.copy()
    padded[0] = -3024
    read = ct_of(node_from_volume(new_scene(), Volume(padded, ct.volume.grid), "CT"), HEADER)
    assert read.volume.array.min() == -1024
    assert np.array_equal(read.volume.array[1:], ct.volume.array[1:])
    assert read.acquisition.kvp == 120


def test_what_is_no_ct_is_refused():
    scene, grid = new_scene(), grid_of("straight")
    with pytest.raises(BadInput, match="MR does not look like a CT"):
        ct_of(node_from_volume(scene, Volume(np.full(grid.size, 700, np.int16), grid), "MR"))
    slab = synthetic_case(grid)[0].volume.part((slice(0, 60), slice(0, 56), slice(20, 23)))
    with pytest.raises(BadInput, match="Slab covers only"):
        ct_of(node_from_volume(scene, slab, "Slab"))


def test_a_label_map_is_no_ct():
    scene = new_scene()
    node = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    node.SetAndObserveImageData(node_from_volume(scene, ct_on(GRIDS["canonical"]), "CT").GetImageData())
    with pytest.raises(BadInput, match="Labels is a label map"):
        ct_of(node)


def test_the_acquisition_is_that_of_the_header():
    node = node_from_volume(new_scene(), ct_on(GRIDS["canonical"]), "4: Thorax")
    acquisition = acquisition_of(node, HEADER)
    assert (acquisition.path, acquisition.format) == ("4: Thorax", "DICOM")
    assert acquisition.series_instance_uid == "1.2.840.99.7"
    assert acquisition.series_description == "Thorax 1.25"
    assert (acquisition.kvp, acquisition.kernel, acquisition.contrast_agent) == (120.0, "STANDARD", "Omnipaque")
    assert (acquisition.scanner, acquisition.slice_thickness_mm) == ("GE MEDICAL SYSTEMS LightSpeed", 1.25)


@pytest.mark.parametrize("header", (None, {}, {"KVP": "", "ConvolutionKernel": "", "SliceThickness": "thin"}))
def test_what_the_header_lacks_is_none(header):
    acquisition = acquisition_of(node_from_volume(new_scene(), ct_on(GRIDS["canonical"]), "CT"), header)
    assert acquisition.format == "3D Slicer scene"
    known = (acquisition.kvp, acquisition.kernel, acquisition.contrast_agent, acquisition.series_instance_uid)
    assert (*known, acquisition.scanner, acquisition.slice_thickness_mm) == (None,) * 6


def test_a_contrast_agent_that_is_denied_is_none_given():
    node = node_from_volume(new_scene(), ct_on(GRIDS["canonical"]), "CT")
    assert acquisition_of(node, {**HEADER, "ContrastBolusAgent": "NONE"}).contrast_agent == ""


def test_the_patient_is_never_named():
    node = node_from_volume(new_scene(), ct_on(GRIDS["canonical"]), "CT of Jane Doe")
    acquisition = acquisition_of(node, {**HEADER, "SeriesDescription": "DOE thorax", "ConvolutionKernel": "B30 4711-B"})
    said = str(acquisition).lower()
    assert not [word for word in ("doe", "jane", "4711", "1950") if word in said]
    assert acquisition.path == "CT" and acquisition.kvp == 120


def test_the_series_is_known_from_the_subject_hierarchy():
    scene = new_scene()
    node = node_from_volume(scene, ct_on(GRIDS["canonical"]), "CT")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    hierarchy.SetItemUID(item, "DICOM", "1.2.3.4")
    acquisition = acquisition_of(node)
    assert (acquisition.series_instance_uid, acquisition.format) == ("1.2.3.4", "DICOM")


def test_the_file_is_named_without_its_folder():
    scene = new_scene()
    node = node_from_volume(scene, ct_on(GRIDS["canonical"]), "CT")
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName("/archive/doe_jane/thorax.nii.gz")
    acquisition = acquisition_of(node)
    assert (acquisition.path, acquisition.format) == ("thorax.nii.gz", "NIfTI")


@pytest.mark.parametrize(
    ("name", "known"), [("4: Thorax Li Bo", "4: Thorax"), ("Mueller", "CT"), ("4: Mueller", "CT"), ("CT", "CT")]
)
def test_a_series_that_is_named_by_what_was_typed_keeps_known_words(name, known):
    node = node_from_volume(new_scene(), ct_on(GRIDS["canonical"]), name)
    assert acquisition_of(node, {"SeriesInstanceUID": "1.2.3"}).path == known


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ImageType": "DERIVED\\PRIMARY\\AXIAL\\MAT_REMOVED"}, "virtual native image"),
        ({"SeriesDescription": "Mono+ 40 keV"}, "virtual monoenergetic image of 40 keV"),
        ({"ConvolutionKernel": "Sd36f\\3"}, "electron density"),
        ({"Modality": "MR"}, "MR object"),
    ],
)
def test_a_volume_that_no_density_may_be_read_from_is_refused(values, words):
    node = node_from_volume(new_scene(), ct_on(GRIDS["canonical"]), "CT")
    with pytest.raises(BadInput, match=words):
        acquisition_of(node, {**HEADER, **values})


def test_the_facts_are_those_that_files_tell():
    """What the application keeps as texts, and what a reader of files gets as values, tell the same."""
    typed = {
        "ImageType": ["DERIVED", "PRIMARY", "AXIAL", "VMI"],
        "SeriesDescription": "Mono+ 70 keV portal venous",
        "KVP": ["80", "140"],
        "FilterType": "Sn",
        "ContrastBolusRoute": "ORAL",
        "ContrastBolusVolume": "0",
    }
    file = pydicom.Dataset()
    file.SOPClassUID, file.Modality = CT_IMAGE, "CT"
    for keyword, value in typed.items():
        setattr(file, keyword, value)
    texts = {key: value if isinstance(value, str) else "\\".join(value) for key, value in typed.items()}
    node = node_from_volume(new_scene(), ct_on(GRIDS["canonical"]), "CT")
    assert acquisition_of(node, texts) == acquisition_of_header(file, "CT", "3D Slicer scene")
