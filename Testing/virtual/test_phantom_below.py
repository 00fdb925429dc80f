"""A phantom under a virtual patient: what is painted is what its rods hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("OpportunisticBMDTraining.virtual.phantom_below", reason="needs the training extra")

from OpportunisticBMDLib.calibration import MINERAL
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDTraining.virtual import phantom_below as below
from OpportunisticBMDTraining.virtual.canvas import Canvas
from OpportunisticBMDTraining.virtual.patient import draw_parameters
from OpportunisticBMDTraining.virtual.spine import place_vertebrae
from OpportunisticBMDTraining.virtual.trunk import Trunk

SEED = 7


def painted(name: str) -> tuple[Canvas, Trunk]:
    """Air with nothing but what lies under the back; 80 kVp, at which minerals show most."""
    drawn = draw_parameters(SEED, "many-scanners")
    parameters = replace(drawn, below=name, scan=replace(drawn.scan, kvp=80.0))
    trunk = Trunk.of(parameters, place_vertebrae(parameters))
    right, front = np.arange(-120, 120, 1.0), np.arange(trunk.back() - 50, trunk.back() + 10, 1.0)
    canvas = Canvas.blank(right, front, np.arange(-5, 5, 2.5), -1000.0)
    below.paint_phantom_below(canvas, parameters, trunk)
    return canvas, trunk


def hu_at(canvas: Canvas, right: float, front: float) -> float:
    return float(canvas.hu[np.abs(canvas.x - right).argmin(), np.abs(canvas.y - front).argmin(), 1])


def test_rods_show_their_densities_in_water():
    canvas, trunk = painted("bdc-6")
    middle = trunk.back() - below.PAD_MM - below.HEIGHT_MM / 2
    for n, insert in enumerate(PHANTOMS["bdc-6"].inserts):
        shown = hu_at(canvas, (n - 2) * below.SPACING_MM, middle)
        assert shown == pytest.approx(MINERAL[80][0] * insert.density_mg_cm3, abs=1.0)
    assert hu_at(canvas, below.SPACING_MM / 2, middle) == pytest.approx(0.0, abs=1.0)


def test_it_lies_under_the_back_and_the_table_under_it():
    canvas, trunk = painted("b-mas")
    assert hu_at(canvas, 0.0, trunk.back() + 3) == -1000 == hu_at(canvas, 0.0, trunk.back() - below.HEIGHT_MM - 5)
    parameters = draw_parameters(SEED, "many-scanners")
    assert below.height_below(parameters) == 0.0
    assert below.height_below(replace(parameters, below="b-mas")) >= below.HEIGHT_MM


def test_the_field_of_view_holds_it():
    for seed in range(20):
        parameters = below.on_phantom(draw_parameters(seed, "many-scanners"), "mindways")
        scan, trunk = parameters.scan, Trunk.of(parameters, place_vertebrae(parameters))
        corner = np.array([2 * below.SPACING_MM + below.RADIUS_MM, trunk.back() - below.PAD_MM - below.HEIGHT_MM])
        assert np.hypot(*(corner * [np.sign(-scan.centre[0]) or 1, 1] - scan.centre)) < scan.field_of_view / 2
        assert scan.pixel * 512 >= scan.field_of_view - 1e-6


def test_without_a_name_nothing_is_painted():
    canvas, _ = painted("")
    assert (canvas.hu == -1000).all()
