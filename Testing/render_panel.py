"""Draws the panel's main states into Resources/Pictures: `python Testing/render_panel.py [--output DIR]`.

The panel is the real one, on the real scene, measuring a virtual patient with the models that ship; only what Slicer
itself draws (the frame around it, the Segment Editor) is a stand-in.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_SCALE_FACTOR"] = "2"  # twice the pixels, as on the screens that it is looked at on
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(REPOSITORY)]

import panel_harness  # noqa: E402
from annotated_cases import annotated_case  # noqa: E402
from OpportunisticBMDLib.cases import CaseInfo, add_scan, write_case  # noqa: E402
from OpportunisticBMDLib.scene.volumes import node_from_volume  # noqa: E402
from OpportunisticBMDPanel.following.worker_link import start_worker  # noqa: E402
from OpportunisticBMDPanel.session import State  # noqa: E402
from OpportunisticBMDTraining.virtual.patient import virtual_patient  # noqa: E402
from panel_harness import qt, slicer  # noqa: E402 - importable only now

WIDTH_PX = 500  # of Slicer's module panel
FONTS = ("Inter", "Open Sans", "DejaVu Sans")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=REPOSITORY / "Resources" / "Pictures")
    parser.add_argument("--seed", type=int, default=3, help="which virtual patient")
    parser.add_argument(
        "--quick", action="store_true", help="with the synthetic patient of the tests: not for the README"
    )
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    dress()
    for name, panel in states(options.seed, options.quick):
        path = options.output / f"panel-{name}.png"
        picture_of(panel).save(str(path))
        print(path)


def dress() -> None:
    """Fusion, light, and the first font that is there."""
    application = qt.QApplication.instance()
    application.setStyle("Fusion")
    known = set(qt.QFontDatabase.families())
    font = qt.QFont(next((name for name in FONTS if name in known), "Sans Serif"))
    font.setPointSizeF(9.0)
    application.setFont(font)


def states(seed: int, quick: bool):
    """The panel in one state after the other."""
    panel = panel_harness.Panel(worker=None if quick else start_worker, scene=slicer.vtkMRMLScene())
    yield "empty", panel
    if quick:
        volume = panel_harness.patient(panel.scene, "CT abdomen")
    else:
        volume = node_from_volume(panel.scene, virtual_patient(seed).ct, "CT abdomen")
    slicer.dicomDatabase.add("1.2.3", {"0018,0060": "120", "0018,1210": "STANDARD"})
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    panel.choose(volume)
    yield "ready", panel
    panel.logic.warm_up()
    if quick:
        panel.worker.holds_back = True
        panel.worker.tell("segment", 0.54)
    panel.ui.computeButton.click()
    until(panel, lambda: panel.session.progress[1] > 0.3)
    yield "running", panel
    panel.worker.holds_back = False
    until(panel, lambda: panel.session.state is not State.RUNNING)
    yield "result", panel
    panel.ui.correctSection.collapsed = False
    panel_harness.paint(panel.session, "L2", voxels=3)
    yield "stale", panel
    until(panel, lambda: panel.session.state is not State.STALE)
    panel.widget.results.use_boxes["L2"].click()
    until(panel, lambda: panel.session.state is not State.STALE)
    yield "corrected", panel
    panel.ui.correctSection.collapsed = True
    panel.widget.results.use_boxes["L1"].click()
    until(panel, lambda: panel.session.state is not State.STALE)
    yield "refused", panel
    panel.ui.settingsSection.collapsed = panel.ui.batchSection.collapsed = False
    yield "settings", panel
    panel.ui.settingsSection.collapsed = panel.ui.batchSection.collapsed = True
    with tempfile.TemporaryDirectory() as folder:
        open_case(panel, Path(folder) / "spine-cts")
        yield "annotating", panel
    panel.close()


def open_case(panel, folder: Path) -> None:
    """Opens the annotating section on a dataset of four cases, one of them in work."""
    for number in range(1, 4):
        add_scan(folder, f"case-{number:04d}", annotated_case().ct, CaseInfo(kvp=120))
    write_case(folder, annotated_case("case-0004"), status="reviewed")
    panel.ui.annotatingSection.click()
    ui = panel.widget._annotating.ui
    panel.answers.folder = folder
    ui.openFolderButton.click()
    ui.nameEdit.text = "reader-1"
    ui.caseTable.selectRow(1)
    ui.openCaseButton.click()


def until(panel, condition) -> None:
    def step() -> bool:
        panel.clock.seconds += 0.1
        panel.logic.tick()
        return condition()

    panel_harness.wait(step)


def picture_of(panel) -> qt.QPixmap:
    """The panel as high as it needs to be."""
    root = panel.root
    root.setStyleSheet("qMRMLWidget#OpportunisticBMD { background: #f6f7f8; }")
    root.setAttribute(qt.Qt.WA_DontShowOnScreen)
    root.show()
    for _ in range(3):  # sections that open, and labels that wrap, settle in steps
        root.resize(WIDTH_PX, root.layout().totalHeightForWidth(WIDTH_PX))
        panel.widget.refresh()
        qt.QApplication.processEvents()
    return root.grab()


if __name__ == "__main__":
    main()
