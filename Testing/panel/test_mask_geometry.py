"""The masks' geometry changed in the Segmentations module: a right number, or a sentence, but never a wrong number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from mrml import segment_editor, stroke, transform
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDPanel.session import State
from panel_harness import Panel, slicer


@pytest.fixture
def measured() -> Iterator[Panel]:
    panel = Panel()
    panel.compute(harness.patient(panel.scene))
    yield panel
    panel.close()


def resample(panel: Panel, *, oversampling: float) -> None:
    """What Segmentations > Specify geometry does, with its choice to resample the masks that are there."""
    logic = slicer.vtkSlicerSegmentationGeometryLogic()
    logic.SetInputSegmentationNode(panel.session.segmentation_node)
    logic.SetSourceGeometryNode(panel.session.volume_node)
    logic.SetOversamplingFactor(oversampling)
    assert logic.CalculateOutputGeometry() == ""
    assert logic.SetReferenceImageGeometryInSegmentationNode() and logic.ResampleLabelmapsInSegmentationNode()


@pytest.mark.parametrize("oversampling", [1.5, 2.0])
def test_finer_masks_are_the_same_masks(measured: Panel, oversampling):
    before = measured.session.result
    resample(measured, oversampling=oversampling)
    measured.settle()
    after = measured.session.result
    assert measured.session.state is State.RESULT and after.bmd_mg_cm3 == before.bmd_mg_cm3
    for name in VERTEBRAE:
        assert after.vertebrae[name].mask.volume_mm3 == before.vertebrae[name].mask.volume_mm3
    assert "edited by hand" not in measured.ui.reasonsLabel.text


def test_coarser_masks_are_measured_as_they_are_now_and_named(measured: Panel):
    before = measured.session.result
    resample(measured, oversampling=0.5)
    measured.settle()
    after = measured.session.result
    assert after.bmd_mg_cm3 == pytest.approx(before.bmd_mg_cm3, abs=3.0)
    for name in VERTEBRAE:
        assert f"The mask of {name} was edited by hand" in measured.ui.reasonsLabel.text


def test_strokes_into_finer_masks_count_as_much_as_they_cover(measured: Panel):
    session = measured.session
    resample(measured, oversampling=2.0)
    measured.settle()
    before = session.result.vertebrae["T12"].mask.volume_mm3
    logic = segment_editor(session.segmentation_node, session.volume_node, "T12")
    voxel_mm3 = np.prod(session.volume_node.GetSpacing())
    fine = logic.GetModifierLabelmap()
    assert np.prod(fine.GetSpacing()) == pytest.approx(voxel_mm3 / 8)
    centre = np.array(fine.GetDimensions()) // 2 // 2 * 2  # far from any mask, and on the CT's own lattice
    stroke(logic, np.argwhere(np.ones((8, 8, 8))) + centre, logic.ModificationModeAdd)
    measured.settle()
    assert session.result.vertebrae["T12"].mask.volume_mm3 == pytest.approx(before + 64 * voxel_mm3, rel=1e-6)


def test_masks_under_a_transform_that_shears_them_are_a_sentence(measured: Panel):
    sheared = np.eye(4)
    sheared[0, 1] = 0.3
    measured.session.segmentation_node.SetAndObserveTransformNodeID(transform(measured.scene, sheared).GetID())
    measured.settle()
    assert measured.session.state is State.FAILED and "sheared" in measured.ui.messageLabel.text
    assert not measured.ui.resultFrame.isVisibleTo(measured.root), "an old number would pass as that of these masks"
