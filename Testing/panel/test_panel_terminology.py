"""Slicer offers the vertebrae among its terms as soon as there is a panel."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

from OpportunisticBMDLib.dicom.terminology import TYPE_CONTEXT
from panel_harness import Panel, slicer


def test_the_vertebrae_are_among_slicers_terms_once_there_is_a_panel(monkeypatch):
    logic = slicer.vtkSlicerTerminologiesModuleLogic()
    monkeypatch.setattr(slicer.modules, "terminologies", SimpleNamespace(logic=lambda: logic))
    assert not logic.IsTerminologyContextLoaded(TYPE_CONTEXT)
    for _ in range(2):  # again, as after a reload
        Panel().close()
        assert logic.IsTerminologyContextLoaded(TYPE_CONTEXT)
        assert logic.GetNumberOfTypesInTerminologyCategory(TYPE_CONTEXT, _category(logic)) == 7


def _category(logic):
    category = slicer.vtkSlicerTerminologyCategory()
    assert logic.GetNthCategoryInTerminology(TYPE_CONTEXT, 0, category)
    return category
