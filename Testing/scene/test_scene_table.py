"""The result lies in the scene as a table that anyone can read, and from which the whole result comes back."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from example_results import EXAMPLES, former, normal, osteoporosis, refused, review
from grids import GRIDS
from mrml import ct_on, new_scene, slicer, three_blocks
from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.materials import k2hpo4_of
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.results.json_file import as_json
from OpportunisticBMDLib.scene.result_table import (
    OUT_OF_DATE,
    create_table,
    is_outdated,
    mark_outdated,
    result_of,
    result_tables,
    roi_node_of,
    segmentation_node_of,
    table_for,
    update_table,
    volume_node_of,
)
from OpportunisticBMDLib.scene.segmentation import create_segmentation
from OpportunisticBMDLib.scene.volumes import node_from_volume


def made(result, scene=None):
    scene = scene or new_scene()
    volume_node = node_from_volume(scene, ct_on(GRIDS["canonical"]), "CT")
    segmentation_node = create_segmentation(scene, three_blocks(GRIDS["canonical"]), volume_node)
    table = create_table(scene, result, volume_node, segmentation_node)
    table.kept_alive = scene
    return volume_node, segmentation_node, table


def rows(table) -> dict[str, dict[str, str]]:
    """First cell -> column -> text."""
    columns = [table.GetColumnName(n) for n in range(table.GetNumberOfColumns())]
    cells = [[table.GetCellText(row, n) for n in range(len(columns))] for row in range(table.GetNumberOfRows())]
    return {row[0]: dict(zip(columns, row)) for row in cells}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_whole_result_comes_back(name):
    result = EXAMPLES[name]()
    assert as_json(result_of(made(result)[2])) == as_json(result)


def test_the_table_says_what_was_measured():
    table = rows(made(review())[2])
    assert table["T12"]["Used"] == table["L1"]["Used"] == "yes" and table["L2"]["Used"] == "no"
    assert float(table["T12"]["BMD (mg/cm³ HA)"]) == 114.9
    assert table["T12"]["95 % interval (mg/cm³ HA)"] == "97.7 to 132.1"
    assert float(table["T12"]["BMD (mg/cm³ K2HPO4)"]) == pytest.approx(k2hpo4_of(114.9), abs=0.05)
    assert float(table["T12"]["Region HU"]) == 147.1 and float(table["T12"]["Mask HU"]) == 167.1
    assert float(table["T12"]["Network BMD (mg/cm³ HA)"]) == pytest.approx(114.9, abs=0.05)
    assert float(table["T12"]["Volume (cm³)"]) == 14.25
    assert float(table["L2"]["Segmentation confidence"]) == 0.81
    assert math.isnan(float(table["L2"]["BMD (mg/cm³ HA)"])) and table["L2"]["95 % interval (mg/cm³ HA)"] == ""
    assert "haemangioma" in table["L2"]["Note"]


def test_the_table_says_the_mean_its_category_and_for_what_it_is():
    table = rows(made(review())[2])
    mean = table["Mean of T12 and L1"]
    assert float(mean["BMD (mg/cm³ HA)"]) == 112.4
    assert mean["95 % interval (mg/cm³ HA)"] == "94.6 to 130.2"
    assert mean["Note"] == "Osteopenia (80 to 120 mg/cm³). Measured, please review."
    assert table["Thresholds"]["Note"].startswith("Osteoporosis below 80, osteopenia 80 to 120, normal above 120")
    assert "Contrast agent is seen" in table["Warning"]["Note"]
    assert table["Software"]["Note"] == f"OpportunisticBMD {__version__}. For research, not diagnosis."


def test_the_table_says_what_the_number_means():
    assert "middle 9 mm" in rows(made(review())[2])["Scale"]["Note"]
    old = rows(made(former())[2])
    assert "former scale" in old["Scale"]["Note"] and math.isnan(float(old["L1"]["BMD (mg/cm³ K2HPO4)"]))


def test_the_thresholds_are_those_of_the_result():
    table = rows(made(replace(normal(), thresholds=Thresholds(70, 105.5)))[2])
    assert "Osteoporosis below 70, osteopenia 70 to 105.5" in table["Thresholds"]["Note"]


def test_a_refusal_shows_no_number_and_says_why():
    sneaky = replace(refused(), bmd_mg_cm3=101.0, bmd_sd_mg_cm3=2.0, category="osteopenia", vertebrae_used=("L1",))
    table = rows(made(sneaky)[2])
    assert math.isnan(float(table["Mean"]["BMD (mg/cm³ HA)"]))
    assert "none is given" in table["Mean"]["Note"]
    assert "fewer than two of T12, L1 and L2 are covered" in table["Refused"]["Note"]
    assert {table[name]["Used"] for name in ("T12", "L1", "L2")} == {"no"}
    assert table["L1"]["Note"] == "Not found."


def test_columns_carry_their_units():
    table = made(normal())[2]
    for n in range(table.GetNumberOfColumns()):
        name, unit = table.GetColumnName(n), table.GetColumnUnitLabel(table.GetColumnName(n))
        assert table.GetColumnDescription(name)
        assert not unit or unit in name
    assert table.GetColumnUnitLabel("BMD (mg/cm³ HA)") == "mg/cm³ HA"
    assert table.GetColumnUnitLabel("Volume (cm³)") == "cm³"


def test_nothing_can_break_a_cell():
    reason = Reason("contrast_agent", "warning", 'A tab\there,\na new line; "quotes" and a comma.')
    table = rows(made(replace(normal(), reasons=(reason,)))[2])
    assert table["Warning"]["Note"] == 'A tab here, a new line; "quotes" and a comma.'


def test_a_new_result_replaces_the_old_one_in_one_step():
    _, _, table = made(normal())
    heard = []
    table.AddObserver("ModifiedEvent", lambda caller, event: heard.append(rows(caller)))
    update_table(table, osteoporosis())
    assert as_json(result_of(table)) == as_json(osteoporosis())
    assert "158.2" not in str(rows(table)) and float(rows(table)["L1"]["BMD (mg/cm³ HA)"]) == 65.2
    assert heard and all(seen == rows(table) for seen in heard)


def test_an_outdated_table_says_so_until_it_is_measured_again():
    _, _, table = made(normal())
    assert not is_outdated(table)
    mark_outdated(table)
    mark_outdated(table)
    assert is_outdated(table) and table.GetCellText(0, table.GetNumberOfColumns() - 1) == OUT_OF_DATE
    assert as_json(result_of(table)) == as_json(normal())
    update_table(table, osteoporosis())
    assert not is_outdated(table) and OUT_OF_DATE not in str(rows(table))


def test_the_table_knows_its_nodes():
    volume_node, segmentation_node, table = made(normal())
    assert volume_node_of(table) is volume_node
    assert segmentation_node_of(table) is segmentation_node
    assert roi_node_of(table) is None
    table.GetScene().RemoveNode(segmentation_node)
    assert segmentation_node_of(table) is None


def test_each_volume_has_its_own_table():
    scene = new_scene()
    first_volume, _, first = made(normal(), scene)
    second_volume, _, second = made(osteoporosis(), scene)
    scene.AddNewNodeByClass("vtkMRMLTableNode", "Another")
    assert table_for(scene, first_volume) is first and table_for(scene, second_volume) is second
    assert result_tables(scene) == [first, second]
    update_table(second, refused())
    assert as_json(result_of(first)) == as_json(normal())
    assert table_for(scene, node_from_volume(scene, ct_on(GRIDS["oblique"]), "New")) is None


def test_any_other_table_holds_no_result():
    table = new_scene().AddNewNodeByClass("vtkMRMLTableNode", "Another")
    assert result_of(table) is None
    mark_outdated(table)
    assert not is_outdated(table)


@pytest.mark.parametrize("text", ('{"schema_version": 1', '{"schema_version": 99}'))
def test_a_result_that_cannot_be_read_is_refused(text):
    table = new_scene().AddNewNodeByClass("vtkMRMLTableNode", "Broken")
    table.SetAttribute("OpportunisticBMD.Result", text)
    with pytest.raises(BadInput, match="measure the CT again"):
        result_of(table)


def test_the_table_lies_beside_its_volume():
    _, _, table = made(normal())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(table.GetScene())
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(table)) == hierarchy.GetSceneItemID()
