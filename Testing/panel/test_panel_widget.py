"""The panel as it is clicked: every button, from the real .ui file, on the real scene."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from mrml import new_scene
from OpportunisticBMDLib.scene.segmentation import vertebra_of_segment
from OpportunisticBMDLib.worker.messages import Failed, Ready
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.settings.settings import VOLTAGES_KV, Settings, SettingsStore
from panel_harness import Panel, qt, slicer


class Store(dict):
    """QSettings as a dictionary."""

    def value(self, key: str) -> object:
        return self.get(key)

    def setValue(self, key: str, value: object) -> None:  # noqa: N802 - Qt's name
        self[key] = value

    def remove(self, key: str) -> None:
        self.pop(key, None)


@pytest.fixture
def panel() -> Iterator[Panel]:
    panel = Panel(store=SettingsStore(Store()))
    yield panel
    panel.close()


@pytest.fixture
def measured(panel: Panel) -> Panel:
    """With a result."""
    panel.compute(harness.patient(panel.scene))
    return panel


def cell(panel: Panel, row: int, column: int) -> str:
    return panel.ui.vertebraTable.item(row, column).text()


def test_without_a_volume_it_says_what_to_load(panel: Panel):
    assert not panel.ui.computeButton.enabled
    assert "Load a CT" in panel.ui.messageLabel.text and "Sample Data" in panel.ui.messageLabel.text
    assert not panel.ui.resultFrame.isVisibleTo(panel.root)
    assert panel.ui.researchLabel.text == "For research, not diagnosis."
    assert panel.ui.annotatingSection.collapsed


def test_the_first_volume_that_comes_is_chosen_and_label_maps_are_not(panel: Panel):
    panel.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert panel.session is None
    volume = harness.patient(panel.scene)
    assert panel.session.volume_node is volume
    assert panel.ui.computeButton.enabled and "Ready" in panel.ui.messageLabel.text


def test_compute_shows_the_number_with_its_unit_interval_and_category_in_words(measured: Panel):
    ui, result = measured.ui, measured.session.result
    assert ui.resultFrame.isVisibleTo(measured.root)
    assert ui.valueLabel.text == f"{result.bmd_mg_cm3:.1f}" and "mg/cm³ HA" in ui.unitLabel.text
    assert "(K2HPO4 " in ui.unitLabel.text and "middle 9 mm" in ui.intervalLabel.text
    assert "QCT reading" in ui.unitLabel.toolTip
    assert result.category == "osteopenia" and ui.categoryLabel.text == "▲ Osteopenia"  # 150 HU are 117 mg/cm3
    assert "Mean of L1 and L2" in ui.intervalLabel.text and "95 % interval" in ui.intervalLabel.text
    assert not ui.plotLabel.pixmap.isNull()
    assert "tube voltage is not known" in ui.reasonsLabel.text
    assert cell(measured, 1, 1) == "L1"
    assert cell(measured, 1, 2) == f"{result.vertebrae['L1'].bmd_mg_cm3:.1f}"
    l1 = result.vertebrae["L1"]
    assert (
        cell(measured, 1, 4) == f"{l1.middle.hu_mean:.0f} / {l1.mask.hu_mean:.0f}"
    )  # what was read, and the whole mask
    for column, unit in enumerate(["", "", "mg/cm³", "mg/cm³", "HU", "mg/cm³", "%"]):
        assert unit in ui.vertebraTable.horizontalHeaderItem(column).text()


def test_cancel_takes_computes_place_while_it_runs(panel: Panel):
    panel.choose(harness.patient(panel.scene))
    panel.logic.warm_up()
    panel.worker.holds_back = True
    panel.ui.computeButton.click()
    assert panel.ui.cancelButton.isVisibleTo(panel.root) and not panel.ui.computeButton.isVisibleTo(panel.root)
    panel.worker.tell("segment", 0.54)
    panel.logic.tick()
    assert panel.ui.progressBar.value == 54
    assert panel.ui.progressLabel.text == "Segmenting the cancellous bone, 54 %"
    assert not panel.ui.settingsSection.enabled
    panel.ui.cancelButton.click()
    assert panel.worker.cancelled and panel.session.state is State.READY
    assert panel.ui.computeButton.isVisibleTo(panel.root) and not panel.ui.progressFrame.isVisibleTo(panel.root)


def test_an_edit_greys_the_number_until_the_new_one_is_there(measured: Panel):
    old = measured.session.result
    harness.paint(measured.session, "L2", voxels=2)
    assert measured.ui.categoryLabel.text == "Out of date"
    assert "before the change" in measured.ui.intervalLabel.text
    assert not measured.ui.exportButton.enabled
    measured.settle()
    assert measured.ui.categoryLabel.text.startswith("▲") and measured.ui.exportButton.enabled
    assert "The mask of L2 was edited by hand" in measured.ui.reasonsLabel.text
    assert measured.session.result is not old
    assert measured.ui.valueLabel.text == f"{measured.session.result.bmd_mg_cm3:.1f}"
    l2 = measured.session.result.vertebrae["L2"]
    assert cell(measured, 2, 4) == f"{l2.middle.hu_mean:.0f} / {l2.mask.hu_mean:.0f}"


def test_the_check_boxes_leave_vertebrae_out_and_take_them_back(measured: Panel):
    boxes = measured.widget.results.use_boxes
    boxes["L2"].click()
    measured.settle()
    assert "T12 replaces L2" in measured.ui.intervalLabel.text
    assert cell(measured, 2, 2) == "–"
    boxes["L1"].click()
    measured.settle()
    assert measured.ui.valueLabel.text == "No density" and measured.ui.categoryLabel.text == "◆ Refused"
    assert "L1 and L2 were left out" in measured.ui.reasonsLabel.text
    for name in ("L1", "L2"):
        boxes[name].click()
    measured.settle()
    assert "Mean of L1 and L2" in measured.ui.intervalLabel.text


def test_check_boxes_follow_the_volume_that_is_shown(measured: Panel):
    first = measured.session
    measured.widget.results.use_boxes["T12"].click()
    measured.settle()
    measured.compute(harness.patient(measured.scene, "second"))
    assert measured.widget.results.use_boxes["T12"].checked
    measured.choose(first.volume_node)
    assert not measured.widget.results.use_boxes["T12"].checked
    assert measured.session.excluded == {"T12"}


def test_where_the_vertebrae_in_view_are_not_known_the_buttons_rename_the_masks(measured: Panel):
    harness.forget_levels(measured.session)
    node = measured.session.segmentation_node
    second = node.GetSegmentation().GetNthSegmentID(1)
    measured.ui.relabelUpButton.click()
    measured.settle()
    assert vertebra_of_segment(node, second) == "L2", "L1 lies one higher: what was L1 is L2"
    measured.ui.relabelDownButton.click()
    measured.settle()
    assert vertebra_of_segment(node, second) == "L1"
    assert set(measured.worker.jobs[1:]) <= {"measure"}
    for _ in range(3):
        measured.ui.relabelDownButton.click()
        measured.settle()
    assert any("cannot be moved further" in error for error in measured.answers.errors)


def test_the_box_is_hidden_moved_and_segmented_in(measured: Panel):
    box = measured.session.box_node
    assert box.GetDisplayVisibility() and not measured.ui.segmentAgainButton.enabled
    measured.ui.showBoxCheckBox.click()
    assert not box.GetDisplayVisibility()
    measured.ui.showBoxCheckBox.click()
    assert box.GetDisplayVisibility()
    box.SetCenter(12, -52, 152)
    assert measured.ui.segmentAgainButton.enabled and "box was moved" in measured.ui.messageLabel.text
    measured.ui.segmentAgainButton.click()
    measured.settle()
    assert measured.worker.jobs[-1] == "segment" and not measured.ui.segmentAgainButton.enabled
    assert "placed by hand" in measured.ui.reasonsLabel.text


def test_hand_work_is_not_thrown_away_without_asking(measured: Panel):
    harness.paint(measured.session, "L2")
    measured.settle()
    result = measured.session.result
    measured.answers.yes = False
    measured.ui.computeButton.click()
    measured.session.box_node.SetCenter(12, -52, 152)
    measured.ui.segmentAgainButton.click()
    measured.settle()
    assert len(measured.answers.asked) == 2 and measured.session.result is result
    measured.answers.yes = True
    measured.ui.computeButton.click()
    measured.settle()
    assert "edited_by_hand" not in {r.code for r in measured.session.result.reasons}


def test_the_segment_editor_has_the_masks_the_volume_and_l1(measured: Panel):
    editor, session = measured.widget.editing.editor, measured.session
    assert editor.segmentationNode() is session.segmentation_node
    assert editor.sourceVolumeNode() is session.volume_node
    assert vertebra_of_segment(session.segmentation_node, editor.currentSegmentID()) == "L1"
    assert editor._hidden >= {"segmentation selector", "volume selector", "switch button"}
    measured.widget.enter()
    assert editor._shortcuts and editor._observes_views
    editor.setActiveEffectByName("Paint")
    measured.widget.exit()
    assert editor._effect == "" and not editor._shortcuts and not editor._observes_views


def test_export_writes_everything_with_one_button(measured: Panel, tmp_path):
    measured.answers.folder = tmp_path / "out"
    measured.ui.exportButton.click()
    assert measured.answers.errors == []
    names = {path.name for path in measured.answers.folder.iterdir()}
    assert names == {"result.json", "result.csv", "report.html", "preview.png", "segmentation.seg.nrrd"}
    assert "5 files" in measured.ui.exportedLabel.text
    document = json.loads((measured.answers.folder / "result.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((measured.answers.folder / "result.csv").open(encoding="utf-8", newline="")))
    assert [row["vertebra"] for row in rows] == ["mean", "T12", "L1", "L2"]
    assert float(rows[0]["bmd_mg_cm3"]) == document["bmd_mg_cm3"]
    assert float(rows[2]["bmd_mg_cm3"]) == document["vertebrae"]["L1"]["bmd_mg_cm3"]
    assert [row["used"] for row in rows[1:]] == ["no", "yes", "yes"]


def test_the_text_for_a_report_is_copied(measured: Panel):
    measured.ui.copyButton.click()
    copied = slicer.app.clipboard().text()
    assert f"mean of L1 and L2, is {measured.session.result.bmd_mg_cm3:.1f} mg/cm³ HA" in copied
    assert "CT chest" not in copied, "the volume's name may be the patient's"
    assert measured.ui.exportedLabel.text == "The text for the report is on the clipboard."


def test_the_text_of_a_refusal_says_why(measured: Panel):
    for name in ("L1", "L2"):
        measured.widget.results.use_boxes[name].click()
    measured.settle()
    measured.ui.copyButton.click()
    assert "No trustworthy bone mineral density can be given" in slicer.app.clipboard().text()
    assert "L1 and L2 were left out" in slicer.app.clipboard().text()


def test_nothing_is_copied_or_said_to_be_while_the_number_is_out_of_date(measured: Panel):
    measured.ui.copyButton.click()
    harness.paint(measured.session, "L2")
    assert not measured.ui.copyButton.enabled and measured.ui.exportedLabel.text == ""
    measured.settle()
    assert measured.ui.copyButton.enabled


def test_the_text_is_worded_in_the_settings_without_measuring_again(measured: Panel):
    ui, result, jobs = measured.ui, measured.session.result, list(measured.worker.jobs)
    assert "{caution}" in ui.templateEdit.toolTip
    ui.templateEdit.plainText = "Density {bdm}"
    assert not ui.applySettingsButton.enabled
    assert "cannot hold {bdm}" in ui.settingsMessageLabel.text and "{bmd}" in ui.settingsMessageLabel.text
    ui.copyButton.click()
    assert "Opportunistic bone densitometry" in slicer.app.clipboard().text(), "until it is mended"
    ui.templateEdit.plainText = "Dichte: {bmd} {unit}\n({vertebrae})"
    ui.applySettingsButton.click()
    measured.settle()
    assert measured.session.result is result and measured.worker.jobs == jobs
    ui.copyButton.click()
    assert slicer.app.clipboard().text() == f"Dichte: {result.bmd_mg_cm3:.1f} mg/cm³ HA\n(mean of L1 and L2)"
    ui.templateResetButton.click()
    assert measured.store.load() == Settings() and "Opportunistic" in ui.templateEdit.plainText
    ui.templateEdit.plainText = ""
    ui.applySettingsButton.click()
    assert measured.store.load() == Settings(), "an empty text is the default one"


def test_export_into_a_file_is_a_sentence(measured: Panel, tmp_path):
    measured.answers.folder = tmp_path / "file"
    measured.answers.folder.write_text("in the way")
    measured.ui.exportButton.click()
    assert len(measured.answers.errors) == 1 and "which is a file" in measured.answers.errors[0]


def test_no_folder_chosen_writes_nothing(measured: Panel, tmp_path):
    measured.answers.folder = None
    measured.ui.exportButton.click()
    assert measured.ui.exportedLabel.text == "" and measured.answers.errors == []


def test_a_failure_is_shown_as_a_sentence_and_measured_again_by_its_button(measured: Panel):
    measured.worker.fault = Failed("The process that measures ended unexpectedly.", "killed")
    harness.paint(measured.session, "L2")
    measured.settle()
    assert measured.ui.messageLabel.text == "The process that measures ended unexpectedly."
    assert not measured.ui.resultFrame.isVisibleTo(measured.root), "an old number would pass as new"
    assert measured.ui.measureAgainButton.isVisibleTo(measured.root)
    measured.worker.fault = None
    measured.ui.measureAgainButton.click()
    measured.settle()
    assert measured.session.state is State.RESULT


def test_missing_packages_are_offered_with_their_size_at_compute_and_never_before(panel: Panel):
    panel.packages.lacking = ["torch>=2.4"]
    panel.widget.enter()
    assert panel.answers.asked == [] and panel.workers == [], "nothing is asked or started at start-up"
    panel.choose(harness.patient(panel.scene))
    panel.answers.yes = False
    panel.ui.computeButton.click()
    assert len(panel.answers.asked) == 1 and "torch>=2.4" in panel.answers.asked[0]
    assert "about 250 MB" in panel.answers.asked[0]
    assert panel.session.state is State.READY
    panel.answers.yes = True
    panel.ui.computeButton.click()
    panel.settle()
    assert panel.session.state is State.RESULT


def test_what_leaves_the_scene_while_packages_are_installed_is_not_computed(panel: Panel):
    """Slicer 5.10 goes on handling clicks while pip runs."""
    volume = harness.patient(panel.scene)
    panel.choose(volume)
    panel.packages.lacking, install = ["torch"], panel.packages.install
    panel.packages.install = lambda names: (panel.scene.RemoveNode(volume), install(names))[1]
    panel.ui.computeButton.click()
    panel.settle()
    assert panel.session is None and not panel.workers
    assert panel.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_without_a_network_it_says_what_to_copy(panel: Panel):
    panel.packages.lacking, panel.packages.has_network = ["torch>=2.4"], False
    panel.choose(harness.patient(panel.scene))
    panel.ui.computeButton.click()
    assert "copy the wheels" in panel.answers.errors[0] and panel.session.state is State.READY


def test_packages_that_the_worker_misses_are_installed_by_the_button(panel: Panel):
    panel.choose(harness.patient(panel.scene))
    panel.logic.warm_up()
    panel.worker.fault = Failed("torch is missing.", "packages")
    panel.ui.computeButton.click()
    panel.settle()
    assert panel.ui.installButton.isVisibleTo(panel.root)
    panel.packages.lacking, panel.worker.fault = ["torch>=2.4"], None
    panel.ui.installButton.click()
    panel.settle()
    assert panel.answers.asked and panel.session.state is State.RESULT


def test_what_the_worker_notes_is_shown(panel: Panel):
    panel.choose(harness.patient(panel.scene))
    panel.logic.warm_up()
    panel.worker._events.append(Ready("cpu", "The GPU has too little memory; the CPU is used."))
    panel.logic.tick()
    assert "the CPU is used" in panel.ui.messageLabel.text


def test_a_dicom_volume_brings_its_acquisition_along(panel: Panel):
    volume = harness.patient(panel.scene)
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.840.1 1.2.840.2")
    slicer.dicomDatabase.add(
        "1.2.840.1",
        {
            "0018,0060": "100",
            "0018,1210": "B30f",
            "0018,0010": "Iohexol",
            "0020,000e": "1.2.840.99",
            "0010,0010": "Doe^Jane",
        },
    )
    result = panel.compute(volume).result
    acquisition = result.acquisition
    assert (acquisition.kvp, acquisition.kernel, acquisition.contrast_agent) == (100.0, "B30f", "Iohexol")
    assert acquisition.series_instance_uid == "1.2.840.99" and acquisition.format == "DICOM"
    assert "Doe" not in repr(result)
    assert panel.ui.acquisitionLabel.text.startswith("100 kVp · kernel B30f · contrast agent Iohexol")
    assert "states a contrast agent, but the vessels hold none" in panel.ui.reasonsLabel.text


def test_settings_are_applied_kept_and_reset(measured: Panel):
    ui, store = measured.ui, measured.store
    assert not ui.applySettingsButton.enabled
    ui.osteoporosisSpinBox.value = 160.0
    assert (
        ui.settingsMessageLabel.isVisibleTo(ui.settingsSection) and "has to lie below" in ui.settingsMessageLabel.text
    )
    assert not ui.applySettingsButton.enabled
    ui.osteopeniaSpinBox.value = 200.0
    ui.ownLineCheckBox.click()
    ui.slopeSpinBox.value = 1.5
    ui.interceptSpinBox.value = -10.0
    ui.deviceComboBox.currentIndex = 1
    ui.materialComboBox.currentIndex = 1
    ui.applySettingsButton.click()
    measured.settle()
    assert measured.session.result.category == "osteoporosis"
    assert measured.session.result.calibration.slope_hu_per_mg_cm3 == 1.5
    assert store.load() == Settings(
        device="cpu", osteoporosis_mg_cm3=160.0, osteopenia_mg_cm3=200.0, material="K2HPO4", own_line=True,
        slope_hu_per_mg_cm3=1.5, intercept_hu=-10.0,
    )  # fmt: skip
    ui.osteoporosisResetButton.click()
    ui.osteopeniaResetButton.click()
    ui.lineResetButton.click()
    ui.deviceResetButton.click()
    ui.materialResetButton.click()
    assert store.load() == Settings()
    measured.settle()
    assert measured.session.result.category == "osteopenia"


def test_a_tube_voltage_that_no_file_states_is_chosen_and_given_back(measured: Panel):
    """Box and levels stay; a line that the tissues moved was for another voltage."""
    ui, session = measured.ui, measured.session
    first = session.result
    assert first.acquisition.kvp is None and first.calibration.name == "120 kVp, tissues"
    assert "The tube voltage is not known" in ui.reasonsLabel.text
    ui.voltageComboBox.currentIndex = 1 + VOLTAGES_KV.index(100.0)
    ui.applySettingsButton.click()
    measured.settle()
    result = session.result
    assert (result.acquisition.kvp, result.calibration.name) == (100.0, "100 kVp, tissues")
    assert result.bmd_mg_cm3 < 0.93 * first.bmd_mg_cm3
    assert (result.box, result.levels.vertebrae) == (first.box, first.levels.vertebrae)
    assert "The tube voltage is not known" not in ui.reasonsLabel.text
    assert ui.acquisitionLabel.text.startswith("100 kVp (by the user)") and measured.store.load() == Settings(kvp=100.0)
    ui.voltageResetButton.click()
    measured.settle()
    assert session.result.acquisition.kvp is None and session.result.bmd_mg_cm3 == first.bmd_mg_cm3


def test_a_tube_voltage_that_the_file_states_stays(panel: Panel):
    panel.ui.voltageComboBox.currentIndex = 1 + VOLTAGES_KV.index(100.0)
    panel.ui.applySettingsButton.click()
    volume = harness.patient(panel.scene)
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.840.7")
    slicer.dicomDatabase.add("1.2.840.7", {"0018,0060": "80", "0020,000e": "1.2.840.99"})
    assert panel.compute(volume).result.acquisition.kvp == 80.0


def test_models_that_cannot_be_used_in_the_middle_of_a_run_are_not_kept(tmp_path):
    """As the annotating section hands them over, which is not greyed out meanwhile."""
    around = []
    section = SimpleNamespace(ui=None, cleanup=lambda: None)
    store = SettingsStore(Store())
    panel = Panel(store=store, annotating=lambda *arguments: (around.append(arguments[-1]), section)[1])
    panel.logic.warm_up()
    panel.worker.holds_back = True
    panel.choose(harness.patient(panel.scene))
    panel.ui.computeButton.click()
    with pytest.raises(RuntimeError, match="in the middle of a run"):
        around[0].use_models(tmp_path)
    assert store.load().models is None
    panel.close()


def test_the_model_folder_is_kept_and_reset(panel: Panel, tmp_path):
    panel.ui.modelsEdit.currentPath = str(tmp_path)
    panel.ui.applySettingsButton.click()
    assert panel.store.load().models == tmp_path and panel.logic.settings.models == tmp_path
    panel.ui.modelsResetButton.click()
    assert panel.store.load().models is None and panel.ui.modelsEdit.currentPath == ""


def test_reset_all_brings_every_default_back(panel: Panel, tmp_path):
    panel.ui.modelsEdit.currentPath = str(tmp_path)
    panel.ui.deviceComboBox.currentIndex = 2
    panel.ui.osteopeniaSpinBox.value = 150.0
    panel.ui.applySettingsButton.click()
    assert panel.store.load() != Settings()
    panel.ui.resetAllButton.click()
    assert panel.store.load() == Settings() and panel.logic.settings == Settings()
    assert panel.ui.osteopeniaSpinBox.value == 120.0


def test_closing_the_scene_in_the_middle_of_a_run_empties_the_panel(panel: Panel):
    panel.choose(harness.patient(panel.scene))
    panel.logic.warm_up()
    panel.worker.holds_back = True
    panel.ui.computeButton.click()
    panel.scene.Clear(False)
    assert panel.worker.cancelled and panel.session is None
    panel.worker.holds_back = False
    panel.settle()
    assert panel.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert "Load a CT" in panel.ui.messageLabel.text
    again = panel.compute(harness.patient(panel.scene, "next"))
    assert again.state is State.RESULT, "the next scene can be measured"


def test_a_refusal_takes_the_masks_before_it_out_of_the_editor(measured: Panel):
    measured.session.box_node.SetCenter(500, 500, 500)
    measured.ui.segmentAgainButton.click()
    measured.settle()
    assert measured.session.state is State.REFUSED and measured.session.segmentation_node is None
    assert measured.widget.editing.editor.segmentationNode() is None


def test_removing_the_volume_empties_the_panel(measured: Panel):
    measured.scene.RemoveNode(measured.session.volume_node)
    assert measured.session is None and not measured.ui.computeButton.enabled
    assert not measured.ui.resultFrame.isVisibleTo(measured.root)


def test_a_loaded_scene_shows_its_result(measured: Panel, tmp_path):
    number = measured.ui.valueLabel.text
    path = str(tmp_path / "case.mrb")
    assert measured.scene.WriteToMRB(path)
    other = Panel(scene=new_scene(), store=SettingsStore(Store()))
    assert other.scene.ReadFromMRB(path)
    assert other.ui.valueLabel.text == number and other.session.state is State.RESULT
    assert other.widget.editing.editor.segmentationNode() is other.session.segmentation_node
    other.close()


def test_every_button_of_the_panel_does_something(panel: Panel):
    """A button that nothing is connected to would go unnoticed."""
    for name, child in vars(panel.ui).items():
        if isinstance(child, qt.QPushButton | qt.QToolButton) and name.endswith("Button"):
            assert child.receivers("2clicked(bool)") > 0, name


def test_what_runs_ends_with_the_module(measured: Panel):
    measured.worker.holds_back = True
    measured.ui.computeButton.click()
    measured.widget.cleanup()
    assert measured.worker.closed and measured.widget.Observations == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"0008,0008": "DERIVED\\PRIMARY\\AXIAL\\MAT_REMOVED"}, "virtual native image"),
        ({"0008,103e": "Mono+ 40 keV"}, "virtual monoenergetic image of 40 keV"),
    ],
)
def test_a_dicom_volume_that_no_density_may_be_read_from_is_a_sentence(panel: Panel, values, words):
    volume = harness.patient(panel.scene)
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.840.1 1.2.840.2")
    slicer.dicomDatabase.add("1.2.840.1", {"0020,000e": "1.2.840.99", **values})
    session = panel.compute(volume)
    assert words in panel.ui.messageLabel.text and session.run is None


def test_slices_of_several_voltages_are_told(panel: Panel):
    volume = harness.patient(panel.scene)
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.840.1 1.2.840.2 1.2.840.3")
    for uid, kvp in (("1.2.840.1", "100"), ("1.2.840.2", "120"), ("1.2.840.3", "120")):
        slicer.dicomDatabase.add(uid, {"0018,0060": kvp})
    acquisition = panel.compute(volume).result.acquisition
    assert (acquisition.kvp, acquisition.spectrum) == (None, "100 and 120 kV in one series")
