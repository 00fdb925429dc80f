"""Faults are what their words say, the same each time, and leave all else of a scan as it was."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.reason import ReasonCode
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.virtual.clean import blemish, clean_patients
from OpportunisticBMDTraining.virtual.faults import FAULTS, Fault
from OpportunisticBMDTraining.virtual.parameters import Implant, PatientParameters
from OpportunisticBMDTraining.virtual.patient import draw_parameters
from OpportunisticBMDTraining.virtual.spine import place_vertebrae

BLEMISHES = {
    "scan ends within a body": "cut off",
    "slices of 7 to 12 mm": "thick slices",
    "sharp kernel, unnamed": "sharp kernel",
    "cement": "implant",
    "screws": "implant",
    "screws in the neighbours": "implant",
    "fracture of grade 2 or 3": "fracture",
    "scoliosis": "scoliosis",
    "thirteen pairs of ribs": "unusual levels",
    "scan of T12 to L2 alone": "cut off",
    "contrast, stated": "contrast agent",
    "contrast, unstated": "contrast agent",
    "contrast, denied by the header": "contrast agent",
}
SEEDS = range(8)
PHANTOM = "a phantom, no patient"


@pytest.fixture(scope="module")
def patient() -> PatientParameters:
    return next(clean_patients("one-scanner", 7))


@pytest.fixture(scope="module")
def ct() -> CT:
    array = np.random.default_rng(1).normal(50, 20, (20, 24, 30)).astype(np.int16)
    acquisition = Acquisition("CT", "virtual", kvp=120.0, kernel="B30f", contrast_agent="", slice_thickness_mm=2.0)
    return CT(Volume(array, Grid.axis_aligned((20, 24, 30), (1.0, 1.5, 2.0))), acquisition)


@pytest.fixture(scope="module")
def masks() -> Segmentation:
    """Three blocks of 24 x 20 x 20 mm, T12 uppermost."""
    labels = np.zeros((60, 70, 60), np.uint8)
    for number, k in enumerate((42, 25, 8), start=1):
        labels[18:42, 40:60, k : k + 10] = number
    return Segmentation(Volume(labels, Grid.axis_aligned(labels.shape, (1.0, 1.0, 2.0))), {"L1": 0.9})


def changed(fault: Fault, seed: int, **things: object) -> list[tuple[object, str]]:
    """What a fault makes of those things that it changes, with its words."""
    rng = np.random.default_rng(seed)
    return [getattr(fault, name)(rng, thing) for name, thing in things.items() if getattr(fault, name)]


def test_every_fault_names_reasons_that_exist() -> None:
    known = {code.value for code in ReasonCode}
    assert {fault.name: set(fault.told_by) - known for fault in FAULTS.values() if set(fault.told_by) - known} == {}


def test_a_fault_changes_something_and_not_the_masks_of_another_scan() -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        Fault("none", "metal")
    with pytest.raises(ValueError, match="masks of another scan"):
        Fault("both", "metal", header=lambda rng, header: (header, ""), masks=lambda rng, masks: (masks, ""))


@pytest.mark.parametrize("cohort", ["one-scanner", "many-scanners"])
def test_clean_patients_have_nothing_to_speak_of(cohort: str) -> None:
    for parameters in islice(clean_patients(cohort, 100), 3):
        assert not blemish(parameters) and not parameters.contrast and not parameters.implants
        again = draw_parameters(parameters.seed, cohort)
        assert (again.vertebrae, again.scan) == (parameters.vertebrae, parameters.scan)


def test_a_patient_with_a_hip_or_a_short_rib_is_not_clean(patient: PatientParameters) -> None:
    assert blemish(replace(patient, implants=(Implant("hip"),))) == "implant"
    assert blemish(replace(patient, body=replace(patient.body, rib12=(45.0, 80.0)))) == "short ribs"


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.patient])
def test_a_fault_of_the_patient_is_drawn_from_its_seed(patient: PatientParameters, name: str) -> None:
    patient = replace(patient, scan=replace(patient.scan, kvp=100.0))
    drawn = [changed(FAULTS[name], seed, patient=patient)[0] for seed in SEEDS]
    assert drawn == [changed(FAULTS[name], seed, patient=patient)[0] for seed in SEEDS]
    for parameters, words in drawn:
        assert parameters != patient and words
        assert (parameters.seed, parameters.marrow_fat) == (patient.seed, patient.marrow_fat)
        if name in BLEMISHES:
            assert blemish(parameters) == BLEMISHES[name]
    follows = name.startswith(("contrast", "blend"))  # from the patient, or from the scan that a blend imitates
    assert len({words for _, words in drawn}) > 1 or follows


def test_a_field_cuts_the_bodies_at_its_rim(patient: PatientParameters) -> None:
    x, y = next(v.centre for v in place_vertebrae(patient) if v.shape.name == "L1")[:2]
    for seed in SEEDS:
        [(parameters, _)] = changed(FAULTS["narrow field cuts the bodies"], seed, patient=patient)
        scan = parameters.scan
        to_rim = scan.field_of_view / 2 - abs(x - scan.centre[0])
        assert -8 <= to_rim <= 16
        [(parameters, _)] = changed(FAULTS["spine near the field's rim"], seed, patient=patient)
        scan = parameters.scan
        assert 20 < scan.field_of_view / 2 - np.hypot(x - scan.centre[0], y - scan.centre[1]) < 40


def test_an_agent_comes_to_blood_and_marrow_and_not_into_every_header(patient: PatientParameters) -> None:
    [(parameters, words)] = changed(FAULTS["contrast, unstated"], 0, patient=patient)
    assert parameters.body.aorta_hu > patient.body.aorta_hu + 20 and parameters.marrow_contrast_hu > 0
    assert parameters.agent.header == "silent" and words.endswith("the header is silent")
    assert parameters.body.liver_hu > patient.body.liver_hu


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.header])
def test_a_fault_of_the_header_changes_that_alone(ct: CT, name: str) -> None:
    for seed in SEEDS:
        [(header, words)] = changed(FAULTS[name], seed, header=ct.acquisition)
        assert header != ct.acquisition and words
        assert header.path == ct.acquisition.path


def test_a_stated_voltage_is_never_the_true_one(ct: CT) -> None:
    stated = [changed(FAULTS["tube voltage wrongly stated"], s, header=ct.acquisition)[0][0].kvp for s in range(30)]
    assert set(stated) == {80.0, 100.0, 140.0}


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.scan and name != PHANTOM])
def test_a_fault_of_the_voxels_leaves_the_scan_that_it_came_from(ct: CT, name: str) -> None:
    before = ct.volume.array.copy()
    for seed in SEEDS[:3]:
        [(other, words)] = changed(FAULTS[name], seed, scan=ct)
        assert words and other.volume.array.dtype == np.int16
        is_same = other.volume.array.shape == before.shape and (other.volume.array == before).all()
        assert not is_same or not other.volume.grid.is_close(ct.volume.grid)
    assert (ct.volume.array == before).all()


@pytest.mark.slow
def test_a_phantom_comes_with_the_header_of_a_patient(ct: CT) -> None:
    [(other, _)] = changed(FAULTS[PHANTOM], 0, scan=ct)
    assert other.volume.array.shape != ct.volume.array.shape
    assert replace(other.acquisition, kvp=ct.acquisition.kvp) == ct.acquisition


def test_hu_are_scaled_about_water_and_shifted_as_the_words_say(ct: CT) -> None:
    hu = ct.volume.array.astype(float)
    [(other, words)] = changed(FAULTS["HU shifted by 25 to 120"], 3, scan=ct)
    assert (other.volume.array - hu).mean() == pytest.approx(float(words.split()[-1]), abs=0.6)
    [(other, words)] = changed(FAULTS["HU scaled by 12 to 30 %"], 3, scan=ct)
    assert np.polyfit(hu.ravel(), other.volume.array.ravel(), 1) == pytest.approx([float(words[-4:]), 0], abs=0.2)


def test_a_wrong_grid_keeps_its_middle(ct: CT) -> None:
    for name in ("orientation wrong", "all distances wrong", "distance of slices wrong"):
        [(other, _)] = changed(FAULTS[name], 2, scan=ct)
        middle = other.volume.grid.bounds_ras.mean(axis=1)
        assert middle == pytest.approx(ct.volume.grid.bounds_ras.mean(axis=1), abs=1e-6)


def test_a_tilted_gantry_sees_planes_aslant() -> None:
    """What lies in a plane that rises to the front by the gantry's angle comes into one slice."""
    grid = Grid.axis_aligned((4, 61, 80), (1.0, 1.0, 1.0))
    up = np.broadcast_to(np.arange(80) * 10, grid.size).astype(np.int16)
    header = Acquisition("CT", "virtual")
    [(tilted, words)] = changed(FAULTS["gantry tilt, unstated"], 5, scan=CT(Volume(up, grid), header))
    angle = float(words.split()[3])
    middle = tilted.volume.array[1, :, 40]
    assert np.polyfit(np.arange(61), middle / 10, 1)[0] == pytest.approx(np.tan(np.deg2rad(angle)), abs=0.02)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.masks])
def test_a_fault_of_the_masks_makes_others(masks: Segmentation, name: str) -> None:
    before = masks.labels.array.copy()
    for seed in SEEDS:
        [(other, words)] = changed(FAULTS[name], seed, masks=masks)
        assert words and (other.labels.array != before).any()
        assert other.labels.array.dtype == np.uint8 and other.labels.array.max() <= max(LABELS.values())
    assert (masks.labels.array == before).all()


def test_masks_are_moved_erased_and_grown_as_the_words_say(masks: Segmentation) -> None:
    size = np.bincount(masks.labels.array.ravel())[1:]
    for seed in SEEDS:
        [(part, words)] = changed(FAULTS["most of a mask is missing"], seed, masks=masks)
        left = np.bincount(part.labels.array.ravel(), minlength=4)[1:] / size
        erased = [name in words for name in LABELS]
        assert ((left[erased] >= 0.1) & (left[erased] <= 0.4)).all() and sum(erased) in (1, 2)
        assert (left[~np.array(erased)] == 1).all()
        [(grown, _)] = changed(FAULTS["masks with their cortex"], seed, masks=masks)
        more = np.bincount(grown.labels.array.ravel())[1:] / size
        assert more.max() > 1.3 and more.min() >= 1
    [(moved, _)] = changed(FAULTS["names moved by one"], 0, masks=masks)
    assert set(np.unique(moved.labels.array)) in ({0, 1, 2}, {0, 2, 3})


def test_a_box_is_moved_along_the_body() -> None:
    box = Box(np.array([[-20.0, 20], [-20, 20], [-50, 50]]), 0.9)
    [(other, words)] = changed(FAULTS["box elsewhere"], 0, box=box)
    assert (other.ras_mm[:2] == box.ras_mm[:2]).all()
    assert other.ras_mm[2] - box.ras_mm[2] == pytest.approx(float(words.split()[-2]), abs=0.6)
