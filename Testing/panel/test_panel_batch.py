"""Several CTs in one go: which are found, the child process, its rows, and what a stop leaves."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import SimpleITK as sitk

import panel_harness
from OpportunisticBMDPanel.batch.process import SUMMARY, BatchRow
from OpportunisticBMDPanel.batch.runner import Batch
from OpportunisticBMDPanel.settings.settings import Settings
from panel_harness import Panel, qt


def write_lump(path: Path) -> None:
    """A lump of soft tissue in air, which has no spine: quick to refuse."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GaussianSource(sitk.sitkFloat32, [24, 24, 24], [6.0] * 3, [12.0] * 3, 1500.0)
    image = sitk.Cast(image - 1000.0, sitk.sitkInt16)
    image.SetSpacing((4.0, 4.0, 4.0))
    sitk.WriteImage(image, str(path))


@pytest.fixture(autouse=True)
def _new_settings() -> Iterator[None]:
    yield
    qt.QSettings().remove("ctkPathLineEdit")  # the folders that were chosen before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cts"
    write_lump(folder / "a.nii.gz")
    (folder / "b.nrrd").write_text("no image")
    return folder


def run(batch: Batch, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while batch.tick():
        assert time.monotonic() < end, "the child did not end"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_folder_is_measured_with_a_row_for_each_ct(folder: Path, tmp_path: Path):
    batch, output = Batch(), tmp_path / "out"
    batch.start(folder, output, Settings(device="cpu", kvp=100.0))
    with pytest.raises(RuntimeError, match="being measured already"):
        batch.start(folder, output, Settings())
    run(batch)
    assert batch.message == "" and batch.names == ["a", "b"] and batch.fraction == 1.0
    assert [row.status for row in batch.rows] == ["refused", "failed"]
    assert batch.rows[1].message.startswith("b is damaged") and str(folder) not in batch.rows[1].message
    assert json.loads((output / "a" / "result.json").read_text(encoding="utf-8"))["input"]["kvp"] == 100
    assert (output / "a" / "report.html").is_file() and not (output / "b").exists()
    with (output / SUMMARY).open(encoding="utf-8", newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["refused", "failed"]
    with (output / "a" / "result.csv").open(encoding="utf-8", newline="") as file:
        assert [row["volume"] for row in csv.DictReader(file)] == ["a"] * 4


def measured_at(output: Path) -> int:
    return (output / "a" / "result.json").stat().st_mtime_ns


@pytest.mark.slow
def test_what_is_finished_is_not_measured_again_unless_ct_or_settings_changed(folder: Path, tmp_path: Path):
    batch, output, settings = Batch(), tmp_path / "out", Settings(device="cpu")

    def again(settings: Settings) -> int:
        batch.start(folder, output, settings)
        run(batch)
        assert [row.status for row in batch.rows] == ["refused", "failed"]
        return measured_at(output)

    first = again(settings)
    assert again(settings) == first
    second = again(replace(settings, kvp=100.0))
    assert second > first
    write_lump(folder / "a.nii.gz")
    assert again(replace(settings, kvp=100.0)) > second


@pytest.mark.slow
def test_faulty_models_are_a_sentence(folder: Path, tmp_path: Path):
    batch = Batch()
    batch.start(folder, tmp_path / "out", Settings(device="cpu", models=tmp_path / "nowhere"))
    run(batch)
    assert "nowhere" in batch.message and batch.rows == []


def test_cancel_leaves_no_process(folder: Path, tmp_path: Path):
    batch = Batch()
    batch.start(folder, tmp_path / "out", Settings(device="cpu"))
    process, said = batch._child.process, batch._child.scratch.folder
    batch.cancel()
    assert process.poll() is not None and not batch.is_running and not said.exists()
    assert not batch.tick()


def ending_at_once(tmp_path: Path) -> Batch:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    broken.chmod(0o755)
    return Batch(str(broken))


def test_an_interpreter_that_ends_at_once_is_a_sentence(folder: Path, tmp_path: Path):
    batch = ending_at_once(tmp_path)
    batch.start(folder, tmp_path / "out", Settings())
    run(batch, 60)
    assert batch.message == "no such module"


@pytest.mark.slow
def test_the_section_runs_it_and_lists_the_rows(folder: Path, tmp_path: Path):
    panel = Panel()
    ui = panel.ui
    assert not ui.batchButton.enabled
    ui.batchInputEdit.currentPath, ui.batchOutputEdit.currentPath = str(folder), str(tmp_path / "out")
    assert ui.batchButton.enabled
    ui.batchButton.click()
    assert ui.batchCancelButton.isVisibleTo(panel.root) and not ui.batchInputEdit.enabled
    panel_harness.wait(lambda: not panel.widget.batch.is_running, 240)
    assert ui.batchTable.rowCount == 2 and ui.batchTable.item(1, 2).text() == "not read"
    assert ui.batchLabel.text.startswith("0 of 2 measured")
    ui.batchButton.click()
    ui.batchCancelButton.click()
    assert "Stopped after 0 of 0" in ui.batchLabel.text and ui.batchButton.isVisibleTo(panel.root)
    panel.close()


def test_the_folders_of_former_days_are_offered_the_latest_first(folder: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    panel = Panel(batch=ending_at_once(tmp_path))
    for chosen in (folder, other):
        panel.ui.batchInputEdit.currentPath, panel.ui.batchOutputEdit.currentPath = str(chosen), str(tmp_path / "out")
        panel.ui.batchButton.click()
        run(panel.widget.batch, 60)
    panel.close()
    panel = Panel()
    box = panel.ui.batchInputEdit.comboBox()
    assert [box.itemText(n) for n in range(box.count())] == [str(other), str(folder)]
    assert panel.ui.batchInputEdit.currentPath == str(other) and panel.ui.batchButton.enabled
    panel.close()


def test_model_folders_that_were_applied_are_offered_and_not_taken_by_themselves(tmp_path: Path):
    panel = Panel()
    panel.ui.modelsEdit.currentPath = str(tmp_path)
    panel.ui.applySettingsButton.click()
    panel.ui.modelsResetButton.click()
    panel.close()
    panel = Panel()
    assert panel.ui.modelsEdit.comboBox().itemText(0) == str(tmp_path)
    assert panel.ui.modelsEdit.currentPath == "" and panel.logic.settings.models is None
    panel.close()


def test_a_row_says_in_words_what_came_out():
    panel = Panel()
    panel.widget.batch.rows = [
        BatchRow("a", "measured", 101.24, 4.0, "osteopenia", "T12 L1", ""),
        BatchRow("b", "refused", None, None, None, "", "No vertebra was found."),
        BatchRow("c", "failed", None, None, None, "", "c.nrrd is no image."),
    ]
    panel.widget.batch.changed.emit()
    table = panel.ui.batchTable
    assert [table.item(row, 2).text() for row in range(3)] == ["Osteopenia", "no density", "not read"]
    assert table.item(2, 3).text() == "c.nrrd is no image."
    panel.close()
