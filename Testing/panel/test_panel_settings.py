"""Settings: ranges with units, kept from one day to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

from example_results import acquisition, grid_of, synthetic_bodies
from OpportunisticBMDLib.core.ct import CT, ImageKind
from OpportunisticBMDPanel.settings.settings import Settings, SettingsStore, with_default
from panel_harness import qt


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"device": "tpu"}, "choose one of auto, cpu, cuda"),
        ({"engine": "steam"}, "choose one of auto, torch, openvino"),
        ({"osteoporosis_mg_cm3": 5.0}, "between 10 and 300 mg/cm³"),
        ({"osteopenia_mg_cm3": 400.0}, "between 10 and 300 mg/cm³"),
        ({"osteoporosis_mg_cm3": 120.0}, "has to lie below"),
        ({"slope_hu_per_mg_cm3": 0.0}, "between 0.5 and 3 HU per mg/cm³"),
        ({"intercept_hu": 500.0}, "between -100 and 100 HU"),
        ({"kvp": 12.0}, "is 12 kVp; choose one of 70, 80"),
        ({"report_template": "of {patient}"}, "cannot hold {patient}"),
    ],
)
def test_what_cannot_be_is_refused_with_its_range_and_unit(entry: dict[str, object], words: str):
    with pytest.raises(ValueError, match=words):
        Settings(**entry)


def test_settings_outlast_the_program_in_qsettings(tmp_path: Path):
    path = str(tmp_path / "Slicer.ini")
    settings = Settings(
        device="cpu",
        models=tmp_path / "my models",
        osteoporosis_mg_cm3=75.5,
        own_line=True,
        intercept_hu=-3.25,
        kvp=135.0,
        report_template='Dichte „{bmd}“, "{unit}";\n50 % = \\half',
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
    assert store.allKeys() == ("OpportunisticBMD/device",)
    SettingsStore(store).save(Settings())
    assert store.allKeys() == ()


def test_a_stored_entry_that_cannot_be_counts_as_not_stored(tmp_path: Path):
    store = qt.QSettings(str(tmp_path / "Slicer.ini"), qt.QSettings.IniFormat)
    store.setValue("OpportunisticBMD/device", "abacus")
    store.setValue("OpportunisticBMD/osteopenia_mg_cm3", "many")
    store.setValue("OpportunisticBMD/intercept_hu", "-12.5")
    store.setValue("OpportunisticBMD/report_template", "of {patient}")
    assert SettingsStore(store).load() == Settings(intercept_hu=-12.5)


def test_single_entries_go_back_to_their_default():
    settings = Settings(device="cpu", own_line=True, slope_hu_per_mg_cm3=2.0)
    assert with_default(settings, "own_line", "slope_hu_per_mg_cm3") == Settings(device="cpu")


def test_the_own_line_is_named_in_the_calibration():
    assert Settings().calibration is None
    line = Settings(own_line=True, slope_hu_per_mg_cm3=1.5, intercept_hu=-10.0).calibration
    assert line.hu(100.0) == 140.0 and "entered by the user" in line.source


@pytest.mark.parametrize(
    ("states", "kvp"),
    [
        ({"kvp": None}, 100.0),
        ({"kvp": 120.0}, 120.0),
        ({"kvp": None, "spectrum": "several tube voltages"}, None),
        ({"kvp": None, "image_kind": ImageKind.MONOENERGETIC, "energy_kev": 70.0}, None),
    ],
)
def test_a_voltage_is_that_of_cts_whose_file_says_nothing_of_it(states: dict[str, object], kvp: float | None):
    ct = CT(synthetic_bodies(grid_of("straight"))[0].volume, acquisition(**states))
    assert Settings(kvp=100.0).with_voltage(ct).acquisition == acquisition(
        **{**states, "kvp": kvp}, kvp_by_user=kvp == 100.0
    )
    assert Settings().with_voltage(ct) is ct
