"""The researcher's section as it is clicked: from an empty folder to annotated cases that the check passes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("vtk")

import slicer_standins

slicer = slicer_standins.install()

import ctk  # noqa: E402
import qt  # noqa: E402

import annotating_panel  # noqa: E402
from annotated_cases import BMD, INFO, annotated_case, write_annotated  # noqa: E402
from example_results import normal, refused  # noqa: E402
from OpportunisticBMDLib.cases import CaseInfo, Exclusion, add_scan, open_dataset, write_case  # noqa: E402
from OpportunisticBMDLib.cases.check import check  # noqa: E402
from OpportunisticBMDLib.cases.hardest import Uncertainty, record, uncertainties  # noqa: E402
from OpportunisticBMDLib.core.run import Run  # noqa: E402
from OpportunisticBMDLib.core.segmentation import Segmentation  # noqa: E402
from OpportunisticBMDLib.core.volume import Volume  # noqa: E402
from OpportunisticBMDLib.scene.segmentation import set_labels  # noqa: E402
from OpportunisticBMDLib.scene.volumes import node_from_volume  # noqa: E402
from OpportunisticBMDLib.worker.messages import Failed, Finished  # noqa: E402
from OpportunisticBMDPanel.annotating.fit import FitState  # noqa: E402
from OpportunisticBMDPanel.annotating.section import AnnotatingSection  # noqa: E402
from OpportunisticBMDPanel.annotating.surroundings import Surroundings  # noqa: E402
from OpportunisticBMDPanel.correcting.editors import Editors  # noqa: E402
from OpportunisticBMDPanel.logic import PanelLogic  # noqa: E402
from OpportunisticBMDPanel.settings.settings import Settings  # noqa: E402
from OpportunisticBMDPanel.slicer.dicom import header_of  # noqa: E402
from OpportunisticBMDPanel.slicer.dicom_subject import subject_of  # noqa: E402
from OpportunisticBMDPanel.slicer.installer import Installer  # noqa: E402
from OpportunisticBMDPanel.slicer.nodes import Nodes  # noqa: E402
from OpportunisticBMDTraining.dataset import main  # noqa: E402

TRUE = annotated_case()


class KnownWorker:
    """A worker whose next answer is known."""

    def __init__(self) -> None:
        self.busy = False
        self.answer: object = Finished(Run(normal(), Segmentation(TRUE.labels, dict.fromkeys(BMD, 0.9))))
        self.given: list[object] = []

    def start(self) -> None:
        pass

    def compute(self, ct: object) -> None:
        self.given.append(ct)
        self.busy = True

    def move_levels(self, ct: object, previous: object, by: int) -> None:
        self.compute(ct)

    def measure(self, *arguments: object) -> None:
        pass  # numbers after an edit are not what these tests look at

    def poll(self) -> list[object]:
        events, self.busy = ([self.answer], False) if self.busy else ([], False)
        return events

    def cancel(self) -> None:
        self.busy = False

    close = cancel


@dataclass
class Answers:
    """A person who has made up their mind."""

    folder: Path | None = None
    errors: list[str] = field(default_factory=list)

    def confirm(self, text: str, title: str) -> bool:
        return True

    def error(self, text: str) -> None:
        self.errors.append(text)

    def choose_folder(self, title: str) -> Path | None:
        return self.folder


@dataclass
class Packages:
    """Packages that are there, but for those named."""

    lacking: list[str] = field(default_factory=list)

    def missing(self) -> list[str]:
        return list(self.lacking)

    def in_words(self, names: list[str]) -> str:
        return f"Not installed yet: {', '.join(names)}."

    def size_in_words(self, names: list[str]) -> str:
        return "about 5 MB"

    def install(self, names: list[str]) -> list[str]:
        if "unreachable" in names:
            raise RuntimeError("no network")
        self.lacking.clear()
        return []

    def by_hand(self, names: list[str]) -> str:
        return "copy them"


class Panel:
    """The panel around the section, with the real logic on the real scene."""

    def __init__(self) -> None:
        self.scene = slicer.vtkMRMLScene()
        self.worker, self.answers, self.packages = KnownWorker(), Answers(), Packages()
        self.logic = PanelLogic(Nodes(self.scene), Settings(), worker=lambda settings: self.worker)
        self.store: dict[str, object] = {}
        self.editors = Editors()
        self.editors.enter()
        self.chosen, self.shown, self.models = None, None, None
        self.sections: list[AnnotatingSection] = []

    def open(self) -> AnnotatingSection:
        """The section, opened."""
        button = ctk.ctkCollapsibleButton()
        button.setLayout(qt.QVBoxLayout())
        button.collapsed = True
        section = AnnotatingSection(button, str(annotating_panel.UI), self.surroundings())
        self.sections.append(section)
        assert section.ui is None, "nothing is made before the section is opened"
        button.click()
        button.show()
        return section

    def surroundings(self) -> Surroundings:
        return Surroundings(
            scene=self.scene,
            logic=self.logic,
            dialogs=self.answers,
            views=SimpleNamespace(show=lambda node: setattr(self, "shown", node)),
            editors=self.editors,
            packages=self.packages,
            installer=Installer(self.answers),
            store=SimpleNamespace(value=self.store.get, setValue=self.store.__setitem__),
            header=header_of,
            subject=subject_of,
            current_volume=lambda: self.chosen,
            select_volume=lambda node: setattr(self, "chosen", node),
            models=lambda: self.models,
            use_models=lambda folder: setattr(self, "models", folder),
        )

    def work(self) -> None:
        """Lets the logic's timer tick until nothing is left to do."""
        for _ in range(5):
            self.logic.tick()


@pytest.fixture
def panel(monkeypatch) -> Iterator[Panel]:
    made = Panel()
    faults = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: faults.append(error))  # what slots raise
    yield made
    assert faults == []
    for section in made.sections:
        section.cleanup()
    made.scene.Clear(True)


def opened(panel: Panel, folder: Path) -> AnnotatingSection:
    """The section with a dataset folder chosen by its button."""
    section = panel.open()
    panel.answers.folder = folder
    section.ui.openFolderButton.click()
    return section


def with_new_cases(folder: Path, *ids: str) -> Path:
    for case_id in ids or ("case-0001",):
        add_scan(folder, case_id, TRUE.ct, CaseInfo(kvp=120))
    return folder


def listed(section: AnnotatingSection) -> list[str]:
    table = section.ui.caseTable
    return [table.item(row, 0).text() for row in range(table.rowCount)]


def choose(section: AnnotatingSection, case_id: str, role: int = 0, name: str = "reader-1") -> None:
    """Opens a case by the list and the button."""
    section.ui.nameEdit.text = name
    section.ui.roleComboBox.currentIndex = role
    section.ui.caseTable.selectRow(listed(section).index(case_id))
    section.ui.openCaseButton.click()


def draw(section: AnnotatingSection, labels: Volume = TRUE.labels) -> None:
    """What the Segment Editor does: it changes the segments in the scene."""
    nodes = section.work.nodes
    set_labels(nodes.segmentation_node, labels, nodes.volume_node)


def fill_reference(section: AnnotatingSection) -> None:
    for name, bmd in BMD.items():
        getattr(section.ui, f"bmd{name}Edit").text = str(bmd)
    section.ui.methodComboBox.currentText = "QCT"


def test_from_an_empty_folder_to_an_annotated_case_that_the_check_passes(panel, tmp_path, capsys):
    section = opened(panel, tmp_path / "cohort")
    assert listed(section) == [] and section.ui.datasetPart.enabled
    panel.chosen = node_from_volume(panel.scene, TRUE.ct, "Mustermann_Erika_19380515")
    section.ui.pseudonymEdit.text = "p-01"
    section.ui.addVolumeButton.click()
    assert listed(section) == ["case-0001"] and section.dataset.selected_id == "case-0001"

    section.ui.nameEdit.text = "reader-1"
    section.ui.nextButton.click()
    assert section.ui.casePart.visible and section.work.case.case_id == "case-0001"
    assert panel.chosen is panel.shown and panel.chosen.GetName() == "case-0001"
    section.ui.automaticButton.click()
    assert not section.ui.saveButton.enabled
    panel.work()
    assert section.ui.saveButton.enabled and "automatic" in section.ui.caseMessageLabel.text
    fill_reference(section)
    section.ui.exclusion_vascular_calcification.click()
    section.ui.keepDraftButton.click()
    assert open_dataset(tmp_path / "cohort").entry("case-0001").status == "draft"
    draw(section)
    section.ui.saveButton.click()
    assert section.ui.caseMessageLabel.text == "case-0001 is saved as read by reader-1."

    assert main(["check", str(tmp_path / "cohort")]) == 0
    assert capsys.readouterr().out == "no faults in 1 cases\n"
    saved = open_dataset(tmp_path / "cohort").case("case-0001")
    assert np.array_equal(saved.labels.array, TRUE.labels.array)
    assert saved.info.reference_bmd_mg_cm3 == BMD and saved.info.patient == "p-01"
    assert saved.info.exclusions == (Exclusion.VASCULAR_CALCIFICATION.value,)
    assert saved.info.history == ("added without identity", "draft: automatic segmentation", "read by reader-1")
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Mustermann" not in everything and b"19380515" not in everything
    assert panel.answers.errors == []


def test_undo_in_the_panel_leaves_a_case_its_automatic_masks(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    section.ui.nextButton.click()
    section.ui.automaticButton.click()
    panel.work()
    session = panel.logic.session(section.work.nodes.volume_node)
    panel.logic.undo(session)
    assert section.work.nodes.are_here and session.result is not None


def test_the_automatic_run_knows_how_the_case_was_acquired(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    section.ui.automaticButton.click()
    panel.work()
    assert panel.worker.given[0].acquisition.kvp == 120
    assert uncertainties(tmp_path)["case-0001"].least_confidence is not None
    names = [panel.scene.GetNthNodeByClass(n, "vtkMRMLSegmentationNode") for n in range(5)]
    assert len([node for node in names if node is not None]) == 1


def test_masks_that_the_panel_makes_anew_are_those_of_the_case(panel, tmp_path):
    """Automatic masks on the wrong level, whose names are moved in the panel: the case goes on with the new ones."""
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    section.ui.automaticButton.click()
    panel.work()
    session, nodes = panel.logic.session(section.work.nodes.volume_node), section.work.nodes
    first, section.work.has_unsaved = nodes.segmentation_node, False
    panel.logic.move_levels(session, 1)
    panel.work()
    assert nodes.segmentation_node is session.segmentation_node is not first
    assert nodes.are_here and section.work.has_unsaved
    section.ui.saveButton.click()
    assert open_dataset(tmp_path).entry("case-0001").status == "read"


def test_masks_that_nobody_asked_for_leave_a_case_its_own(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    panel.worker.answer, answer = Failed("The models are damaged.", "models"), panel.worker.answer
    section.ui.automaticButton.click()
    panel.work()
    draw(section)
    drawn = section.work.nodes.segmentation_node
    panel.worker.answer = answer
    panel.logic.compute(panel.logic.session(section.work.nodes.volume_node))
    panel.work()
    assert section.work.nodes.segmentation_node is drawn and section.work.nodes.are_here


def test_a_run_that_is_cancelled_in_the_panel_leaves_the_case_to_be_saved(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    draw(section)
    drawn = section.work.nodes.segmentation_node
    section.ui.automaticButton.click()
    panel.logic.cancel()
    assert section.ui.saveButton.enabled and section.ui.automaticButton.enabled
    assert section.ui.caseMessageLabel.text == "The models were stopped: the masks are as they were."
    panel.logic.compute(panel.logic.session(section.work.nodes.volume_node))
    panel.work()
    assert section.work.nodes.segmentation_node is drawn, "nobody asked for these masks"


def test_a_dicom_volume_brings_its_facts_but_not_its_patient(panel, tmp_path):
    section = opened(panel, tmp_path / "cohort")
    slicer.dicomDatabase.add(
        "1.2.3.44",
        {
            "0018,0060": "120",
            "0018,1210": "B30f Quirkenbaum",
            "0008,0070": "SIEMENS",
            "0010,0010": "Quirkenbaum^Xanthippe",
            "0010,0040": "F",
            "0010,1010": "067Y",
        },
    )
    panel.chosen = node_from_volume(panel.scene, TRUE.ct, "3: Quirkenbaum")
    panel.chosen.SetAttribute("DICOM.instanceUIDs", "1.2.3.44 1.2.3.45")
    section.ui.addVolumeButton.click()
    info = open_dataset(tmp_path / "cohort").info("case-0001")
    assert (info.kvp, info.kernel, info.scanner) == (120, "B30f", "SIEMENS")
    assert (info.sex, info.age_band) == ("female", "60-69")
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).lower()
    assert b"quirkenbaum" not in everything and b"1.2.3.4" not in everything


def test_adding_needs_a_volume_and_an_honest_pseudonym(panel, tmp_path):
    section = opened(panel, tmp_path / "cohort")
    section.ui.addVolumeButton.click()
    assert "Choose a CT volume" in section.ui.datasetMessageLabel.text
    panel.chosen = node_from_volume(panel.scene, TRUE.ct, "ct")
    section.ui.pseudonymEdit.text = "19380515"
    section.ui.addVolumeButton.click()
    assert "pseudonym" in section.ui.datasetMessageLabel.text and listed(section) == []


def test_a_review_by_another_person(panel, tmp_path):
    section = opened(panel, write_annotated(tmp_path, annotated_case(info=INFO)))
    choose(section, "case-0001", role=1, name="radiologist A")
    assert not section.ui.keepDraftButton.visible and section.ui.saveButton.text == "Save as reviewed"
    section.ui.saveButton.click()
    assert "another person" in section.ui.caseMessageLabel.text
    section.ui.nameEdit.text = "radiologist B"
    section.ui.saveButton.click()
    assert open_dataset(tmp_path).entry("case-0001").status == "reviewed"
    assert section.ui.peopleLabel.text == "Annotator: radiologist A. Reviewer: radiologist B."
    assert check(tmp_path).faults == ()


def test_a_second_reader_is_blind_until_saving(panel, tmp_path):
    section = opened(panel, write_annotated(tmp_path))
    choose(section, "case-0001")
    assert section.work.nodes.labels().array.any()
    section.ui.roleComboBox.currentIndex = 2  # the open case is opened anew
    assert section.work.case.labels is None and not section.work.nodes.labels().array.any()
    segmentations = panel.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    assert segmentations == 1 and "Dice" not in section.ui.caseMessageLabel.text
    section.ui.nameEdit.text = "reader-2"
    draw(section, Volume(np.roll(TRUE.labels.array, 1, axis=1), TRUE.labels.grid))
    section.ui.saveButton.click()
    assert "Dice T12 0.9" in section.ui.caseMessageLabel.text
    dataset = open_dataset(tmp_path)
    assert np.array_equal(dataset.case("case-0001").labels.array, TRUE.labels.array)
    assert dataset.entry("case-0001").status == "read" and check(tmp_path).faults == ()


def test_the_list_is_filtered_ordered_and_worked_through(panel, tmp_path):
    with_new_cases(tmp_path, "a", "b", "c")
    write_case(tmp_path, annotated_case("d"), status="reviewed")
    record(tmp_path, {"c": Uncertainty(30, 0.2), "b": Uncertainty(1, 0.99)})
    section = opened(panel, tmp_path)
    assert listed(section) == ["a", "b", "c", "d"]
    section.ui.orderComboBox.currentIndex = 1
    assert listed(section) == ["c", "b", "a", "d"]
    assert section.ui.caseTable.item(0, 2).text() == "1.00" and section.ui.caseTable.item(2, 2).text() == ""
    section.ui.filterComboBox.currentIndex = 1
    assert listed(section) == ["c", "b", "a"]
    done = []
    for _ in range(3):
        section.ui.nextButton.click()
        done.append(section.work.case.case_id)
    assert done == ["c", "b", "a"]
    section.ui.filterComboBox.currentIndex = 4
    assert listed(section) == ["d"] and not section.ui.nextButton.enabled


def test_only_one_case_is_in_the_scene(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path, "a", "b"))
    mine = node_from_volume(panel.scene, TRUE.ct, "mine")
    choose(section, "a")
    section.ui.automaticButton.click()
    panel.work()
    choose(section, "b")
    names = {panel.scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode").GetName() for n in range(2)}
    assert names == {"mine", "b"} and panel.scene.IsNodePresent(mine)
    for kind in ("vtkMRMLSegmentationNode", "vtkMRMLScalarVolumeNode", "vtkMRMLTableNode", "vtkMRMLMarkupsROINode"):
        expected = {"vtkMRMLSegmentationNode": 1, "vtkMRMLScalarVolumeNode": 2}.get(kind, 0)
        assert panel.scene.GetNumberOfNodesByClass(kind) == expected


def test_work_is_put_aside_and_restored_after_a_crash(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    section.work.autosave()
    assert not (tmp_path / "cases/case-0001/drafts").exists(), "nothing was changed yet"
    draw(section)
    section.ui.bmdL1Edit.text = "10"
    section.work.autosave()

    panel.editors.exit()  # the keys went with the application's window
    crashed = Panel()  # another start of the application: the first one had no time to clean up
    crashed.store = panel.store
    again = crashed.open()
    assert again.ui.folderLabel.toolTip == str(tmp_path)
    assert again.ui.folderLabel.text == f"{tmp_path.name} (cases: 1, finished: 0)"
    assert "case-0001" in again.ui.datasetMessageLabel.text and again.ui.caseTable.item(0, 3).text() == "●"
    choose(again, "case-0001")
    assert again.ui.draftFrame.visible and not again.work.nodes.labels().array.any()
    again.ui.restoreButton.click()
    assert np.array_equal(again.work.nodes.labels().array, TRUE.labels.array)
    assert again.ui.bmdL1Edit.text == "10" and not again.ui.draftFrame.visible
    fill_reference(again)
    again.ui.saveButton.click()
    assert again.ui.caseTable.item(0, 3).text() == "" and check(tmp_path).faults == ()
    again.cleanup()
    crashed.scene.Clear(True)


def test_unsaved_work_can_be_discarded(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    draw(section)
    choose(section, "case-0001")  # leaving a case puts its work aside
    assert section.ui.draftFrame.visible
    section.ui.discardButton.click()
    assert not section.ui.draftFrame.visible and not (tmp_path / "cases/case-0001/drafts").exists()
    assert check(tmp_path).faults == ()


def test_closing_the_scene_loses_nothing(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    draw(section)
    panel.scene.Clear(False)
    assert section.work.case is None and not section.ui.casePart.visible
    choose(section, "case-0001")
    section.ui.restoreButton.click()
    assert np.array_equal(section.work.nodes.labels().array, TRUE.labels.array)


def test_a_case_whose_nodes_were_deleted(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    panel.scene.RemoveNode(section.work.nodes.segmentation_node)
    section.work.has_unsaved = True
    section.work.autosave()
    section.ui.saveButton.click()
    assert "no longer in the scene" in section.ui.caseMessageLabel.text
    section.ui.automaticButton.click()
    assert panel.worker.given == []


def test_what_is_typed_wrongly_is_told_and_not_saved(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    section.ui.saveButton.click()
    assert "nothing is drawn" in section.ui.caseMessageLabel.text
    draw(section)
    section.ui.bmdL1Edit.text = "dense"
    section.ui.saveButton.click()
    assert "'dense'" in section.ui.caseMessageLabel.text
    section.ui.bmdL1Edit.text = ""
    section.ui.nameEdit.text = ""
    section.ui.saveButton.click()
    assert "name the annotator" in section.ui.caseMessageLabel.text
    assert open_dataset(tmp_path).entry("case-0001").status == "new"


@pytest.mark.parametrize(
    ("answer", "words"),
    [(Finished(Run(refused(), None)), "found no vertebrae"), (Failed("The models are damaged.", "models"), "damaged")],
)
def test_no_automatic_segmentation(panel, tmp_path, answer, words):
    section = opened(panel, with_new_cases(tmp_path))
    choose(section, "case-0001")
    panel.worker.answer = answer
    section.ui.automaticButton.click()
    panel.work()
    assert words in section.ui.caseMessageLabel.text and section.ui.saveButton.enabled
    draw(section)
    section.ui.saveButton.click()
    assert open_dataset(tmp_path).entry("case-0001").status == "read"


def test_a_folder_that_is_no_dataset(panel, tmp_path):
    (tmp_path / "picture.jpg").write_text("x")
    section = opened(panel, tmp_path)
    assert "not empty" in panel.answers.errors[0] and not section.ui.datasetPart.enabled
    panel.answers.folder = None
    section.ui.openFolderButton.click()  # cancelled
    assert len(panel.answers.errors) == 1


def test_a_damaged_case_is_named(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    (tmp_path / "cases/case-0001/ct.nii.gz").write_bytes(b"x")
    choose(section, "case-0001")
    assert "ct.nii.gz" in section.ui.datasetMessageLabel.text and section.work.case is None


def test_missing_packages_are_offered(panel):
    panel.packages.lacking = ["filelock>=3.12"]
    section = panel.open()
    words = "Annotating needs Python packages. Not installed yet: filelock>=3.12. To download: about 5 MB."
    assert section.ui.missingFrame.visible and section.ui.missingLabel.text == words
    assert section.dataset is None and section.work is None and not section.ui.openFolderButton.enabled
    panel.packages.lacking.append("unreachable")
    section.ui.installPackagesButton.click()
    assert "no network" in panel.answers.errors[0] and "copy them" in panel.answers.errors[0]
    panel.packages.lacking.remove("unreachable")
    section.ui.installPackagesButton.click()
    assert (
        not section.ui.missingFrame.visible
        and section.dataset is not None
        and section.work is not None
        and section.ui.openFolderButton.enabled
    )


def test_the_requirements_are_found_where_they_are_installed():
    from OpportunisticBMDPanel.slicer.packages import RequiredPackages

    pytest.importorskip("lightning")
    assert RequiredPackages(annotating_panel.MODULE / "Resources/annotating-requirements.txt").missing() == []


def test_every_exclusion_of_the_paper_has_its_box(panel, tmp_path):
    section = opened(panel, with_new_cases(tmp_path))
    for exclusion in Exclusion:
        box = getattr(section.ui, f"exclusion_{exclusion.value}")
        assert box.text == exclusion.words.partition(" (")[0] and box.toolTip == exclusion.words


def test_a_fit_needs_a_finished_case(panel, tmp_path):
    section = panel.open()
    assert not section.ui.fitButton.enabled
    panel.answers.folder = with_new_cases(tmp_path)
    section.ui.openFolderButton.click()
    section.ui.fitButton.click()
    assert "finish at least one" in section.ui.fitMessageLabel.text and section.fit.run is None


def test_only_what_annotated_cases_can_fit_is_offered(panel):
    box = panel.open().ui.stageComboBox
    assert [box.itemText(n) for n in range(box.count)] == ["localizer", "segmentation", "bmd"]


def test_a_fit_is_started_watched_and_stopped(panel, tmp_path):
    section = opened(panel, write_annotated(tmp_path / "cohort"))
    section.ui.stageComboBox.currentIndex = 2
    section.ui.stepsSpinBox.value = 3
    section.ui.virtualSpinBox.value = 9
    section.ui.fitButton.click()
    run = section.fit.run
    assert run.plan.stage == "bmd" and run.plan.steps == 3 and run.plan.virtual == 9
    assert section.ui.stopFitButton.enabled and not section.ui.fitButton.enabled
    log = run.plan.folder / "bmd/log/version_0/metrics.csv"
    log.parent.mkdir(parents=True)
    log.write_text("loss,step\n3.0,0\n2.0,1\n")
    section.fit.tick()
    assert not section.ui.curveLabel.pixmap.isNull()
    section.ui.stopFitButton.click()
    assert run.state is FitState.STOPPED and section.ui.fitButton.enabled
    assert not section.ui.installModelButton.enabled and check(tmp_path / "cohort").faults == ()


@pytest.mark.slow
def test_the_whole_panel_from_an_empty_folder_to_a_case_that_the_check_passes(tmp_path, monkeypatch):
    """As `test_from_an_empty_folder...`, within the real panel: its own logic, volume selector and header."""
    import panel_harness as harness

    faults = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: faults.append(error))
    panel = harness.Panel()
    panel.choose(harness.patient(panel.scene, "Mustermann Erika"))
    panel.root.show()
    panel.ui.annotatingSection.click()
    section = panel.widget._annotating
    panel.answers.folder = tmp_path / "cohort"
    section.ui.openFolderButton.click()
    section.ui.addVolumeButton.click()
    section.ui.nameEdit.text = "reader-1"
    section.ui.nextButton.click()
    assert panel.ui.inputSelector.currentNode().GetName() == "case-0001"
    section.ui.automaticButton.click()
    panel.settle()
    assert panel.session.result.bmd_mg_cm3 is not None, "the BMD of the case is shown, and follows its masks"
    for name, vertebra in panel.session.result.vertebrae.items():
        getattr(section.ui, f"bmd{name}Edit").text = f"{vertebra.network_bmd_mg_cm3:.1f}"
    section.ui.methodComboBox.currentText = "QCT"
    automatic = section.work.nodes.labels().array
    harness.paint(panel.session, "L1")
    section.ui.saveButton.click()
    assert section.ui.caseMessageLabel.text == "case-0001 is saved as read by reader-1."
    assert [str(fault) for fault in check(tmp_path / "cohort").faults] == []
    saved = open_dataset(tmp_path / "cohort").case("case-0001").labels.array
    assert 0 < (saved == 2).sum() < (automatic == 2).sum()
    panel.close()
    assert faults == []


def test_models_are_not_exchanged_in_the_middle_of_a_run(panel, tmp_path):
    section = opened(panel, write_annotated(tmp_path / "cohort"))

    def refuse(folder: Path) -> None:
        raise RuntimeError("something runs")

    section.fit._around = replace(section.fit._around, use_models=refuse)
    section.fit.run = SimpleNamespace(plan=SimpleNamespace(models=tmp_path), stop=lambda: None)
    section.fit._on_install()
    assert section.ui.fitMessageLabel.text == "Not now: something runs."


def write_samples(folder: Path) -> None:
    """What `opportunistic-bmd-lab prepare` would make in minutes: virtual patients that are there are kept."""
    from OpportunisticBMDTraining.fit.samples.prepare import sample_of

    folder.mkdir(parents=True)
    for number in range(9):
        case = annotated_case(bmd=dict.fromkeys(BMD, 70.0 + 10 * number))
        sample_of("virtual", case.ct, case.labels).save(folder / f"virtual-{1000 + number:06d}.npz")


@pytest.mark.slow
def test_a_fit_ends_in_a_model_that_is_taken_into_use(panel, tmp_path):
    """The real fit of `training/`, of two steps, with the real commands in real processes."""
    import time

    pytest.importorskip("lightning")
    write_samples(tmp_path / "cohort-fit/samples")
    section = opened(panel, write_annotated(tmp_path / "cohort"))
    section.ui.stageComboBox.currentIndex = 0
    section.ui.stepsSpinBox.value = 2
    section.ui.virtualSpinBox.value = 9
    section.ui.fitButton.click()
    until = time.monotonic() + 400
    while section.fit.run.state is FitState.RUNNING:
        assert time.monotonic() < until
        time.sleep(0.5)
        section.fit.tick()
    assert section.fit.run.state is FitState.FINISHED, section.ui.fitMessageLabel.text
    section.ui.installModelButton.click()
    assert panel.models == tmp_path / "cohort-fit/models"
    assert {path.name for path in panel.models.iterdir()} == {"localizer", "skeleton", "segmentation", "bmd"}
    assert section.fit.run.curves()["loss"] and check(tmp_path / "cohort").faults == ()


@pytest.mark.slow
def test_the_real_worker_on_a_virtual_patient(panel, tmp_path):
    """From an empty folder to an annotated case with the models that ship, and nothing in between replaced."""
    import time

    from OpportunisticBMDPanel.following.worker_link import start_worker
    from OpportunisticBMDTraining.virtual.patient import virtual_patient

    patient = virtual_patient(900_001)
    panel.logic = PanelLogic(Nodes(panel.scene), Settings(device="cpu"), worker=start_worker)
    section = opened(panel, tmp_path / "cohort")
    panel.chosen = node_from_volume(panel.scene, patient.ct, "virtual")
    section.ui.addVolumeButton.click()
    section.ui.nameEdit.text = "reader-1"
    section.ui.nextButton.click()
    section.ui.automaticButton.click()
    until = time.monotonic() + 300
    while panel.logic.tick() and not section.ui.saveButton.enabled:
        assert time.monotonic() < until
        time.sleep(0.1)
    panel.logic.close()
    for name, bmd in patient.bmd_mg_cm3.items():
        getattr(section.ui, f"bmd{name}Edit").text = f"{bmd:.1f}"
    section.ui.methodComboBox.currentText = "true density"
    section.ui.saveButton.click()
    assert "saved as read" in section.ui.caseMessageLabel.text
    assert [str(fault) for fault in check(tmp_path / "cohort").faults] == []


def test_pictures_of_the_section(panel, tmp_path):
    """Drawn into a folder where ANNOTATING_PICTURES names one; nothing is cut off at the panel's usual width."""
    with_new_cases(tmp_path, "case-0001", "case-0002", "case-0003")
    write_case(tmp_path, annotated_case("case-0004"), status="reviewed")
    section = opened(panel, tmp_path)
    choose(section, "case-0002")
    draw(section)
    choose(section, "case-0002")
    fill_reference(section)
    section.ui.fitSection.collapsed = False
    section._section.resize(500, 1080)
    slicer.app.processEvents()
    folder = Path(os.environ.get("ANNOTATING_PICTURES", tmp_path))
    assert section._section.grab().save(str(folder / "annotating.png"))
    assert section._widget.minimumSizeHint().width() <= 500
