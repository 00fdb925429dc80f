"""Annotated datasets: what is written is read back, and what cannot be right is told in a plain sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from OpportunisticBMDLib.cases import REFERENCE_SCALE, Case, CaseInfo, Entry, open_dataset, write_case
from OpportunisticBMDLib.core.box import MARGIN_MM, box_ras
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume

INFO = CaseInfo(
    reference_bmd_mg_cm3={"T12": 121.5, "L1": 98.0},
    reference_method="QCT",
    sex="female",
    age_band="60-69",
    scanner="GE Discovery",
    kvp=120,
    kernel="STANDARD",
    exclusions=("L2: fracture",),
    annotator="radiologist A",
    reviewer="radiologist B",
    history=("automatic", "corrected"),
)


def oblique_left_handed_grid() -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = [[-0.9, 0.1, 0.0], [0.1, 0.9, 0.3], [0.0, -0.3, 2.5]]
    affine[:3, :3] = np.linalg.qr(affine[:3, :3])[0] * (0.9, 0.9, 2.5)
    affine[:3, 3] = (30, -210, 845)
    return Grid((40, 30, 24), affine)


def case(case_id: str = "case-1", info: CaseInfo = INFO) -> Case:
    grid = oblique_left_handed_grid()
    hu = np.random.default_rng(1).integers(-1024, 1500, grid.size).astype(np.int16)
    labels = np.zeros(grid.size, np.uint8)
    for label, start in ((3, 3), (2, 10), (1, 17)):
        labels[10:25, 8:20, start : start + 5] = label
    return Case(case_id, Volume(hu, grid), Volume(labels, grid), info)


def test_a_case_is_read_back_as_it_was_written(tmp_path):
    written = case()
    write_case(tmp_path, written, fold=2, status="reviewed", licence="CC0")
    dataset = open_dataset(tmp_path)
    assert dataset.licence == "CC0" and dataset.entries == (Entry("case-1", fold=2, status="reviewed"),)
    read = next(iter(dataset))
    assert read.info == INFO and read.info.reference_bmd_mg_cm3["L2"] is None
    assert np.array_equal(read.ct.array, written.ct.array) and read.ct.array.dtype == np.int16
    assert np.array_equal(read.labels.array, written.labels.array)
    assert read.ct.grid.is_close(written.ct.grid, tolerance_mm=0.01)


def test_the_layout_is_the_documented_one(tmp_path):
    write_case(tmp_path, case())
    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file() and p.name[0] != ".")
    folder = "cases/case-1"
    assert files == [f"{folder}/case.json", f"{folder}/ct.nii.gz", f"{folder}/segmentation.seg.nrrd", "dataset.json"]
    assert list(json.loads((tmp_path / folder / "case.json").read_text())) == [
        *(
            "schema_version",
            "reference_bmd_mg_cm3",
            "reference_method",
            "reference_scale",
            "sex",
            "age_band",
            "scanner",
        ),
        *(
            "kvp",
            "kernel",
            "exclusions",
            "annotator",
            "reviewer",
            "history",
            "patient",
            "contrast",
            "slice_thickness_mm",
        ),
    ]
    listed = json.loads((tmp_path / "dataset.json").read_text())
    assert list(listed) == ["schema_version", "name", "licence", "cases"]
    assert listed["cases"] == [{"id": "case-1", "fold": None, "status": "read"}]


def test_writing_again_replaces_the_case_and_keeps_the_others(tmp_path):
    write_case(tmp_path, case("b"))
    write_case(tmp_path, case("a"))
    write_case(tmp_path, case("b", CaseInfo(sex="male")))
    dataset = open_dataset(tmp_path)
    assert dataset.ids == ("a", "b")
    assert dataset.info("b").sex == "male" and dataset.info("a").sex == "female"
    assert sorted(folder.name for folder in (tmp_path / "cases").iterdir()) == ["a", "b"]


def test_a_case_that_fails_to_be_written_leaves_nothing(tmp_path):
    broken = case("bad")
    broken.labels.array[0, 0, 0] = 9
    write_case(tmp_path, case("good"))
    with pytest.raises(ValueError, match="label map"):
        write_case(tmp_path, broken)
    assert open_dataset(tmp_path).ids == ("good",)
    assert [folder.name for folder in (tmp_path / "cases").iterdir()] == ["good"]


def test_fractional_hu_stay_fractional(tmp_path):
    written = case()
    written = Case("f", Volume(written.ct.array + np.float32(0.25), written.ct.grid), written.labels)
    write_case(tmp_path, written)
    assert np.array_equal(open_dataset(tmp_path).case("f").ct.array, written.ct.array)


def test_box_holds_the_outer_faces_plus_the_margin():
    grid = Grid.axis_aligned((20, 20, 20), (1.0, 2.0, 3.0))
    labels = np.zeros(grid.size, np.uint8)
    labels[5:10, 6:9, 7] = 2
    low = grid.ras_of((4.5, 5.5, 6.5))
    expected = np.stack((low, low + (5, 6, 3)), axis=1)
    assert np.allclose(box_ras(Volume(labels, grid), 0), expected)
    assert np.allclose(box_ras(Volume(labels, grid)), expected + [-MARGIN_MM, MARGIN_MM])


def test_box_does_not_depend_on_how_the_grid_is_stored():
    grid = Grid.axis_aligned((20, 20, 20), (1.0, 2.0, 3.0))
    labels = np.zeros(grid.size, np.uint8)
    labels[5:10, 6:9, 7] = 2
    affine = grid.affine.copy()
    affine[:3, 3] = grid.ras_of((0, 19, 0))
    affine[:3, 1] *= -1
    flipped = Volume(labels[:, ::-1], Grid(grid.size, affine))
    assert np.allclose(box_ras(flipped), box_ras(Volume(labels, grid)))


def test_no_box_around_nothing():
    with pytest.raises(ValueError, match="empty"):
        box_ras(Volume(np.zeros((4, 4, 4), np.uint8), Grid.axis_aligned((4, 4, 4), (1, 1, 1))))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reference_bmd_mg_cm3": {"L3": 100.0}, "reference_method": "QCT"}, "L3"),
        ({"reference_bmd_mg_cm3": {"L1": 5000.0}, "reference_method": "QCT"}, "L1 is 5000"),
        ({"reference_bmd_mg_cm3": {"L1": "high"}, "reference_method": "QCT"}, "high"),
        ({"reference_bmd_mg_cm3": {"L1": 100.0}}, "reference_method"),
        ({"kvp": 12000}, "kvp"),
    ],
)
def test_implausible_facts_are_refused(fields, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        CaseInfo(**fields)
    write_case(tmp_path, case())
    stated = {"schema_version": 1, "reference_scale": REFERENCE_SCALE, **fields}
    (tmp_path / "cases/case-1/case.json").write_text(json.dumps(stated))
    with pytest.raises(BadInput, match=message):
        open_dataset(tmp_path).info("case-1")


def test_densities_of_the_former_scale_are_refused_in_one_sentence(tmp_path):
    """As they were written before they were QCT readings: with a method, without a scale."""
    write_case(tmp_path, case())
    path = tmp_path / "cases/case-1/case.json"
    stated = json.loads(path.read_text())
    assert stated.pop("reference_scale") == REFERENCE_SCALE
    path.write_text(json.dumps(stated))
    with pytest.raises(BadInput, match=r"without its reference_scale.*render a virtual patient again"):
        open_dataset(tmp_path).info("case-1")
    path.write_text(json.dumps({**stated, "reference_bmd_mg_cm3": {"L1": None}, "reference_method": None}))
    assert open_dataset(tmp_path).info("case-1").reference_scale is None  # without a density nothing is at stake


def test_a_reference_says_its_scale_and_no_other_is_taken():
    assert CaseInfo({"L1": 100.0}, "QCT").reference_scale == REFERENCE_SCALE
    assert CaseInfo().reference_scale is None
    with pytest.raises(ValueError, match="ash"):
        CaseInfo({"L1": 100.0}, "QCT", reference_scale="ash density")


@pytest.mark.parametrize("case_id", ["", "../up", "a b", ".hidden", "x/y"])
def test_ids_that_cannot_name_a_folder_are_refused(case_id):
    with pytest.raises(ValueError, match="case id"):
        case(case_id)


def test_labels_on_another_grid_are_refused():
    good = case()
    with pytest.raises(ValueError, match="grid"):
        Case("x", good.ct, Volume(good.labels.array, good.labels.grid.cropped((1, 0, 0), good.labels.grid.size)))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / "dataset.json").unlink(), "There is no .*dataset.json"),
        (lambda d: (d / "dataset.json").write_text("{"), "not valid JSON"),
        (lambda d: (d / "dataset.json").write_text('{"schema_version": 7}'), "schema_version"),
        (lambda d: (d / "dataset.json").write_text('{"schema_version": 1, "cases": [3]}'), "list of cases"),
        (lambda d: (d / "dataset.json").write_text('{"schema_version": 1, "cases": [{"id": "../x"}]}'), "folder name"),
        (lambda d: (d / "cases/case-1/ct.nii.gz").unlink(), "no ct.nii.gz"),
        (lambda d: (d / "cases/case-1/segmentation.seg.nrrd").unlink(), "no segmentation.seg.nrrd"),
    ],
)
def test_a_damaged_dataset_says_what_is_wrong(tmp_path, damage, message):
    write_case(tmp_path, case())
    damage(tmp_path)
    with pytest.raises(BadInput, match=message):
        open_dataset(tmp_path)


def test_a_ct_that_cannot_be_read_is_named(tmp_path):
    write_case(tmp_path, case())
    (tmp_path / "cases/case-1/ct.nii.gz").write_bytes(b"not an image")
    with pytest.raises(BadInput, match=r"ct\.nii\.gz is damaged"):
        open_dataset(tmp_path).case("case-1")


def test_a_segmentation_on_a_cropped_grid_is_brought_onto_the_ct(tmp_path):
    """3D Slicer crops what it saves to the segments."""
    written = case()
    write_case(tmp_path, written)
    crop = Volume(written.labels.array[8:30, 5:25, 2:23], written.labels.grid.cropped((8, 5, 2), (22, 20, 21)))
    from OpportunisticBMDLib.results.segmentation_file import write_segmentation

    write_segmentation(crop, tmp_path / "cases/case-1/segmentation.seg.nrrd")
    assert np.array_equal(open_dataset(tmp_path).case("case-1").labels.array, written.labels.array)


@pytest.mark.slow
def test_virtual_patients_are_cases_and_what_is_there_is_kept(tmp_path):
    from OpportunisticBMDTraining.simulate import simulate

    simulate(1, 4, tmp_path)
    ct = tmp_path / "cases/virtual-4-00000/ct.nii.gz"
    before = ct.stat().st_mtime_ns
    simulate(2, 4, tmp_path)
    dataset = open_dataset(tmp_path)
    assert dataset.ids == ("virtual-4-00000", "virtual-4-00001") and ct.stat().st_mtime_ns == before
    info = dataset.info("virtual-4-00001")
    assert info.reference_method == "QCT reading of the noise-free, unblurred patient" and all(
        bmd > 0 for bmd in info.reference_bmd_mg_cm3.values()
    )
    assert set(np.unique(dataset.case("virtual-4-00001").labels.array)) == {0, 1, 2, 3}
    assert sitk.ReadImage(str(ct)).GetPixelID() == sitk.sitkInt16


@pytest.mark.parametrize(("n", "seed"), [(0, 1), (-1, 1), (200_000, 1), (1, -1)])
def test_impossible_numbers_of_patients_are_refused(tmp_path, n, seed):
    from OpportunisticBMDTraining.simulate import simulate

    with pytest.raises(BadInput, match="patients"):
        simulate(n, seed, tmp_path)


def test_a_ct_beyond_what_a_ct_can_hold_is_not_read(tmp_path):
    write_case(tmp_path, case())
    path = tmp_path / "cases" / "case-1" / "ct.nii.gz"
    image = sitk.ReadImage(str(path))
    sitk.WriteImage(sitk.Cast(image, sitk.sitkFloat32) + 40000.0, str(path))

    with pytest.raises(BadInput, match=r"ct\.nii\.gz holds up to 4\d{4} HU, more than a CT can hold"):
        open_dataset(tmp_path).case("case-1")
