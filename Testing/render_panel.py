"""Draws the panel's main states into Resources/Pictures: `python Testing/render_panel.py [--output DIR]`.

The panel is the real one, on the real scene, measuring a virtual patient with the models that ship; only what Slicer
itself draws (the frame around it, the Segment Editor) is a stand-in. Every state is drawn in Slicer's light and dark
style (panel-STATE.png, panel-STATE-dark.png), with --sizes also in a narrow panel and in a font of 150 %.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QT_SCALE_FACTOR"] = "2"  # twice the pixels, as on the screens that it is looked at on
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(REPOSITORY)]

from PIL import Image  # noqa: E402

import panel_harness  # noqa: E402
from annotated_cases import annotated_case  # noqa: E402
from looks import LOOKS, SIZES, dress, fit_to_width  # noqa: E402
from OpportunisticBMDLib.cases import CaseInfo, add_scan, write_case  # noqa: E402
from OpportunisticBMDLib.scene.volumes import node_from_volume  # noqa: E402
from OpportunisticBMDPanel.following.worker_link import start_worker  # noqa: E402
from OpportunisticBMDPanel.session import State  # noqa: E402
from OpportunisticBMDPanel.slicer.virtual_patient import SAMPLE  # noqa: E402
from OpportunisticBMDTraining.virtual.patient import virtual_patient  # noqa: E402
from panel_harness import slicer  # noqa: E402 - importable only now
from slice_views import SliceViews  # noqa: E402

COLOURS = 256
SLICES_QUALITY = 80


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=REPOSITORY / "Resources" / "Pictures")
    parser.add_argument("--seed", type=int, default=SAMPLE, help="which virtual patient (default: that of Sample Data)")
    parser.add_argument(
        "--quick", action="store_true", help="with the synthetic patient of the tests: not for the README"
    )
    parser.add_argument("--sizes", action="store_true", help="also in a narrow panel, and in a font of 150 %%")
    options = parser.parse_args(arguments)
    output = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, panel in states(options.seed, options.quick):
            if name == "empty":
                views = SliceViews(panel.scene)
            for size in SIZES if options.sizes else ["usual"]:
                for look in LOOKS:
                    suffix = [f"-{each}" for each in (size, look) if each not in ("usual", "light")]
                    path = output / f"panel-{name}{''.join(suffix)}.png"
                    draw(panel, look, size, path)
            if name == "result":
                draw_slices(views, output / "slices.jpg")


def states(seed: int, quick: bool) -> Iterator[tuple[str, panel_harness.Panel]]:
    """The panel in one state after the other."""
    panel = panel_harness.Panel(worker=None if quick else start_worker, scene=slicer.vtkMRMLScene())
    yield "empty", panel
    if quick:
        volume = panel_harness.patient(panel.scene, "Virtual patient")
    else:
        volume = node_from_volume(panel.scene, virtual_patient(seed).ct, f"Virtual patient {seed}")
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
    rest(panel)
    yield "result", panel
    panel.ui.copyButton.click()
    yield "copied", panel
    panel.answers.folder = Path("results")
    panel.ui.exportButton.click()
    yield "exported", panel
    panel.ui.correctSection.collapsed = False
    panel_harness.paint(panel.session, "L2", voxels=2)
    yield "stale", panel
    rest(panel)
    panel.widget.results.use_boxes["L2"].click()
    rest(panel)
    yield "corrected", panel
    panel.ui.undoButton.click()
    rest(panel)
    yield "undone", panel
    panel.ui.relabelUpButton.click()
    rest(panel)
    yield "moved", panel
    panel.ui.undoButton.click()
    rest(panel)
    panel.ui.correctSection.collapsed = True
    for vertebra in ("L1", "L2"):
        panel.widget.results.use_boxes[vertebra].click()
        rest(panel)
    yield "refused", panel
    panel.ui.settingsSection.collapsed = panel.ui.batchSection.collapsed = False
    yield "settings", panel
    panel.ui.settingsSection.collapsed = panel.ui.batchSection.collapsed = True
    open_case(panel, Path("spine-cts"))
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


def rest(panel) -> None:
    """Until nothing is measured any more."""
    until(panel, lambda: panel.session.state not in (State.STALE, State.RUNNING))


def until(panel, condition) -> None:
    def step() -> bool:
        panel.clock.seconds += 0.1
        panel.logic.tick()
        return condition()

    panel_harness.wait(step)


def draw(panel: panel_harness.Panel, look: str, size: str, path: Path) -> None:
    """Writes a picture of the panel, as high as it needs to be, in as few colours as show it."""
    width_px, font_pt = SIZES[size]
    dress(look, font_pt)
    panel.root.setStyleSheet("qMRMLWidget#OpportunisticBMD { background: palette(window); }")
    fit_to_width(panel, width_px)
    panel.root.grab().save(str(path))
    with Image.open(path) as drawn:
        few = drawn.convert("RGB").quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(path)


def draw_slices(views: SliceViews, path: Path) -> None:
    """Writes a picture of the slice views beside the panel."""
    Image.fromarray(views.picture()).save(path, quality=SLICES_QUALITY, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
