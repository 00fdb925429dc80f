"""What the DenseNet is fitted on: examples whose crop, reading and truth belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("lightning", reason="fitting needs the training extra")
pytest.importorskip("monai", reason="fitting needs the training extra")

import torch

from annotated_cases import BMD, annotated_case
from OpportunisticBMDLib.calibration import line_for
from OpportunisticBMDLib.cases.reference import reference_of
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.fit.samples.examples import (
    SIZE,
    ExampleMaker,
    ReadingSample,
    load_readings,
)
from OpportunisticBMDTraining.fit.samples.other_scan import OtherScan
from OpportunisticBMDTraining.fit.samples.readings import prepare_virtual_readings
from OpportunisticBMDTraining.fit.tasks import bmd
from OpportunisticBMDTraining.virtual.patient import draw_parameters, virtual_patient
from vertebra_examples import example, sample


class TrueMasks:
    """In place of AnatomyNet: the masks as they were annotated."""

    def __init__(self, labels: Volume) -> None:
        self._labels = labels

    def __call__(self, ct: Volume, box: Box) -> Segmentation:
        return Segmentation(self._labels.resampled_labels(ct.grid), {})


@pytest.fixture(scope="module")
def read() -> ReadingSample:
    """An annotated case as it is and as two other scans."""
    case = annotated_case()
    maker = ExampleMaker(TrueMasks(case.labels))
    return maker.sample("case-1", "patient-1", case.ct, case.labels, BMD, line_for(120), scans=2)


def test_a_case_is_shown_as_it_is_and_as_other_scans(read):
    assert (read.name, read.patient, read.own) == ("case-1", "patient-1", 3)
    assert [one.vertebra for one in read.examples[:3]] == ["T12", "L1", "L2"] and len(read.examples) > 3
    for one in read.examples[:3]:
        assert one.truth == BMD[one.vertebra] and one.reading == pytest.approx(one.truth, abs=2.5)
        assert one.crop.shape == SIZE and one.share[16, 16, 16] == pytest.approx(1, abs=0.01)
        assert one.crop[14:18, 14:18, 15:17].mean() == pytest.approx(one.truth, abs=8)
        assert one.gain == pytest.approx(1, abs=0.01)


def test_the_same_case_is_shown_in_the_same_way_again(read):
    case = annotated_case()
    again = ExampleMaker(TrueMasks(case.labels)).sample(
        "case-1", "patient-1", case.ct, case.labels, BMD, line_for(120), scans=2
    )
    assert [one.reading for one in again.examples] == [one.reading for one in read.examples]


def test_a_vertebra_without_a_truth_is_not_shown():
    case = annotated_case()
    known = {"L1": 105.0, "T12": None}
    found = ExampleMaker(TrueMasks(case.labels)).sample("c", "c", case.ct, case.labels, known, line_for(120), scans=0)
    assert [one.vertebra for one in found.examples] == ["L1"]


def test_a_sample_comes_back_from_its_file_which_holds_no_pickle(read, tmp_path):
    read.save(tmp_path / "case-1.npz")
    with np.load(tmp_path / "case-1.npz", allow_pickle=False) as stored:
        assert not any(stored[name].dtype.hasobject for name in stored.files)
    (back,) = load_readings(tmp_path)
    assert (back.name, back.patient, back.own) == (read.name, read.patient, read.own)
    for one, other in zip(back.examples, read.examples, strict=True):
        assert one.vertebra == other.vertebra
        assert (one.reading, one.gain, one.truth) == pytest.approx((other.reading, other.gain, other.truth))
        np.testing.assert_allclose(one.crop, other.crop, rtol=1e-3, atol=0.5)
        np.testing.assert_allclose(one.share, other.share, atol=0.01)
    assert load_readings(tmp_path, {"case-1"}) == []


def test_the_reference_of_a_real_ct_is_what_its_middle_reads():
    case = annotated_case()
    assert reference_of(case.ct, case.labels, 120.0) == pytest.approx(BMD, abs=2.5)


@pytest.mark.parametrize("change", [40.0, -25.0])
def test_mineral_that_is_added_moves_truth_and_reading_and_nothing_that_the_network_sees_of_the_body(change):
    one = example(off=3.0)
    more = bmd.with_mineral(one, change)
    assert (more.truth - one.truth, more.reading - one.reading) == (change, change)
    card, inside = bmd.DESIGN.card(), one.share > 0
    np.testing.assert_allclose(bmd.beside_reading(more, card)[inside], bmd.beside_reading(one, card)[inside], atol=1e-5)
    slow = bmd.with_mineral(replace(one, gain=1.03), change)
    assert slow.reading - one.reading == pytest.approx(1.03 * change)


def test_the_network_does_not_see_what_lies_beside_the_body():
    image = bmd.beside_reading(example(), bmd.DESIGN.card())
    assert image[16, 16, 16] != 0 and not image[:, :4].any() and not image[:3].any() and not image[:, :, :3].any()


def test_target_is_a_normal_distribution_over_the_bins_and_ends_with_them():
    corrections = torch.tensor([-12.0, 1.3, 60.0])
    target = bmd.target_of(corrections)
    assert target.shape == (3, len(bmd.CORRECTIONS))
    np.testing.assert_allclose(target.sum(dim=1), 1, atol=1e-5)
    mean = target.numpy() @ bmd.CORRECTIONS
    np.testing.assert_allclose(mean[:2], corrections[:2], atol=0.05)
    assert mean[2] == pytest.approx(bmd.CORRECTIONS[-1], abs=1.5)
    spread = np.sqrt((target.numpy() * (bmd.CORRECTIONS - mean[:, None]) ** 2).sum(axis=1))
    np.testing.assert_allclose(spread[:2], bmd.TARGET_SD, atol=0.1)


def test_a_batch_asks_for_what_the_readings_are_off():
    task = bmd.BmdTask([], [sample("virtual-1", example(off=4.0))], [], batch_size=6)
    images, correction = task.batch(np.random.default_rng(2))
    assert images.shape == (6, 1, *SIZE)
    np.testing.assert_allclose(correction, -4.0, atol=1e-4)


def test_the_fit_begins_at_the_reading():
    held_out = sample("virtual-2", example(off=4.0), example(90.0, off=1.0))
    figures = bmd.BmdTask([], [sample()], [held_out]).validate()
    assert figures["bias_mg_cm3"] == pytest.approx(figures["reading_bias_mg_cm3"], abs=1e-3) == pytest.approx(2.5)
    assert figures["error_sd_mg_cm3"] == pytest.approx(figures["reading_error_sd_mg_cm3"], abs=1e-3)


def test_cases_without_a_known_density_are_not_fitted():
    empty = ReadingSample("virtual-3", "virtual-3", (), 0)
    task = bmd.BmdTask([empty], [sample(), empty], [empty])
    assert (task.real, [s.name for s in task.virtual], task.held_out) == ([], ["virtual-1"], [])


# Other scans


def constant(hu: float = 100.0, spacing: float = 1.25) -> Volume:
    case = annotated_case()
    return Volume(np.full(case.ct.grid.size, hu, np.float32), case.ct.grid)


def test_another_scan_keeps_what_is_the_same_everywhere_and_adds_its_noise():
    scan = OtherScan(thickness_mm=6.0, first=1, soft_mm=0.8, edge=1.0, noise_hu=20.0, seed=3)
    quiet, loud = scan.without_noise(constant()), scan.of(constant())
    np.testing.assert_allclose(quiet.array, 100.0, atol=0.01)
    assert quiet.grid.spacing[2] == pytest.approx(6.0) and loud.grid.is_close(quiet.grid)
    assert (loud.array - quiet.array).std() == pytest.approx(20.0, rel=0.05)


def test_another_scan_shows_things_where_they_are():
    case = annotated_case()
    scan = OtherScan(thickness_mm=4.0, first=1, soft_mm=0.5)
    seen = scan.without_noise(Volume((case.labels.array == 2).astype(np.float32), case.labels.grid))
    weight = seen.array / seen.array.sum()
    index = np.moveaxis(np.indices(seen.grid.size), 0, -1)
    centre = (seen.grid.ras_of(index) * weight[..., None]).sum(axis=(0, 1, 2))
    true = case.labels.grid.ras_of(np.argwhere(case.labels.array == 2).mean(axis=0))
    np.testing.assert_allclose(centre, true, atol=0.1)


def test_without_noise_it_is_linear_in_the_hu():
    case, scan = annotated_case(), OtherScan(thickness_mm=5.0, edge=1.2)
    share = Volume((case.labels.array > 0).astype(np.float32), case.labels.grid)
    more = Volume(case.ct.array + 30 * share.array, case.ct.grid)
    difference = scan.without_noise(more).array - scan.without_noise(case.ct).array
    np.testing.assert_allclose(difference, 30 * scan.without_noise(share).array, atol=0.01)


def test_scans_are_drawn_within_their_bounds_and_alike_from_one_seed():
    ct = constant()
    drawn = [OtherScan.draw(ct, np.random.default_rng(n)) for n in range(200)]
    assert drawn[7] == OtherScan.draw(ct, np.random.default_rng(7))
    thick = [scan.thickness_mm for scan in drawn if scan.thickness_mm]
    assert 0.4 < len(thick) / 200 < 0.8 and min(thick) >= 3.0 and max(thick) <= 8.0
    assert max(scan.noise_hu for scan in drawn) <= 40 and not any(scan.soft_mm and scan.edge for scan in drawn)


@pytest.mark.slow
def test_what_a_contrast_agent_adds_belongs_to_the_truth_that_is_fitted(tmp_path):
    """Nothing corrects it: the network is not to learn to."""
    seed = next(n for n in range(50) if draw_parameters(n, "many-scanners").marrow_contrast_hu > 3)
    prepare_virtual_readings([seed], "many-scanners", tmp_path, None, jobs=1)
    (made,) = load_readings(tmp_path)
    patient = virtual_patient(seed, "many-scanners")
    slope = line_for(patient.parameters.scan.kvp).slope_hu_per_mg_cm3
    iodine = patient.parameters.marrow_contrast_hu / slope
    assert made.patient == made.name and made.own == len(patient.bmd_mg_cm3)
    for one in made.examples:
        assert one.truth == pytest.approx(patient.bmd_mg_cm3[one.vertebra] + iodine, abs=1e-3)
