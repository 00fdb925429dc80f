"""The panel's keys: none of them is Slicer's, and each clicks its button, as long as that can be clicked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

from PySide6 import QtCore, QtTest, QtWidgets

import panel_harness as harness
from annotated_cases import INFO, annotated_case, write_annotated
from OpportunisticBMDLib.cases import add_scan
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.slicer.shortcuts import KEYS
from panel_harness import Panel, qt, slicer


def every(modifier: str, keys: str) -> list[str]:
    return [f"{modifier}{key}" for key in keys.split()]


LETTERS_IN_VIEWS = every("", "F B V R G T S A X [ ] { } + -") + every("Shift+", "V [ ] { }")
ARROWS = "Left Right Up Down"
PAD = f"{ARROWS} Home End PgDown Ins Clear"
# What Slicer and its Segment Editor listen to, in 5.10 and 5.12, by the file that shows it.
THEIRS = {
    "Base/QTApp/Resources/UI/qSlicerMainWindow.ui": [
        *every("Ctrl+", "O S W Z Y X C V H 2 4 6"),
        *every("Alt+", "F E V H"),
    ],
    "Base/QTApp/qSlicerMainWindow.cxx": every("Ctrl+", "0 3 ` 5"),
    "Applications/SlicerApp/qSlicerAppMainWindow.cxx": ["Ctrl+1"],
    "Base/QTGUI/qSlicerModuleSelectorToolBar.cxx": [
        *every("Ctrl+", "F Left Right [ ]"),
        *every("Alt+", "Left Right"),
        *every("", "Backspace Shift+Backspace"),
    ],
    "Modules/Loadable/Segmentations/Widgets/qMRMLSegmentEditorWidget.cxx": [
        *every("", "0 1 2 3 4 5 6 7 8 9 Esc Space Z Y Q W / * , . < > I"),
        *every("Shift+", "0 1 2 3 4 5 6 7 8 9"),
        *every("", "Ctrl+Z Ctrl+Y Ctrl+Shift+Z Alt+Backspace Alt+Shift+Backspace"),
    ],
    "Modules/Loadable/Segmentations/EditorEffects/Python/SegmentEditorEffects/SegmentEditorDrawEffect.py": [
        *every("", "A X Return Enter"),
    ],
    "Libs/MRML/DisplayableManager/vtkMRMLSliceIntersectionWidget.cxx": [*LETTERS_IN_VIEWS, *every("", f"{ARROWS} Esc")],
    "Libs/MRML/DisplayableManager/vtkMRMLCameraWidget.cxx": [*every("", PAD), *every("Shift+", PAD), "Ctrl+B"],
    "Modules/Loadable/Markups/VTKWidgets/vtkSlicerMarkupsWidget.cxx": every("", "S Del Shift+Del Backspace"),
    "Modules/Loadable/Markups/Widgets/qMRMLMarkupsToolBar.cxx": every("Ctrl+Shift+", "A T Space"),
    "Modules/Loadable/Sequences/Widgets/qMRMLSequenceBrowserPlayWidget.cxx": every("Ctrl+Shift+", "Left Right Down"),
    "Libs/MRML/Widgets/qMRMLTableViewControllerWidget.cxx": [*every("Ctrl+", "C V P Ins"), "Shift+Ins"],
    "Docs/developer_guide/script_repository": every("Ctrl+", "B N M , K E 9 Shift+S"),
}


class Window:
    """Slicer's main window with the panel in it."""

    def __init__(self) -> None:
        self.window = qt.QMainWindow()
        self.window.name = "qSlicerMainWindow"
        self.panel = Panel()
        self.window.setCentralWidget(self.panel.root)
        self.window.show()
        self.window.activateWindow()
        QtTest.QTest.qWaitForWindowActive(self.window)

    @property
    def keys(self) -> list[str]:
        """Those that the window listens to."""
        return [shortcut.key.toString() for shortcut in self.window.findChildren(qt.QShortcut) if shortcut.enabled]

    def press(self, key: str) -> None:
        """As the reader does, wherever the focus is."""
        QtWidgets.QApplication.processEvents()
        QtTest.QTest.keySequence(self.window, qt.QKeySequence(key))
        QtWidgets.QApplication.processEvents()

    def close(self) -> None:
        self.panel.close()
        self.window.delete()
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)


@pytest.fixture
def window() -> Iterator[Window]:
    window = Window()
    yield window
    window.close()


@pytest.fixture
def entered(window: Window) -> Window:
    window.panel.widget.enter()
    return window


def normal(key: str) -> str:
    return qt.QKeySequence(key).toString()


def test_no_key_is_slicers_or_the_segment_editors_and_none_is_there_twice():
    ours = [normal(key) for key in KEYS.values()]
    theirs = {normal(key): file for file, keys in THEIRS.items() for key in keys}
    assert "" not in ours and "" not in theirs, "a key that Qt does not know"
    assert {key: theirs[key] for key in ours if key in theirs} == {}
    assert len(set(ours)) == len(ours)


def test_the_keys_are_there_while_the_reader_is_in_the_module(window: Window):
    panel = window.panel
    assert window.keys == []
    panel.widget.enter()
    panel.widget.enter()
    assert sorted(window.keys) == sorted(map(normal, KEYS.values())), "each once: two on one key are dead"
    panel.widget.exit()
    assert window.keys == []
    panel.choose(harness.patient(panel.scene))
    window.press(KEYS["computeButton"])
    assert panel.session.state is State.READY, "the key is somebody else's now"


def test_the_keys_go_with_the_panel(entered: Window):
    entered.panel.widget.cleanup()
    assert entered.keys == []


def test_after_a_reload_each_key_is_there_once(window: Window):
    """Slicer cleans the old widget up, and does not tell the new one that the reader is in it."""
    window.panel.widget.enter()
    window.panel.widget.cleanup()
    again = Panel()
    assert window.keys == []
    again.widget.enter()
    assert sorted(window.keys) == sorted(map(normal, KEYS.values()))
    again.close()
    assert window.keys == []


def test_without_a_main_window_there_are_no_keys_and_no_fault():
    panel = Panel()
    assert slicer.util.mainWindow() is None
    panel.widget.enter()
    panel.widget.exit()
    panel.close()


def test_compute_and_cancel(entered: Window):
    panel = entered.panel
    entered.press(KEYS["computeButton"])
    assert panel.workers == [], "without a CT the button is not enabled, nor is its key"
    panel.choose(harness.patient(panel.scene))
    entered.press(KEYS["cancelButton"])
    assert panel.session.state is State.READY
    panel.logic.warm_up()
    panel.worker.holds_back = True
    entered.press(KEYS["computeButton"])
    assert panel.session.state is State.RUNNING
    entered.press(KEYS["computeButton"])
    assert panel.session.state is State.RUNNING and panel.worker.jobs == ["compute"], "its button is hidden meanwhile"
    entered.press(KEYS["cancelButton"])
    assert panel.worker.cancelled and panel.session.state is State.READY


def test_undo_and_redo(entered: Window):
    panel = entered.panel
    entered.press(KEYS["undoButton"])
    panel.compute(harness.patient(panel.scene))
    panel.widget.results.use_boxes["L2"].click()
    panel.settle()
    entered.press(KEYS["undoButton"])
    assert panel.session.excluded == frozenset() and panel.widget.results.use_boxes["L2"].checked
    entered.press(KEYS["redoButton"])
    assert panel.session.excluded == {"L2"}
    entered.press(KEYS["redoButton"])
    assert panel.session.excluded == {"L2"}, "there is nothing more to redo"


def test_next_and_previous_vertebra(entered: Window):
    panel = entered.panel
    navigation = panel.widget._measuring.navigation
    entered.press(KEYS["nextVertebraButton"])
    panel.compute(harness.patient(panel.scene))
    assert navigation.current == "L1"
    entered.press(KEYS["nextVertebraButton"])
    assert navigation.current == "L2"
    for _ in range(3):
        entered.press(KEYS["previousVertebraButton"])
    assert navigation.current == "T12"


def test_the_next_case_to_annotate(entered: Window, tmp_path):
    panel = entered.panel
    entered.press(KEYS["nextButton"])
    write_annotated(tmp_path / "cases")
    add_scan(tmp_path / "cases", "case-0002", annotated_case().ct, INFO)
    panel.ui.annotatingSection.collapsed = False
    section = panel.widget._annotating
    section.dataset.open_folder(tmp_path / "cases")
    section.ui.datasetPart.visible = False
    entered.press(KEYS["nextButton"])
    assert section.work.case is None, "what is not seen is not clicked"
    section.ui.datasetPart.visible = True
    entered.press(KEYS["nextButton"])
    assert section.work.case.case_id == "case-0002"
    assert normal(KEYS["nextButton"]) in section.ui.nextButton.toolTip


def test_the_buttons_say_their_keys(entered: Window):
    panel = entered.panel
    panel.compute(harness.patient(panel.scene))
    for name in KEYS.keys() - {"nextButton"}:
        assert normal(KEYS[name]) in getattr(panel.ui, name).toolTip, name


def test_undo_and_redo_say_what_they_would_do(entered: Window):
    panel, ui = entered.panel, entered.panel.ui
    assert not ui.undoButton.isVisibleTo(panel.root)
    session = panel.compute(harness.patient(panel.scene))
    assert ui.undoButton.isVisibleTo(panel.root) and ui.undoButton.enabled and not ui.redoButton.enabled
    assert ui.undoButton.toolTip == "Undo: BMD computed (Ctrl+U)"
    assert ui.redoButton.toolTip == "Nothing to redo (Ctrl+R)"
    panel.widget.results.use_boxes["L1"].click()
    panel.settle()
    assert ui.undoButton.toolTip == "Undo: L1 left out (Ctrl+U)"
    panel.widget.results.use_boxes["L1"].click()
    panel.settle()
    assert ui.undoButton.toolTip == "Undo: L1 taken back (Ctrl+U)"
    harness.paint(session, "L2")
    panel.settle()
    assert ui.undoButton.toolTip == "Undo: mask of L2 edited (Ctrl+U)"
    session.box_node.SetCenter(12, -52, 152)
    panel.settle()
    assert ui.undoButton.toolTip == "Undo: box moved (Ctrl+U)"
    panel.ui.segmentAgainButton.click()
    panel.settle()
    assert ui.undoButton.toolTip == "Undo: segmented again in the box (Ctrl+U)"
    harness.forget_levels(session)
    panel.ui.relabelUpButton.click()
    panel.settle()
    assert ui.undoButton.toolTip == "Undo: names moved (Ctrl+U)"
    ui.undoButton.click()
    assert ui.redoButton.toolTip == "Redo: names moved (Ctrl+R)" and ui.redoButton.enabled
    panel.ui.computeButton.click()
    panel.settle()
    assert ui.undoButton.toolTip == "Undo: BMD computed again (Ctrl+U)"
    while ui.undoButton.enabled:
        ui.undoButton.click()
    assert ui.undoButton.toolTip == "Nothing to undo (Ctrl+U)"
    assert ui.redoButton.toolTip == "Redo: BMD computed (Ctrl+R)"
    assert ui.redoButton.isVisibleTo(panel.root) and not ui.resultFrame.isVisibleTo(panel.root)


def test_while_it_runs_neither_can_be_clicked(entered: Window):
    panel, ui = entered.panel, entered.panel.ui
    panel.compute(harness.patient(panel.scene))
    panel.widget.results.use_boxes["L1"].click()
    panel.settle()
    ui.undoButton.click()
    panel.worker.holds_back = True
    panel.ui.computeButton.click()
    assert not ui.undoButton.enabled and not ui.redoButton.enabled
    panel.ui.cancelButton.click()
    assert ui.undoButton.enabled and ui.redoButton.enabled


def test_why_a_step_cannot_be_undone_is_a_sentence(entered: Window):
    panel = entered.panel
    session = panel.compute(harness.patient(panel.scene))
    bent = panel.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    session.volume_node.SetAndObserveTransformNodeID(bent.GetID())
    panel.ui.undoButton.click()
    assert len(panel.answers.errors) == 1 and "a transform that bends it" in panel.answers.errors[0]


def test_each_volume_shows_its_own_steps(entered: Window):
    panel, ui = entered.panel, entered.panel.ui
    first = panel.compute(harness.patient(panel.scene))
    panel.choose(harness.patient(panel.scene, "second"))
    assert not ui.undoButton.isVisibleTo(panel.root)
    panel.choose(first.volume_node)
    assert ui.undoButton.enabled
