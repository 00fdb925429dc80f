"""Scanners in the settings section: a phantom is measured beside Slicer, lines come and go as files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.scanners.registry import ScannerRegistry
from OpportunisticBMDLib.scene.volumes import node_from_volume
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX
from OpportunisticBMDPanel.scanners import known
from painted_phantoms import painted, rods_of
from panel_harness import Panel, slicer
from phantom_lines import MACHINE, line_of_day

TRUE = Calibration("true", "HA", 1.32, 12.0, "of the scanner")
CCI = PHANTOMS["qrm-cci"]
HEADER = {
    "0008,0060": "CT", "0008,0008": "ORIGINAL\\PRIMARY\\AXIAL", "0018,0060": "120", "0018,1210": "FC12",
    "0008,0070": "Canon", "0008,1090": "Aquilion ONE", "0018,1000": "75512", "0008,0022": "20260512",
    "0020,000E": "1.2.840.7",
}  # fmt: skip


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScannerRegistry:
    monkeypatch.setenv("OPPORTUNISTIC_BMD_SCANNERS", str(tmp_path / "scanners.sqlite"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return ScannerRegistry.of_user()


@pytest.fixture
def panel(registry: ScannerRegistry) -> Iterator[Panel]:
    panel = Panel()
    panel.ui.settingsSection.collapsed = False
    yield panel
    panel.close()


def scanned(node: Any, **header: str) -> Any:
    """A volume as Slicer's DICOM database knows it."""
    uid = f"1.2.840.{id(node)}"
    slicer.dicomDatabase.add(uid, {**HEADER, **header})
    node.SetAttribute("DICOM.instanceUIDs", uid)
    return node


def phantom(scene: Any) -> Any:
    grid = Grid.axis_aligned((64, 64, 44), (2.0, 2.0, 3.0))
    ct = painted(grid, rods_of(CCI, TRUE, ((12.0, 20.0), (0.0, 0.0)), 20.0), 75.0)
    return node_from_volume(scene, ct.volume, "phantom")


def test_without_lines_the_section_says_so(panel):
    assert panel.ui.scannersLabel.text == "No scanner was measured yet."
    assert not panel.ui.exportLinesButton.enabled and not panel.ui.measurePhantomButton.enabled


def test_a_phantom_is_measured_and_patients_are_read_anew(panel, registry, tmp_path):
    patient = scanned(harness.patient(panel.scene, "patient"))
    panel.compute(patient)
    panel.choose(scanned(phantom(panel.scene)))
    panel.answers.choice = list(PHANTOMS).index("qrm-cci")
    panel.ui.measurePhantomButton.click()
    (one,) = registry.all()
    assert panel.answers.errors == [] and one.line.slope_hu_per_mg_cm3 == pytest.approx(1.32, rel=0.02)
    assert panel.ui.scannersLabel.text.startswith("One scanner was measured. This CT's on 12 May 2026.\nMeasured: 1.3")
    assert panel.worker.jobs == ["compute"]
    panel.settle(seconds=1.0)
    assert panel.worker.jobs == ["compute", "measure"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(TEMPORARY_PREFIX)] == []


def test_a_choice_that_is_not_made_measures_nothing(panel, registry):
    panel.choose(scanned(phantom(panel.scene)))
    panel.ui.measurePhantomButton.click()
    assert registry.all() == [] and panel.answers.errors == []


@pytest.mark.parametrize(
    ("header", "named", "words"),
    [
        ({"0008,0070": "", "0008,1090": "", "0018,1000": ""}, "qrm-cci", "the scan does not state its scanner."),
        ({}, "esp", "are not all found in"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_sentence(panel, registry, header, named, words):
    panel.choose(scanned(phantom(panel.scene), **header))
    panel.answers.choice = list(PHANTOMS).index(named)
    panel.ui.measurePhantomButton.click()
    (error,) = panel.answers.errors
    assert words in error and registry.all() == []


def test_cancel_keeps_nothing(panel, registry, monkeypatch):
    monkeypatch.setattr(known, "run_beside", lambda *arguments, **options: False)
    panel.choose(scanned(phantom(panel.scene)))
    panel.answers.choice = 0
    panel.ui.measurePhantomButton.click()
    assert registry.all() == [] and panel.ui.scannersLabel.text == "No scanner was measured yet."


def test_lines_go_out_and_come_in_as_a_file(panel, registry, tmp_path):
    registry.enter(line_of_day("2025-05-12"))
    registry.enter(line_of_day("2026-05-12", scanner_id="b" * 16))
    panel.widget.refresh()
    assert panel.ui.scannersLabel.text == "2 scanners were measured."
    panel.answers.file = tmp_path / "lines.json"
    panel.ui.exportLinesButton.click()
    assert panel.ui.scannersLabel.text.endswith("\nLines written: 2.")
    registry.forget([1])
    panel.ui.importLinesButton.click()
    assert panel.ui.scannersLabel.text.endswith("\nLines added: 1, known before: 1.")
    assert {one.scan.scanner_id for one in registry.all()} == {MACHINE, "b" * 16}


def test_a_ct_of_another_scanner_has_no_line(panel, registry):
    registry.enter(line_of_day("2026-05-12"))
    panel.choose(scanned(harness.patient(panel.scene)))
    panel.ui.settingsSection.collapsed = True
    panel.ui.settingsSection.collapsed = False
    assert panel.ui.scannersLabel.text == "One scanner was measured. There is no line for this CT."


def test_a_damaged_registry_is_said_where_it_is_looked_at(panel, registry, tmp_path):
    registry.path.write_text("no database" * 100, encoding="utf-8")
    panel.widget.refresh()
    assert "holds no registry of scanners that can be read" in panel.ui.scannersLabel.text
    panel.answers.file = tmp_path / "nowhere.json"
    panel.ui.importLinesButton.click()
    assert "nowhere.json cannot be read" in panel.answers.errors[0]
