"""The list of terms that comes with the module says what the code says, and 3D Slicer finds every segment in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from grids import GRIDS
from mrml import made, slicer, vtk
from OpportunisticBMDLib.dicom.codes import (
    ANATOMICAL_STRUCTURE,
    NEIGHBOUR_COLOUR,
    SEGMENT_COLOURS,
    VERTEBRA_CODES,
    Code,
)
from OpportunisticBMDLib.dicom.terminology import TYPE_CONTEXT, entry
from OpportunisticBMDLib.scene.segmentation import labels_of

FILE = Path(__file__).parents[2] / "OpportunisticBMD" / "Resources" / "Terminologies" / "OpportunisticBMD.term.json"
FORMER_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"


def as_term(code: Code) -> dict[str, object]:
    return {"CodeMeaning": code.meaning, "CodingSchemeDesignator": code.scheme, "CodeValue": code.value}


def rgb(vertebra: str) -> list[int]:
    return [round(255 * part) for part in SEGMENT_COLOURS.get(vertebra, NEIGHBOUR_COLOUR)]


@pytest.fixture
def terms():
    logic = slicer.vtkSlicerTerminologiesModuleLogic()
    assert logic.LoadTerminologyFromFile(str(FILE)) == TYPE_CONTEXT
    return logic


def test_the_list_holds_the_codes_names_and_colours_of_the_code():
    types = [
        {**as_term(code), "3dSlicerLabel": name, "recommendedDisplayRGBValue": rgb(name)}
        for name, code in VERTEBRA_CODES.items()
    ]
    assert json.loads(FILE.read_text(encoding="utf-8")) == {
        "SegmentationCategoryTypeContextName": TYPE_CONTEXT,
        "@schema": "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas/segment-context-schema.json#",
        "SegmentationCodes": {"Category": [{**as_term(ANATOMICAL_STRUCTURE), "showAnatomy": False, "Type": types}]},
    }


@pytest.mark.parametrize("vertebra", VERTEBRA_CODES)
def test_slicer_finds_every_vertebra_with_its_colour(terms, vertebra):
    found = slicer.vtkSlicerTerminologyEntry()
    assert terms.FindTypeInTerminologyBy3dSlicerLabel(TYPE_CONTEXT, vertebra, found)
    assert found.GetTypeObject().GetCodeMeaning() == VERTEBRA_CODES[vertebra].meaning
    assert list(found.GetTypeObject().GetRecommendedDisplayRGBValue()) == rgb(vertebra)
    assert terms.AreTerminologyEntriesEqual(terms.SerializeTerminologyEntry(found), entry(vertebra))


def test_the_terms_of_segments_are_in_the_list(terms):
    _, node, _ = made(GRIDS["oblique"])
    for name in ("T12", "L1", "L2"):
        tag, own, listed = vtk.reference(""), slicer.vtkSlicerTerminologyEntry(), slicer.vtkSlicerTerminologyEntry()
        assert node.GetSegmentation().GetSegment(name).GetTag("TerminologyEntry", tag)
        assert terms.DeserializeTerminologyEntry(str(tag), own)
        assert own.GetTerminologyContextName() == TYPE_CONTEXT
        assert terms.FindTypeInTerminologyBy3dSlicerLabel(TYPE_CONTEXT, name, listed)
        assert terms.AreTerminologyEntriesEqual(own, listed)


def test_segments_with_the_list_that_earlier_files_name_are_read():
    _, node, labels = made(GRIDS["oblique"])
    for number, vertebra in enumerate(("T12", "L1", "L2")):
        segment = node.GetSegmentation().GetSegment(vertebra)
        segment.SetTag("TerminologyEntry", entry(vertebra).replace(TYPE_CONTEXT, FORMER_CONTEXT))
        segment.SetName(f"Segment_{number}")
    assert np.array_equal(labels_of(node, labels.grid).array, labels.array)
