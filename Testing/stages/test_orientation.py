"""A patient who lies in the file as stated is not doubted; head and foot, or front and back exchanged are named."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Pipeline
from OpportunisticBMDLib.stages.orientation import Witnesses, check_orientation, heard, orientation_doubts

EXCHANGED = {
    "head and foot": ((2,), ["lungs lie below", "ribs rise", "upside down"]),
    "front and back": ((1,), ["spine lies in front", "ribs rise", "back to front"]),
    "both": ((1, 2), ["lungs lie below", "spine lies in front", "upside down and back to front"]),
    "right and left, front and back": ((0, 1), ["spine lies in front", "back to front"]),
}


@pytest.fixture(scope="module")
def patient():
    """Shown from the chest to the pelvis."""
    module = pytest.importorskip(
        "OpportunisticBMDTraining.virtual.patient", reason="virtual patients need the training extra"
    )
    return module.virtual_patient(7700006)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load()


def turned(volume: Volume, axes: tuple[int, ...]) -> Volume:
    """The voxels turned, the axes still stated as before."""
    return Volume(np.flip(volume.array, axes), volume.grid)


def stored_otherwise(volume: Volume, axes: tuple[int, ...], order: tuple[int, int, int] = (0, 1, 2)) -> Volume:
    """Voxels and stated axes turned alike: the patient stays where he lies."""
    affine = volume.grid.affine.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (volume.grid.size[axis] - 1)
        affine[:3, axis] *= -1
    affine[:3, :3] = affine[:3, order]
    array = np.flip(volume.array, axes).transpose(order)
    return Volume(array, Grid(array.shape, affine))


def middle_of(volume: Volume, width_mm: float) -> Volume:
    """A narrow field of view around the spine."""
    half = (width_mm / 2 / volume.grid.spacing[:2]).astype(int)
    centre = np.array(volume.grid.size[:2]) // 2 - (0, int(40 / volume.grid.spacing[1]))
    i, j = (slice(max(0, c - h), c + h) for c, h in zip(centre, half))
    return volume.part((i, j, slice(0, volume.grid.size[2])))


def test_all_witnesses_speak_for_a_patient_who_lies_as_stated(patient):
    witnesses = heard(patient.ct)

    assert min(witnesses.lungs, witnesses.spine, witnesses.ribs) > 0.3
    assert orientation_doubts(patient.ct, patient.labels) == []


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
def test_how_the_voxels_are_stored_does_not_matter(patient, axes):
    """A left-handed file, and a prone patient, or one with the feet first, whom the file describes rightly."""
    check_orientation(stored_otherwise(patient.ct, axes))
    check_orientation(stored_otherwise(patient.ct, axes, order=(2, 0, 1)))


@pytest.mark.parametrize("exchanged", EXCHANGED)
def test_wrong_axes_are_refused_and_named(patient, exchanged):
    axes, words = EXCHANGED[exchanged]

    with pytest.raises(Refused) as refusal:
        check_orientation(turned(patient.ct, axes))

    assert refusal.value.code == "orientation_contradicted"
    message = refusal.value.message.lower()
    assert [word for word in words if word not in message] == []


def test_left_and_right_exchanged_change_no_level_and_are_not_told(patient):
    assert heard(turned(patient.ct, (0,))).severity is None


def test_where_no_lung_is_seen_the_spine_alone_gives_a_warning(patient):
    low = patient.ct.part((*(slice(0, n) for n in patient.ct.grid.size[:2]), slice(0, patient.ct.grid.size[2] // 3)))
    nothing = Volume(np.zeros(low.grid.size, np.uint8), low.grid)

    assert orientation_doubts(low, nothing) == []
    assert [r.severity for r in orientation_doubts(turned(low, (1,)), nothing)] == ["warning"]


@pytest.mark.parametrize("axes", [(), (1,), (2,), (1, 2)])
def test_a_narrow_field_of_view_tells_nothing(patient, axes):
    assert heard(turned(middle_of(patient.ct, 160), axes)) == Witnesses()


@pytest.mark.parametrize("size", [(80, 80, 40), (1, 1, 1), (80, 80, 2), (512, 8, 8)])
@pytest.mark.parametrize("hu", [-1024, -700, 40, 1500])
def test_what_is_no_patient_tells_nothing_firm(size, hu):
    alike = Volume(np.full(size, hu, np.int16), Grid.axis_aligned(size, (4, 4, 4)))
    noisy = Volume(np.random.default_rng(1).normal(hu, 300, size).astype(np.float32), alike.grid)

    assert heard(alike).severity is None
    assert heard(noisy).severity is None


@pytest.mark.parametrize(
    "witnesses, severity",
    [
        (Witnesses(0.8, 2.0, 0.8), None),
        (Witnesses(), None),
        (Witnesses(-0.8, 2.0, -0.8), "refusal"),
        (Witnesses(0.8, -2.0, -0.8), "refusal"),
        (Witnesses(-0.8, -2.0, 0.8), "refusal"),
        (Witnesses(0.8, -2.0, 0.8), None),  # bowel full of contrast in front
        (Witnesses(-0.8, 2.0, 0.8), None),  # a chest alone, to the shoulders
        (Witnesses(spine=-2.0), "warning"),
        (Witnesses(-0.4, 0.1, 0.8), None),  # the same of a body with contrast in front
        (Witnesses(-0.1, 0.4, -0.1), None),
    ],
)
def test_one_witness_does_not_refuse(witnesses, severity):
    assert witnesses.severity == severity


def test_arches_in_front_of_given_masks_are_refused_in_a_narrow_field_of_view(patient):
    ct, labels = middle_of(patient.ct, 160), middle_of(patient.labels, 160)

    assert orientation_doubts(ct, labels) == []
    (reason,) = orientation_doubts(turned(ct, (1,)), turned(labels, (1,)))
    assert (reason.code, reason.severity) == ("orientation_contradicted", "refusal")
    assert "arches lie in front" in reason.message


def test_the_chain_gives_no_number_of_a_patient_upside_down(patient, pipeline):
    result = pipeline.run(CT(turned(patient.ct, (2,)), patient.acquisition)).result

    assert (result.status, result.bmd_mg_cm3) == ("refused", None)
    assert [reason.code for reason in result.reasons] == ["orientation_contradicted"]


@pytest.mark.slow
def test_masks_given_for_a_patient_upside_down_give_no_number(patient, pipeline):
    upside_down, masks = turned(patient.ct, (2,)), Segmentation(turned(patient.labels, (2,)), {})

    result = pipeline.measure(CT(upside_down, patient.acquisition), masks).result

    assert (result.status, result.bmd_mg_cm3) == ("refused", None)
    assert "orientation_contradicted" in [reason.code for reason in result.reasons]
