"""Virtual patients are named by their ribs, wherever the localizer saw T12 to L2."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.levels import Levels, Variant
from OpportunisticBMDLib.core.reason import ReasonCode
from OpportunisticBMDLib.stages.levels.find import levels_of, named_by_box
from OpportunisticBMDLib.stages.levels.place_box import box_at
from OpportunisticBMDTraining.virtual.parameters import PatientParameters
from true_skeletons import MODEL, box_around, scanned, true_skeleton, vertebra


def found(parameters: PatientParameters, box: str = "L1") -> Levels:
    return levels_of(true_skeleton(parameters), MODEL, box_around(parameters, box))


def shape_called(parameters: PatientParameters, levels: Levels, name: str) -> str:
    """By its shape, the vertebra that got this name."""
    centre = np.array(levels.find(name).centre_ras_mm)
    shapes = [v.name for v in parameters.vertebrae]
    return min(shapes, key=lambda shape: float(np.linalg.norm(vertebra(parameters, shape).centre - centre)))


@pytest.mark.parametrize("box", ["T12", "L1", "L2"])
def test_the_ribs_name_the_vertebrae_whatever_the_localizer_says(box: str) -> None:
    parameters = scanned(3)
    levels = found(parameters, box)
    assert {name: shape_called(parameters, levels, name) for name in ("T12", "L1", "L2")} == {
        name: name for name in ("T12", "L1", "L2")
    }
    assert levels.probability > 0.95
    assert levels.sacrum_in_view
    assert levels.variant is Variant.USUAL


def test_ribs_are_seen_on_both_sides_with_their_length() -> None:
    parameters = scanned(3, rib12=(90.0, 55.0))
    t12, l1 = found(parameters).find("T12"), found(parameters).find("L1")
    assert t12.right.state == t12.left.state == "present"
    assert t12.left.length_mm == pytest.approx(55, abs=10)
    assert len(t12.right.course_ras_mm) > 5
    assert t12.right.course_ras_mm[-1][0] > t12.right.course_ras_mm[0][0]  # to the patient's right
    assert l1.right.state == l1.left.state == "absent"


def test_a_rib_on_one_side_is_enough() -> None:
    parameters = scanned(3, rib12=(0.0, 90.0))
    levels = found(parameters)
    assert shape_called(parameters, levels, "T12") == "T12"
    assert levels.find("T12").right.state == "absent"


def test_stump_ribs_make_the_vertebra_the_first_lumbar_one() -> None:
    parameters = scanned(3, rib12=(24.0, 20.0))
    levels = found(parameters)
    assert shape_called(parameters, levels, "L1") == "T12"
    assert levels.variant is Variant.STUMP_RIBS


def test_thirteen_ribs_leave_four_vertebrae_without() -> None:
    parameters = scanned(3, rib13=(80.0, 80.0))
    levels = found(parameters)
    assert shape_called(parameters, levels, "L1") == "L2"
    assert levels.variant is Variant.THIRTEEN_RIBS


def test_absent_twelfth_ribs_leave_six() -> None:
    parameters = scanned(3, rib12=(0.0, 0.0))
    levels = found(parameters)
    assert shape_called(parameters, levels, "L1") == "T12"
    assert levels.variant is Variant.ELEVEN_RIBS


def test_without_ribs_and_sacrum_in_view_nothing_is_sure() -> None:
    levels = found(scanned(3, above="L1", below="L3", room_mm=10.0), box="L2")
    assert levels.probability < 0.95


def test_a_chest_that_ends_above_l1_is_refused() -> None:
    parameters = scanned(3, above="T7", below="T12", room_mm=14.0)
    with pytest.raises(Refused) as refusal:
        box_at(found(parameters, "T11"), box_around(parameters, "T11"))
    assert refusal.value.code == ReasonCode.BOX_LEAVES_SCAN


def test_the_box_stays_where_it_is_right_and_moves_where_it_is_not() -> None:
    parameters = scanned(3)
    right, low = box_around(parameters, "L1"), box_around(parameters, "L2")
    assert box_at(found(parameters, "L1"), right) is right
    moved = box_at(found(parameters, "L2"), low)
    assert moved.centre_ras[2] == pytest.approx(right.centre_ras[2], abs=6)
    assert np.ptp(moved.ras_mm[2]) == pytest.approx(104, abs=20)


def test_a_box_placed_by_hand_names_the_vertebrae() -> None:
    parameters = scanned(3)
    levels = named_by_box(found(parameters), box_around(parameters, "T12"))
    assert shape_called(parameters, levels, "L1") == "T12"
    assert levels.moved == -1
    assert levels.moved_by(1).moved == 0
