"""What a virtual fracture took is known, and a body that lost much is none to measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.evaluate.truth import Truth
from OpportunisticBMDTraining.virtual.draw_any_spine import fractured as broken
from OpportunisticBMDTraining.virtual.draw_any_spine import with_fracture
from OpportunisticBMDTraining.virtual.parameters import Dent
from OpportunisticBMDTraining.virtual.patient import PatientParameters, VirtualPatient, draw_parameters
from OpportunisticBMDTraining.virtual.true_compression import fractured, true_compression

HEALTHY = 900_000  # the seed of a patient without a fracture


def with_broken(kind: str, loss: float) -> PatientParameters:
    """A patient whose L1 is broken, and no other body."""
    parameters = draw_parameters(3, "one-scanner")
    bones = tuple(broken(v, kind, loss) if v.name == "L1" else v for v in parameters.vertebrae)
    return replace(parameters, vertebrae=bones)


@pytest.mark.parametrize(("kind", "place"), [("wedge", "front"), ("biconcave", "middle"), ("crush", "back")])
@pytest.mark.parametrize(("loss", "grade"), [(0.22, 1), (0.3, 2), (0.5, 3)])
def test_the_grade_of_a_fracture_is_that_of_the_height_it_took(kind, place, loss, grade):
    parameters = with_broken(kind, loss)
    found = true_compression(next(v for v in parameters.vertebrae if v.name == "L1"))
    assert (found.place, found.grade) == (place, grade) and found.loss == pytest.approx(loss)
    assert fractured(parameters) == (frozenset({"L1"}) if grade > 1 else frozenset())


def test_a_hollow_that_was_drawn_shallower_took_less():
    shape = next(v for v in with_broken("biconcave", 0.5).vertebrae if v.name == "L1")
    shallow = replace(shape, dents=(Dent(0.0, 0.0, True, 13.0, 0.25 * shape.height),))
    assert true_compression(shallow).loss == pytest.approx(0.25)


def test_a_body_that_never_broke_has_lost_nothing():
    parameters = draw_parameters(3, "one-scanner")
    assert all(true_compression(v).loss == 0 for v in parameters.vertebrae) and fractured(parameters) == frozenset()


def test_a_fracture_can_be_added_and_bends_what_lies_above():
    parameters = draw_parameters(HEALTHY, "many-scanners")
    before = {v.name: v for v in parameters.vertebrae}
    after = {v.name: v for v in with_fracture(np.random.default_rng(4), parameters.vertebrae, "L1")}
    assert after["L1"].fracture and after["L1"].loss >= 0.2 and not after["L2"].fracture
    assert after["L2"] == before["L2"] and after["T12"].lean <= before["T12"].lean


def test_a_fractured_vertebra_is_not_one_that_should_be_measured():
    blank = Volume(np.zeros((2, 2, 2), np.int16), Grid.axis_aligned((2, 2, 2), (1, 1, 1)))
    how = Acquisition(path="virtual patient 3", format="virtual", kvp=120.0)
    known = dict.fromkeys(VERTEBRAE, 100.0)
    truth = Truth.of_patient(VirtualPatient(blank, blank, blank, known, how, with_broken("wedge", 0.4)))
    assert truth.not_measurable == {"L1"} and "L1" in truth.bmd_mg_cm3
