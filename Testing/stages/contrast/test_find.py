"""Contrast is seen by the organs beside the spine, whatever the header says and however the grid lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from OpportunisticBMDLib.core.contrast import Contrast, Phase
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.stages.contrast import find, seen_contrast
from stages.contrast.painted import BODIES, PHASES, painted

ALL = pytest.mark.parametrize("phase", PHASES)


def seen(phase: str, **changes) -> Contrast:
    return seen_contrast(painted(PHASES[phase], **changes), BODIES)


def test_blood_that_tells_nothing_for_sure_says_nothing_where_the_header_is_silent(monkeypatch):
    """66 HU may be an agent that is nearly gone, or thick blood."""
    monkeypatch.setattr(find, "organs_hu", lambda ct, bodies: {"aorta": 66.0})
    found = seen("none")
    assert found.probability < find.LEAST_SURE and (found.phase, found.believed) == (None, "neither")


@ALL
def test_each_phase_is_seen(phase):
    found = seen(phase)
    assert (found.seen, found.phase, found.believed) == (Phase(phase), Phase(phase), "pixels")
    assert found.probability > 0.8
    aorta, _, lower, *_ = PHASES[phase]
    assert found.organs_hu["aorta"] == pytest.approx(aorta, rel=0.05, abs=3)
    assert found.organs_hu["vena cava"] == pytest.approx(lower, abs=10)


@pytest.mark.parametrize("phase", ["arterial", "portal venous", "late"])
def test_cortex_and_medulla_are_told_apart(phase):
    *_, cortex, medulla = PHASES[phase]
    organs = seen(phase).organs_hu
    assert organs["renal cortex"] == pytest.approx(cortex, abs=15)
    assert organs["renal medulla"] == pytest.approx(medulla, abs=35)


@ALL
@pytest.mark.parametrize(
    "changes",
    [
        {"side": -1},  # right and left exchanged
        {"kidneys": ()},
        {"kidneys": (1,)},
        {"noise": 22.0},
        {"aorta_mm": 21.0},  # an aneurysm
        {"wall": 400.0},  # chalk all around, or a stent, in voxels of 3 mm
    ],
    ids=str,
)
def test_what_differs_between_patients_does_not_matter(phase, changes):
    assert seen(phase, **changes).seen is Phase(phase)


@ALL
@pytest.mark.parametrize("flips", [(0, 1), (1, 2)], ids=["half turn", "upside down"])
def test_the_order_of_the_voxels_does_not_matter(phase, flips):
    ct = painted(PHASES[phase])
    array, affine = np.flip(ct.volume.array, flips), ct.volume.grid.affine.copy()
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
    turned = Volume(array.transpose(2, 0, 1), Grid(np.array(array.shape)[[2, 0, 1]], affine[:, [2, 0, 1, 3]]))
    assert seen_contrast(CT(turned, ct.acquisition), BODIES).seen is Phase(phase)


@ALL
def test_an_oblique_grid_does_not_matter(phase):
    ct = painted(PHASES[phase])
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.35), -np.sin(0.35)], [np.sin(0.35), np.cos(0.35)]]
    oblique = ct.volume.resampled(Grid((84, 60, 60), turn @ Grid.axis_aligned((84, 60, 60), [3.0] * 3).affine))
    assert seen_contrast(CT(oblique, ct.acquisition), BODIES).seen is Phase(phase)


@pytest.mark.parametrize("phase", ["none", "arterial", "portal venous"])
def test_a_chest_that_ends_below_t12_is_enough(phase):
    found = seen_contrast(painted(PHASES[phase], top=130.0, bottom=14.0), {"T12": BODIES["T12"]})
    assert found.seen is Phase(phase) and "vena cava" not in found.organs_hu


@ALL
def test_thick_slices_are_enough(phase):
    ct = painted(PHASES[phase])
    thick = ct.volume.resampled(ct.volume.grid.covering((3.0, 3.0, 8.0)))
    assert seen_contrast(CT(thick, ct.acquisition), BODIES).seen is Phase(phase)


@pytest.mark.parametrize(("agent", "stated"), [("iodine", True), ("", False), (None, None)])
def test_the_pixels_are_believed_whatever_the_header_says(agent, stated):
    for phase in ("none", "portal venous"):
        found = seen(phase, agent=agent)
        assert (found.phase, found.believed, found.stated) == (Phase(phase), "pixels", stated)


@pytest.mark.parametrize(
    ("agent", "phase", "believed"), [("iodine", None, "header"), ("", Phase.NONE, "header"), (None, None, "neither")]
)
def test_without_vessels_the_header_counts(agent, phase, believed):
    ct = painted(PHASES["portal venous"], agent=agent)
    lung = CT(replace(ct.volume, array=np.full_like(ct.volume.array, -850.0)), ct.acquisition)
    for bodies in (BODIES, {}):
        found = seen_contrast(lung, bodies)
        assert (found.phase, found.believed, found.seen) == (phase, believed, None)


@pytest.mark.parametrize("kvp", [80.0, 140.0])
def test_the_voltage_counts(kvp):
    """At 80 kVp blood that holds little is as bright as blood that holds much at 140 kVp."""
    factor = {80.0: 1.6, 140.0: 0.86}[kvp]
    hu = tuple(42 + factor * (value - 42) for value in PHASES["portal venous"])
    assert seen_contrast(painted(hu, kvp=kvp), BODIES).seen is Phase.PORTAL_VENOUS
