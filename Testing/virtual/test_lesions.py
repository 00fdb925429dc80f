"""What a lesion does to the CT of a virtual patient: it changes what is read, and not what is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDTraining.virtual.lesions import DRAW, KINDS, SCREWS, with_lesion
from OpportunisticBMDTraining.virtual.parameters import Lesion, PatientParameters
from OpportunisticBMDTraining.virtual.patient import VirtualPatient, draw_parameters, render


@cache
def patient_with(*lesions: Lesion) -> VirtualPatient:
    """A narrow scan of T12 to L2."""
    parameters = draw_parameters(3, "one-scanner")
    scan = replace(parameters.scan, top=55.0, bottom=-55.0, field_of_view=120.0, centre=(0.0, -5.0), circle=False)
    return render(replace(parameters, scan=scan, lesions=lesions))


# What is changed most, HU, in the vertebra or, of the last, below it.
WHAT: dict[str, Callable[[np.ndarray], bool]] = {
    "bone island": lambda change: change.max() > 400,
    "sclerosis": lambda change: change.max() > 250,
    "lysis": lambda change: change.min() < -40 and change.max() < 40,
    "haemangioma": lambda change: change.max() > 40 and change.min() < -40,
    "gas cleft": lambda change: change.min() < -400,
    "vacuum disc": lambda change: np.abs(change).max() < 40,
}


@pytest.mark.parametrize("kind", DRAW)
def test_a_lesion_changes_its_own_vertebra_alone_and_no_truth(kind):
    healthy = patient_with()
    lesion = replace(with_lesion(healthy.parameters, kind, "L1").lesions[0], strength=1.0)
    if kind not in ("sclerosis", "vacuum disc"):
        lesion = replace(lesion, x=0.0, y=0.0, z=0.0, radius=6.0)
    sick = patient_with(lesion)
    change = sick.ct.array.astype(int) - healthy.ct.array
    labels = healthy.labels.array
    assert sick.bmd_mg_cm3 == healthy.bmd_mg_cm3 and np.array_equal(labels, sick.labels.array)
    assert WHAT[kind](change[labels == LABELS["L1"]])
    assert not change[labels == LABELS["T12"]].any()
    assert change.any()


def test_gas_in_a_disc_lies_below_its_vertebra():
    healthy = patient_with()
    sick = patient_with(*with_lesion(healthy.parameters, "vacuum disc", "L1").lesions)
    change = sick.ct.array.astype(int) - healthy.ct.array
    lowest, deepest = np.unravel_index(change.argmin(), change.shape), change.min()
    up = healthy.ct.grid.ras_of(np.array(lowest))[2]
    of_l1, of_l2 = (
        healthy.labels.grid.ras_of(np.argwhere(healthy.labels.array == LABELS[name]).mean(axis=0))[2]
        for name in ("L1", "L2")
    )
    assert deepest < -300 and of_l2 < up < of_l1


def test_screws_hold_both_neighbours():
    parameters = with_lesion(draw_parameters(3, "one-scanner"), SCREWS, "L1")
    assert parameters.implants[-1].levels == ("T12", "L2") and parameters.lesions == ()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_lesion_and_another_another(kind):
    def planted(seed: int) -> PatientParameters:
        return with_lesion(draw_parameters(3, "many-scanners"), kind, "L2", seed)

    assert planted(1) == planted(1)
    assert kind == SCREWS or planted(1) != planted(2)


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a bruise"):
        with_lesion(draw_parameters(3), "a bruise", "L1")
