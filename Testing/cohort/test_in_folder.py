"""Which CTs a folder holds, and how they are called."""

from __future__ import annotations

from pathlib import Path

from OpportunisticBMDLib.cohort.in_folder import cases_in


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def found(folder: Path) -> dict[str, str]:
    return {case.name: case.source.relative_to(folder).as_posix() for case in cases_in(folder)}


def test_images_zips_and_folders_are_found_and_masks_are_not(tmp_path: Path):
    write(tmp_path, "a.nii.gz", "b.mha", "c.zip", "masks.seg.nrrd", "notes.txt", ".hidden.nrrd", "case/ct.nii.gz")
    (tmp_path / "dicom").mkdir()
    assert found(tmp_path) == {"a": "a.nii.gz", "b": "b.mha", "c": "c.zip", "case": "case/ct.nii.gz", "dicom": "dicom"}


def test_a_folder_of_slices_is_one_ct(tmp_path: Path):
    write(tmp_path, *(f"IM{number:03}" for number in range(3)))
    (case,) = cases_in(tmp_path)
    assert case.source == tmp_path and case.name == tmp_path.name


def test_cts_of_one_name_do_not_share_a_folder(tmp_path: Path):
    write(tmp_path, "ct.nii.gz", "ct.nrrd", "CT.mha", "other.nii")
    assert found(tmp_path) == {
        "ct.nii.gz": "ct.nii.gz",
        "ct.nrrd": "ct.nrrd",
        "CT.mha": "CT.mha",
        "other": "other.nii",
    }


def test_a_name_without_its_ending_may_be_the_whole_name_of_another(tmp_path: Path):
    write(tmp_path, "ct.nii", "ct.mha", "ct.nii.nrrd")
    assert found(tmp_path) == {name: name for name in ("ct.nii", "ct.mha", "ct.nii.nrrd")}


def test_what_comes_later_never_takes_the_name_of_another(tmp_path: Path):
    write(tmp_path, "ct.nrrd")
    assert found(tmp_path) == {"ct": "ct.nrrd"}
    write(tmp_path, "ct.mha")
    assert "ct" not in found(tmp_path)


def test_a_name_that_no_folder_may_have_is_made_harmless(tmp_path: Path):
    write(tmp_path, "a:b?.nii.gz")
    ((name, path),) = found(tmp_path).items()
    assert name.startswith("a_b-") and path == "a:b?.nii.gz"


def test_an_empty_folder_has_none(tmp_path: Path):
    assert cases_in(tmp_path) == []
