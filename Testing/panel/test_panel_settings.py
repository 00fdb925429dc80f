"""Settings: ranges with units, kept from one day to the next, and packages that may be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness
from OpportunisticBMDPanel.settings.settings import Settings, SettingsStore, with_default
from OpportunisticBMDPanel.slicer import packages
from OpportunisticBMDPanel.slicer.packages import RequiredPackages
from panel_harness import qt, slicer

REQUIREMENTS = panel_harness.MODULE / "Resources" / "requirements.txt"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"device": "tpu"}, "choose one of auto, cpu, cuda"),
        ({"engine": "steam"}, "choose one of torch, openvino"),
        ({"osteoporosis_mg_cm3": 5.0}, "between 10 and 300 mg/cm³"),
        ({"osteopenia_mg_cm3": 400.0}, "between 10 and 300 mg/cm³"),
        ({"osteoporosis_mg_cm3": 120.0}, "has to lie below"),
        ({"slope_hu_per_mg_cm3": 0.0}, "between 0.5 and 3 HU per mg/cm³"),
        ({"intercept_hu": 500.0}, "between -100 and 100 HU"),
    ],
)
def test_what_cannot_be_is_refused_with_its_range_and_unit(entry: dict[str, object], words: str):
    with pytest.raises(ValueError, match=words):
        Settings(**entry)


def test_settings_outlast_the_program_in_qsettings(tmp_path: Path):
    path = str(tmp_path / "Slicer.ini")
    settings = Settings(
        device="cpu", models=tmp_path / "my models", osteoporosis_mg_cm3=75.5, own_line=True, intercept_hu=-3.25
    )
    first = qt.QSettings(path, qt.QSettings.IniFormat)
    SettingsStore(first).save(settings)
    first.sync()
    assert SettingsStore(qt.QSettings(path, qt.QSettings.IniFormat)).load() == settings


def test_thresholds_that_only_go_together_are_loaded_together(tmp_path: Path):
    store = SettingsStore(qt.QSettings(str(tmp_path / "Slicer.ini"), qt.QSettings.IniFormat))
    settings = Settings(osteoporosis_mg_cm3=160.0, osteopenia_mg_cm3=200.0)
    store.save(settings)
    assert store.load() == settings


def test_what_equals_the_default_is_not_stored(tmp_path: Path):
    store = qt.QSettings(str(tmp_path / "Slicer.ini"), qt.QSettings.IniFormat)
    SettingsStore(store).save(Settings(device="cpu"))
    assert store.allKeys() == ["OpportunisticBMD/device"]
    SettingsStore(store).save(Settings())
    assert store.allKeys() == []


def test_a_stored_entry_that_cannot_be_counts_as_not_stored(tmp_path: Path):
    store = qt.QSettings(str(tmp_path / "Slicer.ini"), qt.QSettings.IniFormat)
    store.setValue("OpportunisticBMD/device", "abacus")
    store.setValue("OpportunisticBMD/osteopenia_mg_cm3", "many")
    store.setValue("OpportunisticBMD/intercept_hu", "-12.5")
    assert SettingsStore(store).load() == Settings(intercept_hu=-12.5)


def test_single_entries_go_back_to_their_default():
    settings = Settings(device="cpu", own_line=True, slope_hu_per_mg_cm3=2.0)
    assert with_default(settings, "own_line", "slope_hu_per_mg_cm3") == Settings(device="cpu")


def test_the_own_line_is_named_in_the_calibration():
    assert Settings().calibration is None
    line = Settings(own_line=True, slope_hu_per_mg_cm3=1.5, intercept_hu=-10.0).calibration
    assert line.hu(100.0) == 140.0 and "entered by the user" in line.source


def test_nothing_that_is_installed_is_missing():
    assert RequiredPackages(REQUIREMENTS).missing() == []


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> RequiredPackages:
    """As in a new Slicer: without torch, torchvision and slicerio."""
    there = packages._is_installed
    monkeypatch.setattr(
        packages, "_is_installed", lambda name: name not in ("torch", "torchvision", "slicerio") and there(name)
    )
    return RequiredPackages(REQUIREMENTS)


def test_missing_packages_are_named_with_their_versions_and_their_size(lacking: RequiredPackages):
    missing = lacking.missing()
    assert [name.split(">")[0] for name in missing] == ["torch", "torchvision", "slicerio"]
    assert lacking.size_in_words(missing) == "about 262 MB (up to 3 GB where it is made for an NVIDIA GPU)"
    assert lacking.size_in_words(missing[2:]) == "about 2 MB"


def test_without_the_pytorch_extension_pip_installs_all(lacking: RequiredPackages):
    slicer.packaging.installed.clear()
    lacking.install(lacking.missing())
    assert [name.split(">")[0] for name in slicer.packaging.installed[0]] == ["torch", "torchvision", "slicerio"]


def test_the_pytorch_extension_installs_torch(lacking: RequiredPackages, monkeypatch: pytest.MonkeyPatch):
    import sys
    from types import SimpleNamespace

    calls = []

    class PyTorchUtilsLogic:
        answer: object = "torch"

        def installTorch(self, askConfirmation: bool) -> object:  # noqa: N802, N803 - the extension's names
            calls.append(askConfirmation)
            return self.answer

    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(PyTorchUtilsLogic=PyTorchUtilsLogic))
    slicer.packaging.installed.clear()
    lacking.install(lacking.missing())
    assert calls == [False] and [name.split(">")[0] for name in slicer.packaging.installed[0]] == ["slicerio"]
    PyTorchUtilsLogic.answer = None
    with pytest.raises(RuntimeError, match="PyTorch was not installed"):
        lacking.install(lacking.missing())


def test_slicer_5_10_installs_with_its_own_pip(lacking: RequiredPackages, monkeypatch: pytest.MonkeyPatch):
    from subprocess import CalledProcessError

    given = []
    monkeypatch.delattr(panel_harness.slicer, "packaging")
    monkeypatch.setattr(panel_harness.slicer.util, "pip_install", given.append)
    lacking.install(["slicerio>=1.4"])
    assert given == [["slicerio>=1.4"]]

    def offline(names: list[str]) -> None:
        raise CalledProcessError(1, "pip")

    monkeypatch.setattr(panel_harness.slicer.util, "pip_install", offline)
    with pytest.raises(RuntimeError, match="could not install slicerio"):
        lacking.install(["slicerio>=1.4"])


def test_by_hand_says_what_to_download_and_where_to_enter_it(lacking: RequiredPackages):
    words = lacking.by_hand(lacking.missing())
    assert "pip download" in words and '"torch>=2.4"' in words and "--no-index --find-links" in words
