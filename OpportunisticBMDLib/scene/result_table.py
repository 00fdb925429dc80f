"""A result as a table node: readable in any 3D Slicer, and whole again where this extension is installed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import vtk

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.materials import k2hpo4_of
from OpportunisticBMDLib.core.result import FORMER, Result
from OpportunisticBMDLib.core.vertebra import VertebraFigures
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.results.json_file import SOFTWARE, as_json, result_from_text
from OpportunisticBMDLib.scene.placement import place_beside

_RESULT, _OUTDATED = "OpportunisticBMD.Result", "OpportunisticBMD.Outdated"
_VOLUME, _SEGMENTATION, _ROI = "OpportunisticBMD.Volume", "OpportunisticBMD.Segmentation", "OpportunisticBMD.Box"
_REGIONS = "OpportunisticBMD.Regions"
OUT_OF_DATE = "OUT OF DATE: masks or box were changed after this was measured."


@dataclass(frozen=True)
class _Column:
    """Text, or numbers of so many digits in a unit."""

    name: str
    title: str
    digits: int | None = None
    unit: str = ""


_COLUMNS = (
    _Column("Vertebra", "Vertebra, or what the row is about"),
    _Column("Used", "Whether the vertebra takes part in the mean"),
    _Column("BMD (mg/cm³ HA)", "Bone mineral density, hydroxyapatite in water, as QCT reads", 1, "mg/cm³ HA"),
    _Column("BMD (mg/cm³ K2HPO4)", "The same density on the scale of Mindways' phantoms", 1, "mg/cm³ K2HPO4"),
    _Column("95 % interval (mg/cm³ HA)", "Interval that holds the bone mineral density with 95 %", unit="mg/cm³ HA"),
    _Column("Region HU", "Mean attenuation of what was read in the middle 9 mm", 1, "HU"),
    _Column("Network BMD (mg/cm³ HA)", "What the network would read, for comparison", 1, "mg/cm³ HA"),
    _Column("Mask HU", "Mean attenuation of the whole mask", 1, "HU"),
    _Column("Volume (cm³)", "Volume of the cancellous bone that was measured", 2, "cm³"),
    _Column("Segmentation confidence", "Mean probability of the mask's voxels, 0 to 1", 3),
    _Column("Note", "What to know of this row"),
)


_NOTHING = (None, None, "", None, None, None, None, None)  # between whether it is used and the note


def create_table(
    scene: Any,
    result: Result,
    volume_node: Any,
    segmentation_node: Any | None,
    roi_node: Any | None = None,
    regions_node: Any | None = None,
) -> Any:
    """A new table node that holds a result and knows the nodes that it belongs to, beside the volume."""
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", f"{volume_node.GetName()} BMD")
    roles = {_VOLUME: volume_node, _SEGMENTATION: segmentation_node, _ROI: roi_node, _REGIONS: regions_node}
    for role, other in roles.items():
        if other is not None:
            node.SetNodeReferenceID(role, other.GetID())
    update_table(node, result)
    place_beside(node, volume_node)
    return node


def update_table(node: Any, result: Result) -> None:
    """Replaces the result that a table node holds, which is then up to date."""
    modified = node.StartModify()
    node.SetAttribute(_RESULT, json.dumps(as_json(result), ensure_ascii=True, allow_nan=False))
    node.SetAttribute(_OUTDATED, None)
    _fill(node, _rows(result))
    node.EndModify(modified)


def mark_outdated(node: Any) -> None:
    """Says in the table that its masks were changed since; `update_table` takes that back."""
    result = result_of(node)
    if result is None or is_outdated(node):
        return
    modified = node.StartModify()
    node.SetAttribute(_OUTDATED, "1")
    _fill(node, [_note("Warning", OUT_OF_DATE), *_rows(result)])
    node.EndModify(modified)


def is_outdated(node: Any) -> bool:
    return node.GetAttribute(_OUTDATED) is not None


def result_of(table_node: Any) -> Result | None:
    """The result that a table node holds, rounded as in result.json; None for any other table.

    Raises:
        BadInput: it was written by another version or is damaged.
    """
    document = table_node.GetAttribute(_RESULT)
    return None if not document else result_from_text(document)


def result_tables(scene: Any) -> list[Any]:
    """All table nodes that hold a result."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    tables = (scene.GetNthNodeByClass(n, "vtkMRMLTableNode") for n in range(count))
    return [table for table in tables if table.GetAttribute(_RESULT)]


def table_for(scene: Any, volume_node: Any) -> Any | None:
    """The table node with the result of a volume; the last one made where there are several."""
    tables = [table for table in result_tables(scene) if volume_node_of(table) is volume_node]
    return tables[-1] if tables else None


def volume_node_of(table_node: Any) -> Any | None:
    """The volume that was measured; None where it is no longer in the scene."""
    return table_node.GetNodeReference(_VOLUME)


def segmentation_node_of(table_node: Any) -> Any | None:
    return table_node.GetNodeReference(_SEGMENTATION)


def roi_node_of(table_node: Any) -> Any | None:
    return table_node.GetNodeReference(_ROI)


def regions_node_of(table_node: Any) -> Any | None:
    return table_node.GetNodeReference(_REGIONS)


def _rows(result: Result) -> list[tuple]:
    """Cells in the order of `_COLUMNS`: the vertebrae, the mean, then what the case as a whole has to say."""
    rows = [_vertebra_row(name, result) for name in VERTEBRAE]
    rows.append(_mean_row(result))
    rows += [
        _note(wording.SEVERITY_WORDS[reason.severity], reason.message)
        for reason in wording.ordered_reasons(result)
        if reason.vertebra not in VERTEBRAE
    ]
    low, high = f"{result.thresholds.osteoporosis:g}", f"{result.thresholds.osteopenia:g}"
    material = result.thresholds.material
    thresholds = f"Osteoporosis below {low}, osteopenia {low} to {high}, normal above {high} mg/cm³ {material}."
    return rows + [
        _note("Scale", wording.scale(result)),
        _note("Thresholds", thresholds),
        _note("Software", f"{SOFTWARE} {__version__}. {wording.RESEARCH_ONLY}"),
    ]


def _vertebra_row(name: str, result: Result) -> tuple:
    vertebra = result.vertebrae.get(name)
    used = "yes" if name in result.vertebrae_used and result.status != "refused" else "no"
    notes = [wording.reason_sentence(reason) for reason in result.reasons if reason.vertebra == name]
    if vertebra is None:
        return (name, used, *_NOTHING, _joined(notes or ["Not found."]))
    figures = VertebraFigures.of(vertebra)
    return (
        name,
        used,
        figures.bmd_mg_cm3,
        None if result.scale == FORMER else k2hpo4_of(figures.bmd_mg_cm3),
        _range(wording.bounds(figures.bmd_mg_cm3, figures.bmd_sd_mg_cm3)),
        figures.hu_region,
        figures.network_bmd_mg_cm3,
        figures.hu_mean,
        figures.volume_mm3 / 1000,
        figures.confidence,
        _joined(notes),
    )


def _mean_row(result: Result) -> tuple:
    if result.status == "refused" or result.bmd_mg_cm3 is None:
        return ("Mean", "", *_NOTHING, wording.STATUS_EXPLANATIONS["refused"])
    words = [f"{wording.category_range(result)}.", f"{wording.STATUS_WORDS[result.status]}."]
    bounds = _range(wording.interval(result))
    densities = result.bmd_mg_cm3, result.bmd_k2hpo4_mg_cm3, bounds
    return (wording.vertebrae_used(result), "", *densities, *_NOTHING[3:], _joined(words))


def _note(about: str, text: str) -> tuple:
    return (about, "", *_NOTHING, text)


def _range(bounds: tuple[float, float] | None) -> str:
    return f"{bounds[0]:.1f} to {bounds[1]:.1f}" if bounds and all(map(math.isfinite, bounds)) else ""


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(sentences)


def _fill(node: Any, rows: list[tuple]) -> None:
    node.RemoveAllColumns()
    for column, cells in zip(_COLUMNS, zip(*rows, strict=True), strict=True):
        node.AddColumn(_texts(cells) if column.digits is None else _numbers(cells, column.digits)).SetName(column.name)
        node.SetColumnTitle(column.name, column.name)
        node.SetColumnDescription(column.name, column.title)
        if column.unit:
            node.SetColumnUnitLabel(column.name, column.unit)


def _texts(cells: Iterable[str]) -> vtk.vtkStringArray:
    array = vtk.vtkStringArray()
    for cell in cells:
        # A tab or a line break would end the cell in the .tsv that 3D Slicer saves.
        array.InsertNextValue(" ".join(cell.split()))
    return array


def _numbers(cells: Iterable[float | None], digits: int) -> vtk.vtkDoubleArray:
    array = vtk.vtkDoubleArray()
    for cell in cells:
        array.InsertNextValue(math.nan if cell is None else round(cell, digits))
    return array
