"""A radiologist's way on a real chest CT: compute, correct, take it back, save, load, correct again."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from mrml import new_scene, segment_editor, stroke
from OpportunisticBMDLib.core.vertebra import MeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.scene.segmentation import labels_of, segment_of_vertebra
from OpportunisticBMDLib.scene.volumes import node_from_volume
from OpportunisticBMDPanel.following.worker_link import start_worker
from OpportunisticBMDPanel.session import State


def settle(panel: harness.Panel) -> None:
    """Until the child process has answered all that was asked."""

    def is_at_rest() -> bool:
        panel.clock.seconds += 0.05
        return not panel.logic.tick()

    harness.wait(is_at_rest, seconds=300)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_a_chest_ct_to_a_corrected_saved_and_reloaded_result(real_ct, tmp_path):
    ct = read_ct(real_ct("chest-contrast") / "ct.nii.gz").volume
    panel = harness.Panel(worker=start_worker, scene=new_scene())
    try:
        panel.choose(node_from_volume(panel.scene, ct, "CT"))
        panel.ui.computeButton.click()
        settle(panel)
        session = panel.session
        assert session.state is State.RESULT
        first = session.result
        assert all(isinstance(first.vertebrae[name], MeasuredVertebra) for name in VERTEBRAE)

        _erase_upper_half(panel, "L1")
        assert session.state is State.STALE
        settle(panel)
        corrected = session.result
        assert corrected.vertebrae["L1"].mask.volume_mm3 < 0.8 * first.vertebrae["L1"].mask.volume_mm3
        # T12's mask is as it was; only its region leans a little, with the line through the bodies' middles.
        assert corrected.vertebrae["T12"].mask.volume_mm3 == first.vertebrae["T12"].mask.volume_mm3
        assert corrected.vertebrae["T12"].bmd_mg_cm3 == pytest.approx(first.vertebrae["T12"].bmd_mg_cm3, abs=0.5)
        assert "edited_by_hand" in {reason.code for reason in corrected.reasons if reason.vertebra == "L1"}

        path = str(tmp_path / "case.mrb")
        assert panel.scene.WriteToMRB(path)
    finally:
        panel.close()
    again = harness.Panel(worker=start_worker, scene=new_scene())
    try:
        assert again.scene.ReadFromMRB(path)
        again.logic.scene_loaded()
        again.choose(again.scene.GetFirstNodeByName("CT"))
        session = again.session
        assert session.state is State.RESULT
        assert session.result.bmd_mg_cm3 == pytest.approx(corrected.bmd_mg_cm3, abs=0.01)
        harness.paint(session, "L2", voxels=2)
        settle(again)
        edited = {reason.vertebra for reason in session.result.reasons if reason.code == "edited_by_hand"}
        assert edited == {"L1", "L2"}
    finally:
        again.close()


def _erase_upper_half(panel: harness.Panel, vertebra: str) -> None:
    """A stroke of Slicer's own editor."""
    session = panel.session
    node = session.segmentation_node
    labels = labels_of(node, session.run.segmentation.labels.grid).array
    voxels = np.argwhere(labels == LABELS[vertebra])
    editor = segment_editor(node, session.volume_node, segment_of_vertebra(node, vertebra))
    stroke(editor, voxels[voxels[:, 2] > np.median(voxels[:, 2])], editor.ModificationModeRemove)
