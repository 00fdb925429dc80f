"""Virtual patients are called by their ribs, and tell which bone lies where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDLib.core.bone import Bone
from OpportunisticBMDLib.core.levels import Variant
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDTraining.virtual.patient import PatientParameters, draw_parameters, place_vertebrae, render
from OpportunisticBMDTraining.virtual.true_levels import measured_levels, variant_of
from OpportunisticBMDTraining.virtual.true_ribs import nearest, rib_class, true_vertebrae
from true_skeletons import scanned

USUAL = {"T12": "T12", "L1": "L1", "L2": "L2"}
HIGHER = {"T11": "T12", "T12": "L1", "L1": "L2"}
LOWER = {"L1": "T12", "L2": "L1", "L3": "L2"}


@pytest.mark.parametrize(
    ("rib12", "rib13", "levels", "variant"),
    [
        ((80.0, 75.0), (0.0, 0.0), USUAL, Variant.USUAL),
        ((80.0, 0.0), (0.0, 0.0), USUAL, Variant.USUAL),
        ((30.0, 25.0), (0.0, 0.0), HIGHER, Variant.STUMP_RIBS),
        ((0.0, 0.0), (0.0, 0.0), HIGHER, Variant.ELEVEN_RIBS),
        ((90.0, 90.0), (70.0, 0.0), LOWER, Variant.THIRTEEN_RIBS),
        ((90.0, 90.0), (30.0, 30.0), USUAL, Variant.STUMP_RIBS),
    ],
)
def test_the_last_rib_of_four_centimetres_decides(
    rib12: tuple[float, float], rib13: tuple[float, float], levels: dict[str, str], variant: Variant
) -> None:
    parameters = draw_parameters(3)
    body = replace(parameters.body, rib12=rib12, rib13=rib13)
    assert measured_levels(body, parameters.vertebrae) == levels
    assert variant_of(body, parameters.vertebrae) is variant


def test_a_sixth_lumbar_vertebra_leaves_six_without_ribs() -> None:
    patients = (draw_parameters(seed, "many-scanners") for seed in range(200))
    six = next(p for p in patients if p.vertebrae[-1].name == "L6" and min(p.body.rib12) > 45 and not max(p.body.rib13))
    assert variant_of(six.body, six.vertebrae) is Variant.ELEVEN_RIBS


def centre_of(parameters: PatientParameters, level: str) -> np.ndarray:
    patient = render(parameters)
    return patient.labels.grid.ras_of(np.argwhere(patient.labels.array == LABELS[level])).mean(axis=0)


def test_masks_lie_on_the_vertebrae_that_are_called_so() -> None:
    spine = {v.shape.name: v.centre for v in place_vertebrae(scanned(3))}
    assert np.linalg.norm(centre_of(scanned(3), "L1") - spine["L1"]) < 4
    assert np.linalg.norm(centre_of(scanned(3, rib12=(20.0, 20.0)), "L1") - spine["T12"]) < 4
    assert np.linalg.norm(centre_of(scanned(3, rib13=(80.0, 80.0)), "L1") - spine["L2"]) < 4


def test_bones_are_told_where_they_were_painted() -> None:
    parameters = scanned(3)
    patient = render(parameters)
    bones, grid = patient.bones, patient.bones.grid
    assert {bone for bone in Bone if (bones.array == bone).any()} == set(Bone)
    for vertebra in place_vertebrae(parameters):
        index = np.round(grid.index_of(vertebra.centre)).astype(int)
        if grid.bounds_ras[2, 0] < vertebra.centre[2] < grid.bounds_ras[2, 1]:
            assert bones.array[tuple(index)] == Bone.BODY
    bodies = patient.labels.array > 0
    assert (bones.array[bodies] == Bone.BODY).all()


def test_ribs_are_known_by_the_place_of_their_vertebra() -> None:
    parameters = scanned(3, rib12=(90.0, 30.0))
    vertebrae = true_vertebrae(parameters)
    t12 = nearest(vertebrae, vertebrae[7].centre_ras + 3.0)
    assert t12.name == "T12"
    assert [rib_class(length) for length in t12.ribs_mm] == [2, 1]
    assert nearest(vertebrae, np.array([100.0, 0, 0])) is None
