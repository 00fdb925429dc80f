"""Whoever runs the chain hands the user's registry to it: the worker of the panel, and its process for many CTs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from OpportunisticBMDLib.cohort.measurer import Measurer
from OpportunisticBMDLib.cohort.row import failed_row
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.pipeline import Pipeline
from OpportunisticBMDLib.scanners.registry import ScannerRegistry, registry_path
from OpportunisticBMDLib.worker import service
from OpportunisticBMDLib.worker.messages import plain
from OpportunisticBMDPanel.batch import process
from phantom_lines import scan_of


@dataclass(frozen=True)
class Chain:
    """Gives back which lines of scanners it was handed."""

    thresholds: Any = None
    calibration: Any = None
    scanners: Any = None

    def run(self, *_asked: object) -> Any:
        return self.scanners


@pytest.fixture(autouse=True)
def _registry(tmp_path, monkeypatch):
    monkeypatch.setenv("OPPORTUNISTIC_BMD_SCANNERS", str(tmp_path / "mine.sqlite"))


def test_the_worker_does():
    grid = Grid.axis_aligned((4, 4, 4), (1.0, 1.0, 1.0))
    job = {"kind": "compute", "thresholds": None, "calibration": None, "grid": plain(grid)}
    asked = service._run(
        Chain(), np.zeros(grid.size, np.int16), job | {"acquisition": plain(scan_of())}, lambda stage, done: None
    )
    assert asked == ScannerRegistry(registry_path())


def test_the_process_for_many_cts_does(tmp_path, monkeypatch):
    (tmp_path / "cts" / "one").mkdir(parents=True)
    chains = []
    monkeypatch.setattr(Pipeline, "load", lambda *arguments: Chain())
    monkeypatch.setattr(
        Measurer, "measure", lambda self, case, *rest: chains.append(self._pipeline) or failed_row(case, "")
    )
    assert process.main([str(tmp_path / "cts"), str(tmp_path / "out")]) == 0
    assert [chain.scanners for chain in chains] == [ScannerRegistry(registry_path())]
