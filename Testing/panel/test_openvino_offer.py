"""OpenVINO is offered in one line: it blocks nothing, comes with one click, and who declines is not asked again."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness
from known_pip import KnownPip
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.settings.settings import Settings, SettingsStore
from OpportunisticBMDPanel.slicer.packages import RequiredPackages
from panel_harness import Packages, Panel, qt, slicer

FASTER = "openvino>=9999.1"  # nobody has it
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownPip:
    (tmp_path / "pip").mkdir()
    # Other tests compute in this process; Slicer's never does.
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    monkeypatch.setattr(slicer.app, "testingEnabled", lambda: False)  # in testing mode Slicer installs nothing
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text, **more: None)
    return KnownPip(tmp_path / "pip", monkeypatch)


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    return SettingsStore(qt.QSettings(str(tmp_path / "Slicer.ini"), qt.QSettings.IniFormat))


@pytest.fixture
def open_panel(tmp_path: Path, store: SettingsStore) -> Iterator[Callable[..., Panel]]:
    """A panel with a CT, entered, as of somebody whose settings lie in `store`; OpenVINO is missing."""
    (tmp_path / "faster.txt").write_text(f"{FASTER}\n")
    panels = []

    def make(**collaborators: object) -> Panel:
        panels.append(Panel(faster=RequiredPackages(tmp_path / "faster.txt"), store=store, **collaborators))
        panels[-1].choose(panel_harness.patient(panels[-1].scene))
        panels[-1].widget.enter()
        return panels[-1]

    yield make
    for panel in panels:
        panel.widget.exit()
        panel.close()


def is_offered(panel: Panel) -> bool:
    return panel.ui.offerFrame.isVisibleTo(panel.root)


def test_it_is_one_line_with_the_size_of_the_download(open_panel):
    panel = open_panel()
    assert is_offered(panel)
    assert panel.ui.offerLabel.text == "Compute faster: install OpenVINO (about 60 MB)"
    assert panel.answers.asked == []


def test_measuring_goes_on_beside_it(open_panel, pip: KnownPip):
    panel = open_panel()
    panel.ui.computeButton.click()
    assert panel.session.state is State.RUNNING and not panel.ui.offerInstallButton.enabled
    panel.settle()
    assert panel.session.state is State.RESULT and pip.asked == [] and panel.answers.asked == []
    assert is_offered(panel) and panel.ui.offerInstallButton.enabled


def test_it_comes_with_one_click_and_the_next_worker_has_it(open_panel, pip: KnownPip):
    panel = open_panel()
    panel.compute(panel.session.volume_node)
    measured, steps = panel.session.result, panel.ui.undoButton.enabled
    panel.ui.offerInstallButton.click()
    assert pip.asked == [["pip", "install", FASTER]] and panel.answers.errors == []
    assert not is_offered(panel) and panel.workers[0].closed
    assert panel.session.result is measured and panel.ui.undoButton.enabled == steps
    panel.ui.computeButton.click()
    panel.settle()
    assert len(panel.workers) == 2 and panel.session.state is State.RESULT


def test_without_a_network_it_is_a_sentence_and_measuring_works(open_panel, pip: KnownPip):
    pip.will("fails")
    panel = open_panel()
    panel.ui.offerInstallButton.click()
    (error,) = panel.answers.errors
    assert error.startswith("openvino could not be installed (pip ended with status 1)") and is_offered(panel)
    panel.ui.computeButton.click()
    panel.settle()
    assert panel.session.state is State.RESULT and len(panel.answers.errors) == 1


def test_who_declines_is_never_asked_again(open_panel, store: SettingsStore):
    panel = open_panel()
    panel.ui.offerDeclineButton.click()
    assert not is_offered(panel)
    panel.widget.exit()
    panel.widget.enter()
    panel.ui.resetAllButton.click()
    assert not is_offered(panel) and not is_offered(open_panel())
    assert store.load() == Settings()


def test_it_waits_until_measuring_is_possible_at_all(open_panel):
    panel = open_panel(packages=Packages(["made-up-lung>=2.4"]))
    assert not is_offered(panel)
    panel.ui.computeButton.click()  # asks, and installs it
    panel.settle()
    assert panel.session.state is State.RESULT and is_offered(panel)


@pytest.mark.parametrize("chosen", [{"engine": "torch"}, {"device": "cuda"}])
def test_who_chose_otherwise_is_not_asked(open_panel, store: SettingsStore, chosen: dict[str, str]):
    store.save(Settings(**chosen))
    assert not is_offered(open_panel())


def test_what_is_installed_is_not_offered():
    pytest.importorskip("openvino", reason="needs the extra openvino")
    panel = Panel()
    assert not is_offered(panel)
    panel.close()


def test_it_is_what_the_extra_names():
    tomllib = pytest.importorskip("tomllib", reason="reading pyproject.toml needs Python 3.11")
    extra = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]["openvino"]
    text = (REPOSITORY / "OpportunisticBMD/Resources/openvino-requirements.txt").read_text()
    assert set(extra) <= set(re.sub("#.*", "", text).split())
