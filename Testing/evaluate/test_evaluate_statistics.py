"""The evaluation's statistics against numbers computed by hand or printed in the literature."""

from __future__ import annotations

import numpy as np
import pytest

for package in ("scipy", "sklearn", "statsmodels", "torchmetrics", "MLstatkit"):
    pytest.importorskip(package, reason="evaluation needs the training extra")

from OpportunisticBMDTraining.evaluate.statistics import (  # noqa: E402
    agreement,
    bland_altman,
    diagnosis,
    discrimination,
    proportion,
    reliability,
)

# Bland and Altman, Lancet 1986;327:307-310: peak expiratory flow (l/min) of 17 people, the first readings of a Wright
# and of a mini Wright meter.
WRIGHT = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427], float)
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451], float)


def test_bland_altman_of_the_paper_that_introduced_it():
    """They print: mean -2.1, SD 38.8, limits -79.7 and 75.5 (2 SD), intervals -22.0 to 17.8 and about +-34.6."""
    bias, lower, upper = bland_altman(WRIGHT - MINI)
    assert bias.value == pytest.approx(-2.1, abs=0.05)
    assert (WRIGHT - MINI).std(ddof=1) == pytest.approx(38.8, abs=0.05)
    assert (bias.low, bias.high) == (pytest.approx(-22.0, abs=0.15), pytest.approx(17.8, abs=0.15))
    # They take 2 SD for 1.96 SD, and round the standard error to 16.3.
    assert lower.value == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.1)
    assert upper.value == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.1)
    for limit in (lower, upper):
        assert limit.high - limit.value == pytest.approx(2.12 * 16.3, abs=0.2)
        assert limit.value - limit.low == pytest.approx(2.12 * 16.3, abs=0.2)


def test_agreement_of_five_pairs_by_hand():
    """Errors 1, -1, 2, -2, 5: mean 1, squares 35, SD sqrt((35 - 5) / 4)."""
    truth = np.array([60.0, 90, 120, 150, 180])
    found = truth + [1, -1, 2, -2, 5]
    a = agreement(truth, found)
    assert (a.n, a.bias.value, a.mae) == (5, pytest.approx(1.0), pytest.approx(2.2))
    assert a.sd == pytest.approx(np.sqrt(7.5))
    assert a.rmse == pytest.approx(np.sqrt(7))
    assert a.r2_against_truth == pytest.approx(1 - 35 / 9000)
    # Sums of products with the truth's deviations -60..60: 9000 + (-60 + 30 - 60 + 300).
    assert a.slope.value == pytest.approx(9210 / 9000)
    assert a.intercept.value == pytest.approx(121 - 9210 / 9000 * 120)
    assert a.r2 == pytest.approx(9210**2 / (9000 * ((found - 121) ** 2).sum()))
    assert a.slope.low < 1 < a.slope.value < a.slope.high
    variance = ((found - 121) ** 2).sum() / 4
    assert a.concordance.value == pytest.approx(2 * 9210 / 4 / (9000 / 4 + variance + 1))
    assert a.concordance.low <= a.concordance.value <= a.concordance.high <= 1


def test_slope_and_its_interval_as_scipy_has_them():
    from scipy import stats

    truth = WRIGHT
    a, line = agreement(truth, MINI), stats.linregress(truth, MINI)
    half = stats.t.ppf(0.975, len(truth) - 2) * line.stderr
    assert (a.slope.value, a.slope.low) == (pytest.approx(line.slope), pytest.approx(line.slope - half))
    assert a.r2 == pytest.approx(line.rvalue**2)


def test_bias_that_grows_with_density_is_seen_and_a_constant_one_is_not():
    truth = np.linspace(40, 200, 50)
    noise = np.random.default_rng(1).normal(0, 3, 50)
    assert agreement(truth, 1.2 * truth + noise).proportional_p < 0.001
    assert agreement(truth, truth + 12).proportional_p == 1.0


def test_perfect_agreement_has_intervals_of_no_width():
    a = agreement(np.array([60.0, 90, 120]), np.array([60.0, 90, 120]))
    assert a.bias.low == a.bias.high == a.sd == 0.0
    assert (a.concordance.low, a.concordance.high) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize(("truth", "found"), [([1.0, 2.0], [1.0, 2.0]), ([5.0] * 4, [1.0, 2.0, 3.0, 4.0]), ([], [])])
def test_no_agreement_of_too_few_or_constant_densities(truth, found):
    assert agreement(np.array(truth), np.array(found)) is None


def test_wilson_interval():
    """Newcombe, Stat Med 1998;17:857-872, table I: 81 of 263 is 0.2553 to 0.3662, and 0 of 20 is 0 to 0.1611."""
    p = proportion(np.arange(263) < 81)
    assert (p.k, p.n) == (81, 263)
    assert (p.low, p.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    none = proportion([False] * 20)
    assert (none.low, none.high) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.1611, abs=5e-5))
    assert np.isnan(proportion([]).value)


def test_auc_and_delongs_interval_by_hand():
    """Cases 0.8, 0.4, controls 0.6, 0.2: three of four pairs are in order.

    Placements of the cases 1 and 0.5, of the controls 0.5 and 1: variance 0.125 / 2 + 0.125 / 2, SD 0.3536.
    The second score orders them all.
    """
    d = discrimination([True, True, False, False], np.array([0.8, 0.4, 0.6, 0.2]), np.array([9.0, 8.0, 2.0, 1.0]))
    assert (d.positives, d.negatives) == (2, 2)
    assert d.first.value == pytest.approx(0.75)
    assert d.first.low == pytest.approx(0.75 - 1.95996 * np.sqrt(0.125), abs=1e-4)
    assert d.first.high == 1.0
    assert (d.second.value, d.second.low, d.second.high) == (1.0, 1.0, 1.0)
    # Difference 0.25, its variance is that of the first alone: z = 0.7071.
    assert d.p_difference == pytest.approx(0.4795, abs=1e-4)


def test_ties_count_by_half():
    d = discrimination([True, True, False, False], np.array([1.0, 0.5, 0.5, 0.0]), np.array([1.0, 0.5, 0.4, 0.0]))
    assert d.first.value == pytest.approx(0.875)


def test_two_perfect_scores_cannot_be_told_apart():
    d = discrimination([True, True, False, False], np.array([0.9, 0.8, 0.1, 0.0]), np.array([9.0, 8.0, 1.0, 0.0]))
    assert d.first.value == d.second.value == 1.0
    assert np.isnan(d.p_difference)


@pytest.mark.parametrize("condition", [[True] * 4, [False] * 4, [True, False, False, False]])
def test_no_auc_without_two_on_either_side(condition):
    assert discrimination(np.array(condition), np.arange(4.0), np.arange(4.0)) is None


def test_diagnosis_of_the_papers_testing_set():
    """Osteoporosis: 21 of 22 found, 7 of 78 false alarms."""
    condition = np.arange(100) < 22
    called = (np.arange(100) < 21) | (np.arange(100) >= 93)
    d = diagnosis(condition, called)
    assert [(p.k, p.n) for p in (d.sensitivity, d.specificity, d.ppv, d.npv)] == [
        (21, 22),
        (71, 78),
        (21, 28),
        (71, 72),
    ]
    assert d.sensitivity.value == pytest.approx(0.9545, abs=5e-5)
    assert d.npv.value == pytest.approx(0.9861, abs=5e-5)


def test_diagnosis_without_cases_has_no_sensitivity():
    d = diagnosis(np.array([False, False]), np.array([False, True]))
    assert (d.sensitivity.n, d.specificity.k, d.specificity.n) == (0, 1, 2)
    assert np.isnan(d.sensitivity.value)


def test_reliability_by_hand():
    """Brier: (0.05^2 + 0.16^2 + 0.86^2 + 0.05^2) / 4; two of the five fifths hold cases."""
    r = reliability(np.array([False, True, False, True]), np.array([0.05, 0.84, 0.86, 0.95]))
    assert r.brier == pytest.approx((0.0025 + 0.0256 + 0.7396 + 0.0025) / 4)
    assert r.brier_of_prevalence == pytest.approx(0.25)
    assert r.predicted == (pytest.approx(0.05), pytest.approx((0.84 + 0.86 + 0.95) / 3))
    assert [(p.k, p.n) for p in r.observed] == [(0, 1), (2, 3)]


@pytest.mark.parametrize("outcome", [True, False])
def test_reliability_where_all_or_none_have_the_condition(outcome):
    r = reliability(np.full(3, outcome), np.array([0.2, 0.4, 0.9]))
    assert r.brier_of_prevalence == 0.0
    assert sum(p.n for p in r.observed) == 3 and {p.value for p in r.observed} == {float(outcome)}
