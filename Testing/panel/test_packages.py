"""Packages that Slicer lacks: which are missing and why, how they are installed, and what is said when it fails."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CalledProcessError
from types import ModuleType

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

from packaging.requirements import InvalidRequirement

import panel_harness
from known_pip import KnownPip
from OpportunisticBMDLib.worker.messages import Failed
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.slicer.packages import RequiredPackages
from panel_harness import Panel, qt, slicer
from slicer_standins import pytorch_utils

RESOURCES = panel_harness.MODULE / "Resources"
NEEDED = "made-up-lung>=2.4"  # no index has it


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownPip:
    (tmp_path / "pip").mkdir()
    return KnownPip(tmp_path / "pip", monkeypatch)


@pytest.fixture(params=["5.12", "5.10"])
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of Slicer, which a person uses, not a test: in testing mode Slicer 5.12 installs nothing."""
    monkeypatch.delattr(slicer, "packaging", raising=False)  # nobody has asked for it yet
    monkeypatch.delitem(sys.modules, "slicer.packaging", raising=False)
    if request.param == "5.10":
        monkeypatch.setitem(sys.modules, "slicer.packaging", None)  # there is no such file
    monkeypatch.setattr(slicer.app, "testingEnabled", lambda: False)
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text, **more: None)
    return request.param


def required(folder: Path, *lines: str) -> RequiredPackages:
    (folder / "requirements.txt").write_text("# What is needed.\n" + "\n".join(lines) + "\n")
    return RequiredPackages(folder / "requirements.txt")


@pytest.fixture
def panel(tmp_path: Path, pip: KnownPip) -> Iterator[Panel]:
    """The panel with a CT, where one package is missing."""
    made = Panel(packages=required(tmp_path, NEEDED))
    made.choose(panel_harness.patient(made.scene))
    yield made
    made.close()


def compute(panel: Panel) -> None:
    panel.ui.computeButton.click()
    panel.settle()


# What is missing


@pytest.mark.parametrize("name", sorted(path.name for path in RESOURCES.glob("*requirements.txt")))
def test_every_line_is_a_name_with_its_least_version(name: str):
    lines = [line for line in (RESOURCES / name).read_text().splitlines() if not line.startswith("#")]
    assert lines and [line for line in lines if not re.fullmatch(r"[\w-]+>=[\d.]+", line)] == []


def test_nothing_that_is_installed_is_missing():
    assert RequiredPackages(RESOURCES / "requirements.txt").missing() == []


def test_an_old_version_counts_as_missing_and_is_named(pip: KnownPip, tmp_path: Path):
    pip.bring("torch", "1.13")
    packages = required(tmp_path, "torch>=2.4", NEEDED)
    assert packages.missing() == ["torch>=2.4", NEEDED]
    assert packages.in_words(packages.missing()) == (
        "Not installed yet: made-up-lung. torch 1.13 is too old, 2.4 or newer is needed."
    )


@pytest.mark.parametrize("version", ["2.4", "2.4.1+cu121", "2.5.0.dev20260101"])
def test_versions_for_a_gpu_and_versions_built_from_source_count(version: str, pip: KnownPip, tmp_path: Path):
    pip.bring("made-up-lung", version)
    assert required(tmp_path, NEEDED).missing() == []


def test_what_was_installed_in_part_only_is_missing(pip: KnownPip, tmp_path: Path):
    pip.bring("made-up-lung", "")
    packages = required(tmp_path, NEEDED)
    assert packages.missing() == [NEEDED]
    assert packages.in_words([NEEDED]) == "made-up-lung is installed in part only."
    pip.bring("made-up-lung", "2.5")
    assert packages.missing() == [], "what is left of the broken installation does not matter"


def test_what_another_system_needs_is_not_missing_here(tmp_path: Path):
    packages = required(
        tmp_path, f"{NEEDED}; sys_platform == 'other'", "made-up-bone[fast]>=1; sys_platform != 'other'"
    )
    assert packages.missing() == ["made-up-bone[fast]>=1"]
    assert packages.in_words(packages.missing()) == "Not installed yet: made-up-bone."


def test_the_size_of_the_download_is_told(tmp_path: Path):
    packages = required(tmp_path, NEEDED)
    all_of_them = ["torch>=2.4", "torchvision>=0.19", "slicerio>=1.4"]
    assert packages.size_in_words(all_of_them) == "about 262 MB (up to 3 GB where it is made for an NVIDIA GPU)"
    assert packages.size_in_words(all_of_them[2:]) == "about 2 MB"


def test_by_hand_says_what_to_download_and_where_to_enter_it(tmp_path: Path):
    words = required(tmp_path, NEEDED).by_hand([NEEDED])
    assert f'pip download -d packages "{NEEDED}"' in words
    assert f"slicer.util.pip_install('--no-index --find-links FOLDER \"{NEEDED}\"')" in words


# Installing


def test_what_is_missing_is_asked_for_once_installed_and_used(panel: Panel, pip: KnownPip, version: str):
    compute(panel)
    assert panel.answers.asked == [
        "This needs Python packages. Not installed yet: made-up-lung. To download: about 2 MB."
    ]
    assert pip.asked == [["pip", "install", NEEDED]] and panel.answers.errors == []
    assert panel.session.state is State.RESULT
    compute(panel)
    assert len(panel.answers.asked) == 1 and len(pip.asked) == 1


def test_who_declines_is_asked_again_at_the_next_click_only(panel: Panel, pip: KnownPip, version: str):
    panel.answers.yes = False
    compute(panel)
    assert len(panel.answers.asked) == 1 and pip.asked == [] and panel.session.state is State.READY


def test_a_failing_pip_is_a_sentence_and_what_to_do_by_hand(panel: Panel, pip: KnownPip, version: str):
    pip.will("fails")
    compute(panel)
    (error,) = panel.answers.errors
    sentence, by_hand = error.split("\n\n")
    assert sentence == (
        "made-up-lung could not be installed (pip ended with status 1); Slicer's Python console has the details."
    )
    assert by_hand.startswith("Without a network: ") and panel.session.state is State.READY
    assert panel.root.enabled and not panel.ui.installingLabel.isVisibleTo(panel.root)
    pip.will("installs")
    compute(panel)
    assert panel.session.state is State.RESULT


def test_without_slicers_python_it_is_a_sentence(
    panel: Panel, pip: KnownPip, version: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "")
    compute(panel)
    assert "(PythonSlicer executable not found)" in panel.answers.errors[0]


def test_an_installation_that_brings_nothing_is_a_sentence(panel: Panel, pip: KnownPip, version: str):
    pip.will("brings nothing")
    compute(panel)
    (error,) = panel.answers.errors
    assert error.startswith(
        "The installation ended without an error, yet something is missing. Not installed yet: made"
    )
    assert len(panel.answers.asked) == 1 and panel.session.state is State.READY


def test_while_slicer_tests_itself_5_12_installs_nothing(panel: Panel, pip: KnownPip):
    compute(panel)
    assert pip.asked == [] and "something is missing" in panel.answers.errors[0]


def test_a_second_click_while_pip_runs_starts_no_second_pip(panel: Panel, pip: KnownPip, version: str):
    seen = []

    def click() -> None:
        """As the reader does while Slicer handles events."""
        if not pip.asked:  # it has not begun
            qt.QTimer.singleShot(0, click)
            return
        seen.append((panel.ui.installingLabel.text, panel.ui.installingLabel.isVisibleTo(panel.root)))
        seen.append((qt.QApplication.overrideCursor() is not None, panel.root.enabled))
        panel.ui.computeButton.click()
        panel.widget._on_tick()
        seen.append(panel.widget._installer.has(panel.widget._packages))

    qt.QTimer.singleShot(0, click)
    compute(panel)
    assert seen == [("Installing made-up-lung…", True), (True, False), False]
    assert pip.asked == [["pip", "install", NEEDED]] and len(panel.answers.asked) == 1
    assert qt.QApplication.overrideCursor() is None and panel.root.enabled
    assert not panel.ui.installingLabel.isVisibleTo(panel.root) and panel.session.state is State.RESULT


def test_what_is_replaced_while_it_is_in_use_needs_a_restart(
    panel: Panel, pip: KnownPip, version: str, monkeypatch: pytest.MonkeyPatch
):
    pip.bring("made-up-lung", "1.13", module="made_up_lung")
    monkeypatch.setitem(sys.modules, "made_up_lung", ModuleType("made_up_lung"))
    compute(panel)
    assert panel.answers.errors == [
        "Restart Slicer to go on: made-up-lung was replaced and is still in use in its former version."
    ]
    assert panel.session.state is State.READY
    compute(panel)
    assert len(panel.answers.asked) == len(panel.answers.errors) == 1, "it is said once"
    assert panel.session.state is State.RESULT, "the chain runs in a process of its own"


def test_what_was_installed_in_part_only_is_installed_again(panel: Panel, pip: KnownPip, version: str):
    pip.bring("made-up-lung", "")
    pip.bring("made-up-rib", "")  # nobody here needs it
    compute(panel)
    assert "needs Python packages. made-up-lung is installed in part only. To download" in panel.answers.asked[0]
    assert pip.asked == [["pip", "install", NEEDED]] and panel.session.state is State.RESULT


def test_a_package_that_cannot_be_loaded_is_no_endless_question(panel: Panel, pip: KnownPip, version: str):
    pip.bring("made-up-lung", "2.4")
    panel.logic.warm_up()
    panel.worker.fault = Failed("A package is missing or cannot be loaded (libcudart); install it.", "packages")
    compute(panel)
    panel.ui.installButton.click()
    panel.settle()
    assert panel.answers.asked == [] and pip.asked == [] and panel.worker.jobs == ["compute"]
    (error,) = panel.answers.errors
    assert error.startswith("All packages are installed, but one of them cannot be loaded. Restart Slicer")


# Slicer's PyTorch extension


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch, version: str) -> ModuleType:
    monkeypatch.setitem(sys.modules, "PyTorchUtils", pytorch_utils)
    return pytorch_utils


@pytest.fixture
def torch(tmp_path: Path) -> RequiredPackages:
    """Both packages of the extension, in versions that nobody has yet, and another."""
    return required(tmp_path, "torch>=99.1", "torchvision>=99.2", NEEDED)


def test_the_extension_installs_torch_in_the_version_that_is_needed(
    torch: RequiredPackages, pip: KnownPip, extension: ModuleType
):
    torch.install(torch.missing())
    assert pip.asked == [
        ["light_the_torch", "install", "torch>=99.1", "torchvision>=99.2"],
        ["pip", "install", NEEDED],
    ]
    assert torch.missing() == []


def test_without_the_extension_pip_installs_all(torch: RequiredPackages, pip: KnownPip, version: str):
    torch.install(torch.missing())
    assert pip.asked == [["pip", "install", "torch>=99.1", "torchvision>=99.2", NEEDED]]


def test_a_failing_extension_is_a_sentence(torch: RequiredPackages, pip: KnownPip, extension: ModuleType):
    pip.will("fails")
    with pytest.raises(
        RuntimeError, match=r"torch, torchvision, .* could not be installed \(pip ended with status 1\)"
    ):
        torch.install(torch.missing())


def test_torch_that_cannot_be_loaded_is_a_sentence(
    torch: RequiredPackages, pip: KnownPip, extension: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(extension.PyTorchUtilsLogic, "can_be_loaded", False)
    with pytest.raises(RuntimeError, match=r"could not be installed \(DLL load failed while importing _C\)"):
        torch.install(torch.missing())


def test_an_extension_that_installs_nothing_is_a_sentence(
    torch: RequiredPackages, pip: KnownPip, extension: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(extension.PyTorchUtilsLogic, "installTorch", lambda *arguments, **named: None)
    with pytest.raises(RuntimeError, match="the PyTorch extension installed nothing"):
        torch.install(torch.missing())


# The stand-in for Slicer 5.12's own


def test_nobody_has_packaging_before_it_is_imported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(slicer, "packaging", raising=False)
    monkeypatch.delitem(sys.modules, "slicer.packaging", raising=False)
    assert not hasattr(slicer, "packaging")
    importlib.import_module("slicer.packaging")
    assert slicer.packaging.pip_check("numpy>=1.24")


def test_packaging_refuses_what_slicers_own_refuses(pip: KnownPip, monkeypatch: pytest.MonkeyPatch):
    from slicer.packaging import pip_check, pip_ensure, pip_install

    with pytest.raises(TypeError, match="got tuple"):
        pip_ensure((NEEDED,))
    with pytest.raises(InvalidRequirement):
        pip_check([">=2.4"])
    with pytest.raises(ValueError, match="string or list"):
        pip_install((NEEDED,))
    pip.will("fails")
    with pytest.raises(CalledProcessError):
        pip_ensure(NEEDED, prompt_install=False, prompt_restart=False, skip_in_testing=False)
    pip.bring("made-up-rib", "")
    with pytest.raises((TypeError, AttributeError)):  # as the packaging library has it
        pip_ensure(NEEDED, prompt_install=False, skip_in_testing=False)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *arguments, **named: False)
    with pytest.raises(RuntimeError, match="declined"):
        pip_ensure(NEEDED, skip_in_testing=False)
