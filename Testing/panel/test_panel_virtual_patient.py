"""The virtual patient of Sample Data: Slicer goes on while it is made, and Cancel leaves nothing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import qt

import panel_harness as harness
from OpportunisticBMDLib.scene.volumes import volume_of
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX
from OpportunisticBMDPanel.slicer import virtual_patient as made
from OpportunisticBMDPanel.slicer.virtual_patient import add_virtual_patient
from OpportunisticBMDTraining.virtual.patient import virtual_patient
from panel_harness import slicer

# A child that says where it is, and does not end by itself.
ENDLESS = "import os, sys, time; open(sys.argv[2] + '.pid', 'w').write(str(os.getpid())); time.sleep(600)"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where the child's files lie, and a scene that is empty afterwards."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **layers: None)
    yield tmp_path
    slicer.mrmlScene.Clear(False)


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Makes these lines of Python the child in place of the module that draws a patient."""

    def replace(lines: str) -> None:
        folder = tmp_path / "modules"
        folder.mkdir()
        (folder / "drawn_by_a_test.py").write_text(lines)
        monkeypatch.setattr(made, "MODULE", "drawn_by_a_test")
        monkeypatch.setattr(made, "FOLDERS", (folder,))

    return replace


def during_the_wait(act):
    """Calls this at one of Slicer's events, once the child runs."""
    timer = qt.QTimer()
    timer.setInterval(50)

    def look() -> None:
        if list(Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*/*.pid")):
            timer.stop()
            act()

    timer.connect("timeout()", look)
    timer.start()
    return timer


def click_cancel() -> None:
    (dialog,) = [
        w for w in qt.QApplication.topLevelWidgets() if w.isVisible() and type(w).__name__ == "QProgressDialog"
    ]
    dialog.cancel()


def volumes() -> int:
    return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")


def leftovers(place: Path) -> list[str]:
    return [path.name for path in place.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]


def test_it_is_the_patient_of_its_seed_with_the_true_densities(place):
    node = add_virtual_patient(1)
    patient = virtual_patient(1)
    volume = volume_of(node)
    assert (volume.array == patient.ct.array).all()
    assert volume.grid.affine == pytest.approx(patient.ct.grid.affine)
    truths = {name: node.GetAttribute(f"OpportunisticBMD.true_{name}_mg_cm3") for name in ("T12", "L1", "L2")}
    assert truths == {name: f"{bmd:.1f}" for name, bmd in patient.bmd_mg_cm3.items()}
    assert leftovers(place) == []


def test_cancel_ends_the_child_and_leaves_nothing(place, child):
    child(ENDLESS)
    pids = []

    def cancel() -> None:
        pids.extend(int(file.read_text()) for file in place.glob(f"{TEMPORARY_PREFIX}*/*.pid"))
        click_cancel()

    timer = during_the_wait(cancel)
    assert add_virtual_patient(1) is None
    assert not timer.active and volumes() == 0 and leftovers(place) == []
    assert not Path(f"/proc/{pids[0]}").exists() or sys.platform != "linux"


def test_a_second_click_makes_no_second_patient(place, child):
    child(ENDLESS)
    second = []

    def click_again() -> None:
        second.append(add_virtual_patient(1))
        click_cancel()

    timer = during_the_wait(click_again)
    add_virtual_patient(1)
    assert not timer.active and second == [None]
    assert volumes() == 0


def test_after_a_cancel_the_next_click_makes_one(place, child, monkeypatch):
    with monkeypatch.context() as first:
        first.setattr(made, "MODULE", "this")  # prints a poem and ends
        first.setattr(slicer.app, "processEvents", click_cancel)
        assert add_virtual_patient(1) is None
    assert add_virtual_patient(1) is not None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        ("raise OSError(28, 'No space left on device')", "[Errno 28] No space left on device"),
        ("import os; os._exit(9)", "its process ended unexpectedly"),
    ],
)
def test_a_child_that_fails_is_told_in_one_sentence(place, child, lines, reason):
    child(lines)
    answers = harness.Answers()
    assert add_virtual_patient(1, answers) is None
    assert answers.errors == [f"The virtual patient could not be made: {reason}"]
    assert volumes() == 0 and leftovers(place) == []
