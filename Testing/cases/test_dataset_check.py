"""The check of a dataset names every fault: each test makes one fault in a case without any."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("sklearn")

from annotated_cases import BMD, INFO, annotated_case, write_annotated
from OpportunisticBMDLib.cases import CaseInfo, open_dataset, write_case
from OpportunisticBMDLib.cases.check import check
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.segmentation_file import write_segmentation
from OpportunisticBMDTraining.dataset import main

CASE = "cases/case-0001"
# What the voxels of a wrong mask cannot but break as well.
MAY_FOLLOW = ("contradicted_bmd", "reference_without_mask", "impossible_size", "outside_bone", "not_neighbours")


def codes(directory: Path) -> list[str]:
    return [fault.code for fault in check(directory).faults]


def change_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def with_labels(change) -> object:
    """A case whose masks were changed by a function of their array."""
    case = annotated_case()
    labels = case.labels.array.copy()
    change(labels)
    return replace(case, labels=Volume(labels, case.labels.grid))


def with_ct(change) -> object:
    """A case whose CT was changed by a function from and to an array of HU."""
    case = annotated_case()
    return replace(case, ct=Volume(change(case.ct.array.astype(np.float32)), case.ct.grid))


def test_a_right_case_has_no_fault(tmp_path, capsys):
    write_annotated(tmp_path, annotated_case(), annotated_case("case-0002"), fold=4)
    assert check(tmp_path).faults == () and check(tmp_path).cases == 2
    assert main(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no faults in 2 cases\n"


def test_each_fault_is_one_line_and_the_status_is_1(tmp_path, capsys):
    write_annotated(tmp_path, fold=9)
    (tmp_path / CASE / "notes.txt").write_text("x")
    assert main(["check", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all(line.startswith("case-0001: ") for line in lines)


def test_no_dataset_is_bad_usage(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 2
    assert "There is no" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit:
        main(["check"])
    assert exit.value.code == 2


def swap(labels):
    labels[:] = np.array([0, 3, 2, 1])[labels]


def erase(labels):
    labels[labels == 1] = 0


def second_part(labels):
    labels[22:27, 20:25, 39] = 2


def hole(labels):
    index = np.argwhere(labels == 3).mean(axis=0).astype(int)
    labels[tuple(slice(i - 1, i + 2) for i in index)] = 0


def tiny(labels):
    kept = np.argwhere(labels == 2).mean(axis=0).astype(int)
    labels[labels == 2] = 0
    labels[tuple(slice(i - 2, i + 3) for i in kept)] = 2


def into_muscle(labels):
    labels[labels == 3] = 0
    labels[8:16, 6:22, 12:24] = 3  # as dense as osteoporotic bone, but without cortex


def into_air(labels):
    labels[labels == 3] = 0
    labels[0:4, 6:40, 8:24] = 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (swap, "swapped"),
        (erase, "missing_label"),
        (second_part, "several_parts"),
        (hole, "holes"),
        (tiny, "impossible_size"),
        (into_muscle, "outside_bone"),
        (into_air, "outside_bone"),
    ],
)
def test_faults_of_the_masks(tmp_path, change, code):
    found = codes(write_annotated(tmp_path, with_labels(change)))
    assert code in found
    assert set(found) <= {
        code,
        "contradicted_bmd",
        "reference_without_mask",
        "impossible_size",
        "outside_bone",
        "not_neighbours",
    }


def test_labels_that_skip_a_vertebra_are_no_neighbours(tmp_path):
    """T12, L1 and then L3 labelled as L2."""
    case = annotated_case()
    far = Grid(case.ct.grid.size, case.ct.grid.affine @ np.diag([1, 1, 2.2, 1]))
    stretched = replace(case, ct=Volume(case.ct.array, far), labels=Volume(case.labels.array, far))
    assert codes(write_annotated(tmp_path, stretched)).count("not_neighbours") == 2


def test_a_missing_mask_is_right_where_the_exclusion_says_so(tmp_path):
    info = replace(INFO, exclusions=("vertebrae_not_covered",), reference_bmd_mg_cm3={**BMD, "T12": None})
    assert codes(write_annotated(tmp_path, replace(with_labels(erase), info=info))) == []


def test_a_reference_for_a_vertebra_without_mask(tmp_path):
    info = replace(INFO, exclusions=("vertebrae_not_covered",))
    assert codes(write_annotated(tmp_path, replace(with_labels(erase), info=info))) == ["reference_without_mask"]


@pytest.mark.parametrize("change", [lambda hu: hu + 1024, lambda hu: hu / 1000])
def test_values_that_are_not_hu(tmp_path, change):
    assert "not_hu" in codes(write_annotated(tmp_path, with_ct(change)))


def test_a_spacing_that_no_ct_has(tmp_path):
    case = annotated_case()
    grid = Grid(case.ct.grid.size, np.diag([25.0, 2, 2, 1]))
    write_annotated(tmp_path, replace(case, ct=Volume(case.ct.array, grid), labels=Volume(case.labels.array, grid)))
    assert "spacing" in codes(tmp_path)


@pytest.mark.parametrize(
    "shift",
    [np.diag([1, 1, 1.25, 1]), np.array([[1, 0, 0, 0.4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])],
    ids=["other spacing", "half a voxel aside"],
)
def test_masks_on_another_grid(tmp_path, shift):
    case = annotated_case()
    write_annotated(tmp_path, case)
    size = (*case.labels.grid.size[:2], 50)
    moved = Volume(case.labels.array[:, :, :50], Grid(size, case.labels.grid.affine @ shift))
    write_segmentation(moved, tmp_path / CASE / "segmentation.seg.nrrd")
    assert "wrong_grid" in codes(tmp_path)


def test_masks_that_reach_beyond_the_ct(tmp_path):
    case = annotated_case()
    write_annotated(tmp_path, case)
    affine = case.labels.grid.affine.copy()
    affine[:3, 3] = case.labels.grid.ras_of((0, 0, 18))
    write_segmentation(Volume(case.labels.array, Grid(case.labels.grid.size, affine)), _seg(tmp_path))
    assert "wrong_grid" in codes(tmp_path)


def test_masks_that_slicer_cropped_are_right(tmp_path):
    case = annotated_case()
    write_annotated(tmp_path, case)
    low, high = (f(axis=0) for f in (np.argwhere(case.labels.array).min, np.argwhere(case.labels.array).max))
    write_segmentation(case.labels.part(tuple(slice(a, b + 1) for a, b in zip(low, high))), _seg(tmp_path))
    assert codes(tmp_path) == []


def _seg(directory: Path) -> Path:
    return directory / CASE / "segmentation.seg.nrrd"


def test_damaged_files_are_named_and_the_rest_is_still_checked(tmp_path):
    write_annotated(tmp_path, annotated_case(), replace(with_labels(swap), id="case-0002"))
    _seg(tmp_path).write_bytes(b"NRRD0005\nnonsense")
    assert codes(tmp_path) == ["damaged", "swapped"]
    (tmp_path / CASE / "ct.nii.gz").write_bytes(b"no image")
    assert codes(tmp_path) == ["damaged", "swapped"]


@pytest.mark.parametrize(
    ("bmd", "code"),
    [
        ({"T12": 118.0, "L1": 105.0, "L2": 700.0}, "impossible_bmd"),
        ({"T12": 118.0, "L1": 105.0, "L2": 240.0}, "contradicted_bmd"),
        ({"T12": 0.118, "L1": 105.0, "L2": 96.0}, "contradicted_bmd"),
    ],
    ids=["no bone has it", "another scan", "g/cm3"],
)
def test_a_reference_that_cannot_be(tmp_path, bmd, code):
    assert codes(write_annotated(tmp_path, annotated_case(info=replace(INFO, reference_bmd_mg_cm3=bmd)))) == [code]


@pytest.mark.parametrize("bmd", [20.0, 60.0, 150.0, 260.0])
def test_references_over_the_whole_range_are_right(tmp_path, bmd):
    assert codes(write_annotated(tmp_path, annotated_case(bmd=dict.fromkeys(BMD, bmd)))) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reference_method": None}, "reference_without_method"),
        ({"kvp": 5}, "implausible_fact"),
        ({"reviewer": "radiologist A"}, "implausible_fact"),
        ({"annotator": None}, "no_annotator"),
        ({"patient_weight": 71}, "surplus_key"),
        ({"kernel": "STANDARD 19580314"}, "identity"),
        ({"history": ["from 1.2.840.113619.2.55.3.604"]}, "identity"),
        ({"history": ["taken from MUSTERMANN^ERIKA"]}, "identity"),
        ({"history": ["scanned on 14.03.1958"]}, "identity"),
        ({"history": ["scanned on 3/14/1958"]}, "identity"),
        ({"history": ["scanned 14.03.58"]}, "identity"),
        ({"exclusions": ["Mustermann, Erika"]}, "identity"),
        ({"exclusions": ["seen by Dr. Mustermann"]}, "identity"),
        ({"scanner": "GE 4711081507"}, "identity"),
        ({"reference_method": "QCT, patient ID: 4711"}, "identity"),
    ],
)
def test_faults_of_the_case_file(tmp_path, changes, code):
    write_annotated(tmp_path)
    change_json(tmp_path / CASE / "case.json", **changes)
    assert set(codes(tmp_path)) == {code}


def test_reviewed_needs_a_reviewer(tmp_path):
    write_annotated(tmp_path, status="reviewed")
    assert codes(tmp_path) == ["no_reviewer"]


def test_texts_that_hold_no_identity(tmp_path):
    """What the public CTs' and virtual patients' case.json say."""
    history = (
        "TotalSegmentator s0011, https://zenodo.org/records/10047292, licence: CC-BY-4.0",
        "doi:10.5281/zenodo.10047292",
        "rendered from seed 900000012",
        "corrected in 3D Slicer 5.12.10, OpportunisticBMD 0.10.12",
        "second read by reader-2, Dice T12 0.951, L1 0.948, L2 -",
    )
    info = replace(INFO, history=history, annotator="Dr. A. Smith", scanner="SIEMENS SOMATOM Definition AS+")
    assert codes(write_annotated(tmp_path, annotated_case("virtual-900000-00012", info))) == []


@pytest.mark.parametrize("field", ["descrip", "aux_file", "intent_name", "db_name"])
def test_texts_in_the_nifti_header(tmp_path, field):
    write_annotated(tmp_path)
    image = nib.load(tmp_path / CASE / "ct.nii.gz")
    image.header[field] = "Erika"
    nib.save(nib.Nifti1Image(np.asanyarray(image.dataobj), image.affine, image.header), tmp_path / "new.nii.gz")
    (tmp_path / "new.nii.gz").replace(tmp_path / CASE / "ct.nii.gz")
    faults = check(tmp_path).faults
    assert [fault.code for fault in faults] == ["identity"] and field in faults[0].message


def test_a_dicom_header_in_a_nifti_extension(tmp_path):
    write_annotated(tmp_path)
    image = nib.load(tmp_path / CASE / "ct.nii.gz")
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"PatientName: Mustermann^Erika"))
    nib.save(image, tmp_path / "new.nii.gz")
    (tmp_path / "new.nii.gz").replace(tmp_path / CASE / "ct.nii.gz")
    assert codes(tmp_path) == ["identity"]


def test_the_file_name_that_gzip_keeps(tmp_path):
    write_annotated(tmp_path)
    path = tmp_path / CASE / "ct.nii.gz"
    content = gzip.decompress(path.read_bytes())
    with path.open("wb") as file, gzip.GzipFile("Mustermann_Erika.nii", "wb", fileobj=file) as packed:
        packed.write(content)
    faults = check(tmp_path).faults
    assert [fault.code for fault in faults] == ["identity"] and "Mustermann_Erika.nii" in faults[0].message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PatientName", "Erika"),
        ("Segment0_Tags", "DicomRtImport.Name:MUSTERMANN^ERIKA|"),
        ("content", "Erika"),
        ("Segmentation_Note", "born: 1938"),
    ],
)
def test_texts_in_the_nrrd_header(tmp_path, key, value):
    write_annotated(tmp_path)
    data, header = nrrd.read(str(_seg(tmp_path)))
    nrrd.write(str(_seg(tmp_path)), data, header | {key: value})
    assert set(codes(tmp_path)) == {"identity"}


def test_a_comment_in_the_nrrd_header(tmp_path):
    write_annotated(tmp_path)
    content = _seg(tmp_path).read_bytes()
    _seg(tmp_path).write_bytes(content.replace(b"type: uint8\n", b"# Erika Mustermann\ntype: uint8\n", 1))
    assert codes(tmp_path) == ["identity"]


def test_surplus_segments(tmp_path):
    write_annotated(tmp_path)
    data, header = nrrd.read(str(_seg(tmp_path)))
    more = {key.replace("Segment2", "Segment3"): value for key, value in header.items() if key.startswith("Segment2")}
    more |= {"Segment3_Name": "L3", "Segment3_ID": "L3", "Segment3_LabelValue": "4"}
    nrrd.write(str(_seg(tmp_path)), data, header | more)
    assert codes(tmp_path) == ["surplus_segment"]


@pytest.mark.parametrize("name", ["ct.nii.gz", "segmentation.seg.nrrd", "case.json"])
def test_missing_files(tmp_path, name):
    write_annotated(tmp_path)
    (tmp_path / CASE / name).unlink()
    assert codes(tmp_path) == ["missing_file"]


def test_a_new_case_needs_no_masks(tmp_path):
    write_annotated(tmp_path, status="new")
    _seg(tmp_path).unlink()
    assert codes(tmp_path) == []
    assert len(open_dataset(tmp_path)) == 0 and open_dataset(tmp_path).ids == ("case-0001",)


@pytest.mark.parametrize("name", ["CT.dcm", f"{CASE}/scan.mha", "cases/case-9/case.json", f"{CASE}/reads/x.nii"])
def test_surplus_files(tmp_path, name):
    write_annotated(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    assert codes(tmp_path) == ["surplus_file"]


@pytest.mark.parametrize("name", ["cases/.writing-ab/case-1", f"{CASE}/.part-ab", ".part-cd"])
def test_what_a_killed_program_left(tmp_path, name):
    write_annotated(tmp_path)
    (tmp_path / name).mkdir(parents=True)
    assert codes(tmp_path) == ["leftover"]


def test_the_former_state_of_a_case_is_not_to_be_thrown_away(tmp_path):
    write_annotated(tmp_path)
    (tmp_path / "cases/.writing-ab").mkdir()
    (tmp_path / CASE).rename(tmp_path / "cases/.writing-ab/replaced")
    messages = " ".join(fault.message for fault in check(tmp_path).faults)
    assert "move it back" in messages and "is missing" in messages


@pytest.mark.parametrize("fold", [5, -1, "1", True, 1.5])
def test_folds_out_of_range(tmp_path, fold):
    write_annotated(tmp_path)
    change_json(tmp_path / "dataset.json", cases=[{"id": "case-0001", "fold": fold, "status": "read"}])
    assert codes(tmp_path) == ["fold_out_of_range"]


def test_one_patient_in_two_folds(tmp_path):
    info = replace(INFO, patient="p-7")
    write_case(tmp_path, annotated_case("a", info), fold=0)
    write_case(tmp_path, annotated_case("b", info), fold=1)
    assert codes(tmp_path) == ["patient_in_several_folds"]
    write_case(tmp_path, annotated_case("b", info), fold=0)
    assert codes(tmp_path) == []


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([{"id": "case-0001", "status": "done"}], ["bad_status"]),
        ([{"id": "case-0001"}, {"id": "case-0001"}], ["bad_id"]),
        ([{"id": "case-0001"}, {"id": "../up"}], ["bad_id"]),
        ([{"id": "case-0001"}, 7], ["bad_id"]),
        ([{"id": "case-0001"}, {"id": "case-2"}], ["missing_file"]),
    ],
)
def test_faults_of_the_list(tmp_path, cases, expected):
    write_annotated(tmp_path)
    change_json(tmp_path / "dataset.json", cases=cases)
    assert codes(tmp_path) == expected


def test_an_id_that_is_a_patients_number(tmp_path):
    assert "identity" in codes(write_annotated(tmp_path, annotated_case("PID-0004711")))


def test_former_statuses_are_understood(tmp_path):
    write_annotated(tmp_path)
    change_json(tmp_path / "dataset.json", cases=[{"id": "case-0001", "fold": None, "status": "annotated"}])
    assert open_dataset(tmp_path).entry("case-0001").status == "read" and codes(tmp_path) == []
    change_json(tmp_path / "dataset.json", cases=[{"id": "case-0001", "fold": None, "status": "to do"}])
    assert open_dataset(tmp_path).entry("case-0001").status == "new"


def test_a_list_that_is_none(tmp_path):
    (tmp_path / "dataset.json").write_text('{"schema_version": 1, "cases": 3}')
    with pytest.raises(BadInput, match="no list of cases"):
        check(tmp_path)


def test_a_4d_ct_is_damaged(tmp_path):
    write_annotated(tmp_path)
    sitk.WriteImage(sitk.Image([4, 4, 4, 2], sitk.sitkInt16), str(tmp_path / CASE / "ct.nii.gz"))
    assert codes(tmp_path) == ["damaged"]


def test_unknown_facts_are_no_fault(tmp_path):
    assert codes(write_annotated(tmp_path, annotated_case(info=CaseInfo(annotator="A")))) == []


@pytest.mark.slow
def test_the_public_cts_and_a_virtual_patient_have_no_fault(tmp_path, real_ct):
    from OpportunisticBMDTraining.public_cts import write_dataset
    from OpportunisticBMDTraining.simulate import simulate

    real_ct("chest-contrast"), real_ct("abdomen-native")
    write_dataset(tmp_path / "public")
    simulate(1, 7, tmp_path / "virtual")
    assert check(tmp_path / "public").faults == () and check(tmp_path / "virtual").faults == ()
