"""The section that compares, as it is clicked: age and sex, the curves, earlier scans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from example_results import former, refused
from looks import dress
from OpportunisticBMDLib.core.standing import Person
from OpportunisticBMDLib.reference import with_standing
from OpportunisticBMDLib.results.json_file import as_json
from OpportunisticBMDPanel.comparing import age_plot
from panel_harness import Panel, qt


@pytest.fixture
def panel() -> Iterator[Panel]:
    panel = Panel()
    panel.ui.compareSection.collapsed = False
    yield panel
    panel.close()


@pytest.fixture
def measured(panel: Panel) -> Panel:
    panel.compute(harness.patient(panel.scene))
    return panel


def describe(panel: Panel, age: int, sex: int) -> None:
    """Ticks the box, and fills in an age and a sex: 1 female, 2 male."""
    panel.ui.peersCheckBox.checked = True
    panel.ui.ageSpinBox.value = age
    panel.ui.sexComboBox.currentIndex = sex


def written(folder: Path, result) -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps(as_json(result)), encoding="utf-8")
    return path


def is_shown(panel: Panel, name: str) -> bool:
    return getattr(panel.ui, name).isVisibleTo(panel.root)


def test_without_a_result_there_is_nothing_to_compare(panel: Panel):
    assert not panel.ui.compareSection.enabled
    panel.compute(harness.patient(panel.scene))
    assert panel.ui.compareSection.enabled
    assert not is_shown(panel, "ageSpinBox") and not is_shown(panel, "standingLabel")
    assert not is_shown(panel, "comparisonLabel") and not is_shown(panel, "clearComparisonButton")


def test_age_and_sex_show_the_z_score_the_curves_and_their_sources(measured: Panel):
    describe(measured, 63, 1)
    line = measured.ui.standingLabel.text
    assert line.startswith("Z-score ") and "women of 63 years" in line and "China Biobank" in line
    assert (
        "Radiology 291:360" in measured.ui.standingLabel.toolTip and "no T-score" in measured.ui.standingLabel.toolTip
    )
    assert not measured.ui.agePlotLabel.pixmap.isNull() and is_shown(measured, "agePlotLabel")
    assert measured.session.person == Person(63, "female")


def test_half_of_what_is_asked_for_shows_nothing(measured: Panel):
    describe(measured, 63, 0)
    assert not is_shown(measured, "standingLabel") and measured.session.person is None
    describe(measured, 0, 2)
    assert not is_shown(measured, "standingLabel") and measured.session.person is None


def test_unticked_nothing_is_kept(measured: Panel):
    describe(measured, 63, 1)
    measured.ui.peersCheckBox.checked = False
    assert measured.session.person is None and not is_shown(measured, "standingLabel")


def test_a_child_has_a_sentence_and_no_curve(measured: Panel):
    describe(measured, 12, 2)
    assert measured.ui.standingLabel.text == "No reference curve is known for these vertebrae at an age of 12 years."
    assert not is_shown(measured, "agePlotLabel")


def test_the_fields_begin_with_what_the_header_says_and_only_when_asked(measured: Panel):
    session = measured.session
    session.ct = replace(session.ct, acquisition=replace(session.ct.acquisition, age_years=71.4, sex="male"))
    assert session.person is None
    measured.ui.peersCheckBox.checked = True
    assert (measured.ui.ageSpinBox.value, measured.ui.sexComboBox.currentIndex) == (71, 2)
    assert session.person == Person(71, "male")


def test_each_volume_has_a_person_of_its_own(measured: Panel):
    first = measured.session.volume_node
    describe(measured, 63, 1)
    measured.compute(harness.patient(measured.scene, "other"))
    assert measured.session.person is None and not measured.ui.peersCheckBox.checked
    measured.choose(first)
    assert measured.session.person == Person(63, "female") and measured.ui.ageSpinBox.value == 63


def test_age_and_sex_leave_with_the_export_and_stay_out_of_the_scene(measured: Panel, tmp_path: Path):
    measured.answers.folder = tmp_path
    describe(measured, 95, 1)
    measured.ui.exportButton.click()
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert document["reference"]["age_years"] == 90 and "Among people" in (tmp_path / "report.html").read_text("utf-8")
    assert measured.session.result.standing is None
    measured.ui.peersCheckBox.checked = False
    measured.ui.exportButton.click()
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["reference"] is None


def test_an_earlier_result_shows_what_changed_and_whether_that_is_sure(measured: Panel, tmp_path: Path):
    result = measured.session.result
    denser = {name: replace(v, bmd_mg_cm3=v.bmd_mg_cm3 + 60) for name, v in result.vertebrae.items()}
    earlier = replace(result, vertebrae=denser, bmd_mg_cm3=result.bmd_mg_cm3 + 60)
    measured.answers.file = written(tmp_path, earlier)
    measured.ui.compareButton.click()
    text = measured.ui.comparisonLabel.text
    assert "−60.0" in text and "▲ Changed" in text and "more than the least significant change" in text
    assert f"{earlier.bmd_mg_cm3:.1f}" in text and "one person is for you to know" in text
    assert "Which scanner a CT was made on is not known" in text
    measured.ui.clearComparisonButton.click()
    assert not is_shown(measured, "comparisonLabel") and measured.session.earlier == ()


def test_the_same_result_is_within_measurement_error(measured: Panel, tmp_path: Path):
    measured.answers.file = written(tmp_path, measured.session.result)
    measured.ui.compareButton.click()
    assert "Within measurement error" in measured.ui.comparisonLabel.text
    assert "▲ Changed" not in measured.ui.comparisonLabel.text


def test_a_file_is_compared_once(measured: Panel, tmp_path: Path):
    measured.answers.file = written(tmp_path, measured.session.result)
    measured.ui.compareButton.click()
    measured.answers.file = tmp_path / ".." / tmp_path.name / "result.json"
    measured.ui.compareButton.click()
    assert measured.answers.errors == [f"{tmp_path / 'result.json'} is compared already."]
    assert len(measured.session.earlier) == 1


def test_a_later_scan_is_no_earlier_one(measured: Panel, tmp_path: Path):
    session = measured.session
    now = replace(session.result, acquisition=replace(session.result.acquisition, scanned_on="2024-05-12"))
    now = replace(now, acquisition=replace(now.acquisition, month_asked=True))
    later = replace(now, acquisition=replace(now.acquisition, scanned_on="2026-05-12"))
    session.run = replace(session.run, result=now)
    measured.answers.file = written(tmp_path, later)
    measured.ui.compareButton.click()
    assert "is of 2026-05, later than CT chest (2024-05)" in measured.answers.errors[0]
    assert session.earlier == ()


def test_a_result_of_the_scene_can_be_chosen(measured: Panel):
    measured.compute(harness.patient(measured.scene, "later", bone_hu=90.0))
    measured.answers.choice = 0
    measured.ui.compareButton.click()
    assert "CT chest" in measured.ui.comparisonLabel.text
    assert [scan.name for scan in measured.session.earlier] == ["CT chest"]
    measured.answers.choice = None
    measured.ui.compareButton.click()
    assert len(measured.session.earlier) == 1


@pytest.mark.parametrize(("result", "why"), [(refused(), "was refused"), (former(), "former scale")])
def test_what_cannot_be_compared_is_said_and_left_alone(measured: Panel, tmp_path: Path, result, why):
    measured.answers.file = written(tmp_path, result)
    measured.ui.compareButton.click()
    assert why in measured.answers.errors[0] and measured.session.earlier == ()


def test_an_edit_is_compared_anew(measured: Panel, tmp_path: Path):
    measured.answers.file = written(tmp_path, measured.session.result)
    measured.ui.compareButton.click()
    measured.widget.results.use_boxes["L2"].click()
    assert not measured.ui.compareSection.enabled
    measured.settle()
    assert "T12 and L1" in measured.ui.comparisonLabel.text and measured.ui.compareSection.enabled


def test_names_from_files_are_not_taken_for_markup(measured: Panel, tmp_path: Path):
    folder = tmp_path / "<b>bold"
    folder.mkdir()
    measured.answers.file = written(folder, measured.session.result)
    measured.ui.compareButton.click()
    assert "&lt;b&gt;bold" in measured.ui.comparisonLabel.text


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_plot_shows_curves_band_and_patient_in_both_styles(look, measured: Panel):
    dress(look)
    known = with_standing(measured.session.result, Person(63, "female"))
    near = age_plot.draw(known.standing, 110.0, 400).toImage()
    far = age_plot.draw(known.standing, 60.0, 400).toImage()
    assert (near.width(), near.height()) == (800, 2 * age_plot.height_px(known.standing))
    assert near != far
    colours = {near.pixelColor(x, y).name() for x in range(0, 800, 3) for y in range(0, near.height(), 3)}
    assert len(colours - {qt.QColor(0, 0, 0, 0).name()}) > 3
