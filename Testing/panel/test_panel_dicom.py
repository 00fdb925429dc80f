"""Export as DICOM objects: of a CT from Slicer's DICOM database, into a folder and into that database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")
pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

import panel_harness as harness
from dicom_files import write_volume
from dicom_programs import errors_of, said_by
from mrml import transform, turn
from multi_frame_files import write_enhanced
from OpportunisticBMDLib.results.dicom_files import DICOM_FILES, MEASUREMENTS, SEGMENTATION
from OpportunisticBMDLib.results.segmentation_file import read_segmentation
from OpportunisticBMDLib.scene.volumes import volume_of
from panel_harness import Packages, Panel, slicer
from slicer_standins.application import DicomDatabase

OTHERS = {"result.json", "result.csv", "report.html", "preview.png", "segmentation.seg.nrrd"}
IDENTITY = (b"Mustermann", b"Erika", b"4711", b"19380515")


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> DicomDatabase:
    """Of this test alone."""
    monkeypatch.setattr(slicer, "dicomDatabase", DicomDatabase())
    return slicer.dicomDatabase


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    panel = Panel()
    panel.answers.folder = tmp_path / "out"
    yield panel
    panel.close()


@pytest.fixture
def measured(panel: Panel, tmp_path: Path) -> Panel:
    """With the result of a CT from the database, and DICOM objects wished for."""
    panel.compute(loaded(panel.scene, tmp_path / "ct"))
    panel.ui.dicomCheckBox.click()
    return panel


def loaded(scene: Any, folder: Path) -> Any:
    """A volume as Slicer loads it from files that its database knows."""
    volume = harness.patient(scene, "4: Thorax")
    know(volume, write_volume(folder, volume_of(volume), StudyDate="20260512"))
    return volume


def know(volume: Any, files: Sequence[Path]) -> None:
    """The database has these files, without a copy, and the volume is loaded from them."""
    for file in files:
        slicer.dicomDatabase.insert(str(file), False)
    volume.SetAttribute("DICOM.instanceUIDs", " ".join(pydicom.dcmread(file).SOPInstanceUID for file in files))


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_nobody_is_named_unless_it_is_wished_for(panel: Panel, tmp_path: Path):
    panel.compute(loaded(panel.scene, tmp_path / "ct"))
    assert panel.ui.dicomCheckBox.enabled and not panel.ui.dicomCheckBox.checked
    panel.ui.exportButton.click()
    assert files_in(tmp_path / "out") == OTHERS


def test_a_ct_that_is_not_from_the_database_has_no_objects(panel: Panel, measured: Panel, tmp_path: Path):
    panel.compute(harness.patient(panel.scene, "another"))
    assert panel.ui.dicomCheckBox.checked and not panel.ui.dicomCheckBox.enabled
    panel.ui.exportButton.click()
    assert files_in(tmp_path / "out") == OTHERS and panel.answers.errors == []


def test_the_objects_lie_in_the_folder_and_are_valid(measured: Panel, tmp_path: Path):
    measured.ui.exportButton.click()
    assert measured.answers.errors == []
    assert files_in(tmp_path / "out") == OTHERS | set(DICOM_FILES)
    for name in DICOM_FILES:
        assert errors_of(said_by("dciodvfy", tmp_path / "out" / name)) == []
    for name in files_in(tmp_path / "out"):
        says_who = any(word in (tmp_path / "out" / name).read_bytes() for word in IDENTITY)
        assert says_who == (name in DICOM_FILES), name
    assert measured.ui.exportedLabel.text == (
        f"9 files in {tmp_path / 'out'}; the DICOM objects are in Slicer's DICOM database, too"
    )


def test_the_masks_are_those_on_the_screen(measured: Panel, tmp_path: Path):
    harness.paint(measured.session, "L2", voxels=2)
    measured.settle()
    measured.ui.exportButton.click()
    labels = measured.session.masks.labels
    written = read_segmentation(tmp_path / "out" / SEGMENTATION, labels.grid)
    assert np.array_equal(written.array, labels.array)
    assert b"edited_by_hand" in (tmp_path / "out" / MEASUREMENTS).read_bytes()


def test_they_are_in_slicers_database_too(measured: Panel, database: DicomDatabase, tmp_path: Path):
    slices = database.imagesCount()
    measured.ui.exportButton.click()
    assert database.imagesCount() == slices + len(DICOM_FILES)
    for name in DICOM_FILES:
        made = pydicom.dcmread(tmp_path / "out" / name)
        kept = database.fileForInstance(made.SOPInstanceUID)
        assert Path(kept).is_file() and database.fileValue(kept, "0020,000D") == "1.2.3.4"
        assert not Path(kept).is_relative_to(tmp_path), "the reader may delete the folder"
        assert made.SOPInstanceUID in database._shown


def test_all_slices_may_be_in_one_file(measured: Panel, tmp_path: Path):
    file = write_enhanced(tmp_path / "enhanced.dcm", sorted((tmp_path / "ct").iterdir()))
    know(measured.session.volume_node, [file])
    measured.ui.exportButton.click()
    assert measured.answers.errors == []
    masks = pydicom.dcmread(tmp_path / "out" / SEGMENTATION)
    (referenced,) = masks.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert referenced.ReferencedSOPInstanceUID == pydicom.dcmread(file).SOPInstanceUID


def test_objects_that_the_database_does_not_take_are_to_be_imported(measured: Panel, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(slicer.dicomDatabase, "insert", lambda file: None)
    measured.ui.exportButton.click()
    assert files_in(tmp_path / "out") == OTHERS | set(DICOM_FILES)
    assert measured.ui.exportedLabel.text.endswith("did not take all DICOM objects: import them")


def moved(panel: Panel, tmp_path: Path) -> None:
    panel.session.volume_node.SetAndObserveTransformNodeID(transform(panel.scene, turn()).GetID())
    panel.settle(1.0)


def removed_from_the_database(panel: Panel, tmp_path: Path) -> None:
    uid = panel.session.volume_node.GetAttribute("DICOM.instanceUIDs").split()[-1]
    slicer.dicomDatabase._files.pop(uid)


def deleted(panel: Panel, tmp_path: Path) -> None:
    next((tmp_path / "ct").iterdir()).unlink()


@pytest.mark.parametrize("happens", [moved, removed_from_the_database, deleted], ids=lambda change: change.__name__)
def test_slices_that_no_object_can_refer_to_are_a_sentence(measured: Panel, happens, tmp_path: Path):
    happens(measured, tmp_path)
    measured.ui.exportButton.click()
    (sentence,) = measured.answers.errors
    assert sentence.endswith(".") and "\n" not in sentence
    assert not (tmp_path / "out").exists() and measured.ui.exportedLabel.text == ""
    measured.ui.dicomCheckBox.click()
    measured.ui.exportButton.click()
    assert files_in(tmp_path / "out") == OTHERS


def test_missing_packages_are_offered_before_a_folder_is_chosen(tmp_path: Path):
    packages = Packages(lacking=["highdicom>=0.27"])
    panel = Panel(dicom=packages)
    panel.answers.folder = tmp_path / "out"
    panel.compute(loaded(panel.scene, tmp_path / "ct"))
    panel.ui.exportButton.click()
    assert files_in(tmp_path / "out") == OTHERS and panel.answers.asked == [], "all else needs none"
    panel.ui.dicomCheckBox.click()
    panel.answers.yes = False
    panel.ui.exportButton.click()
    assert "highdicom>=0.27" in panel.answers.asked[0] and files_in(tmp_path / "out") == OTHERS
    panel.answers.yes = True
    panel.ui.exportButton.click()
    assert files_in(tmp_path / "out") == OTHERS | set(DICOM_FILES)
    panel.close()
