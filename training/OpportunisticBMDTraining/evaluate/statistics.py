"""Figures with their 95 % intervals: arrays in, frozen records out. The formulas are those of well-kept packages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
import torch
from MLstatkit import Delong_test
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, confusion_matrix, mean_absolute_error, r2_score, root_mean_squared_error
from statsmodels.stats.proportion import proportion_confint
from torchmetrics.functional.regression import concordance_corrcoef

LEVEL = 0.95
RESAMPLES = 1000
LEAST_FOR_REGRESSION = 3


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Proportion:
    """k of n, with Wilson's 95 % interval; all NaN where n is 0."""

    k: int
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MethodAgreement:
    """Found against true densities, mg/cm3; differences are found minus true.

    Args:
        n: pairs.
        bias: mean difference.
        sd: of the differences.
        lower_limit, upper_limit: Bland and Altman's 95 % limits of agreement.
        slope, intercept: of the regression of found on true.
        r2: of that regression, the square of the correlation, as the paper gives it.
        r2_against_truth: share of the truth's variance that is left after the errors themselves: no line is fitted.
        concordance: Lin's coefficient, with a bootstrap interval.
        rmse, mae: root mean square and mean absolute difference.
        proportional_p: of the hypothesis that the difference does not grow with the density (the mean of the two).
    """

    n: int
    bias: Estimate
    sd: float
    lower_limit: Estimate
    upper_limit: Estimate
    slope: Estimate
    intercept: Estimate
    r2: float
    r2_against_truth: float
    concordance: Estimate
    rmse: float
    mae: float
    proportional_p: float


@dataclass(frozen=True)
class Discrimination:
    """Two scores of the same cases as tests for a condition: AUC with DeLong's intervals, and DeLong's comparison.

    `p_difference` is NaN where the two curves are alike, so that there is no variance to test against.
    """

    positives: int
    negatives: int
    first: Estimate
    second: Estimate
    p_difference: float


@dataclass(frozen=True)
class Diagnosis:
    """A yes or no beside the truth."""

    sensitivity: Proportion
    specificity: Proportion
    ppv: Proportion
    npv: Proportion


@dataclass(frozen=True)
class Reliability:
    """Predicted probabilities beside what came true.

    Args:
        predicted: mean probability in each fifth (0 to 0.2 and so on) that holds cases.
        observed: how many of these had the condition.
        brier: mean squared difference of probability and outcome; 0 is best.
        brier_of_prevalence: that of always saying the prevalence, to be beaten.
    """

    predicted: tuple[float, ...]
    observed: tuple[Proportion, ...]
    brier: float
    brier_of_prevalence: float


def proportion(flags: np.ndarray | list[bool]) -> Proportion:
    """How many are true."""
    flags = np.asarray(flags, dtype=bool)
    k, n = int(flags.sum()), len(flags)
    if n == 0:
        return Proportion(0, 0, np.nan, np.nan, np.nan)
    low, high = proportion_confint(k, n, alpha=1 - LEVEL, method="wilson")
    return Proportion(k, n, k / n, float(low), float(high))


def agreement(truth: np.ndarray, found: np.ndarray) -> MethodAgreement | None:
    """None with fewer than three pairs, or where the truth does not vary."""
    truth, found = np.asarray(truth, dtype=float), np.asarray(found, dtype=float)
    if len(truth) < LEAST_FOR_REGRESSION or np.ptp(truth) == 0:
        return None
    error = found - truth
    line = sm.OLS(found, sm.add_constant(truth)).fit()
    (intercept_ci, slope_ci) = line.conf_int(alpha=1 - LEVEL)
    bias, lower, upper = bland_altman(error)
    return MethodAgreement(
        n=len(truth),
        bias=bias,
        sd=float(error.std(ddof=1)),
        lower_limit=lower,
        upper_limit=upper,
        slope=Estimate(float(line.params[1]), *map(float, slope_ci)),
        intercept=Estimate(float(line.params[0]), *map(float, intercept_ci)),
        r2=float(line.rsquared),
        r2_against_truth=float(r2_score(truth, found)),
        concordance=_concordance(truth, found),
        rmse=float(root_mean_squared_error(truth, found)),
        mae=float(mean_absolute_error(truth, found)),
        proportional_p=_proportional_p(truth, found),
    )


def bland_altman(differences: np.ndarray) -> tuple[Estimate, Estimate, Estimate]:
    """Bias, lower and upper limit of agreement (bias -+ 1.96 SD), each with the t interval of Bland and Altman.

    The variance of a limit is taken as 3 SD^2 / n (Lancet 1986;327:307-310).
    """
    n, mean, sd = len(differences), float(differences.mean()), float(differences.std(ddof=1))
    half_bias = stats.t.ppf((1 + LEVEL) / 2, n - 1) * sd / np.sqrt(n)
    half_limit, reach = half_bias * np.sqrt(3), stats.norm.ppf((1 + LEVEL) / 2) * sd
    centres = ((mean, half_bias), (mean - reach, half_limit), (mean + reach, half_limit))
    bias, lower, upper = (Estimate(float(c), float(c - half), float(c + half)) for c, half in centres)
    return bias, lower, upper


def _concordance(truth: np.ndarray, found: np.ndarray) -> Estimate:
    value = float(concordance_corrcoef(torch.tensor(found), torch.tensor(truth)))
    if np.array_equal(truth, found):
        return Estimate(value, value, value)
    drawn = np.random.default_rng(0).integers(0, len(truth), (len(truth), RESAMPLES))
    truths, founds = truth[drawn], found[drawn]
    varied = (np.ptp(truths, axis=0) > 0) & (np.ptp(founds, axis=0) > 0)
    samples = concordance_corrcoef(torch.tensor(founds[:, varied]), torch.tensor(truths[:, varied])).numpy()
    low, high = np.quantile(samples, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Estimate(value, float(low), float(high))


def _proportional_p(truth: np.ndarray, found: np.ndarray) -> float:
    error, mean = found - truth, (found + truth) / 2
    if np.ptp(error) < 1e-9:
        return 1.0
    return float(stats.linregress(mean, error).pvalue)


def discrimination(condition: np.ndarray, first: np.ndarray, second: np.ndarray) -> Discrimination | None:
    """Two scores, higher meaning more likely, of the same cases.

    None with fewer than two cases with the condition, or without.
    """
    condition = np.asarray(condition, dtype=bool)
    positives, negatives = int(condition.sum()), int((~condition).sum())
    if min(positives, negatives) < 2:
        return None
    # Where both curves are alike the package resamples to find that out; its p value is then not used.
    _, p, ci_first, ci_second, auc_first, auc_second, how = Delong_test(
        condition, first, second, alpha=LEVEL, n_boot=100, random_state=0
    )
    return Discrimination(
        positives=positives,
        negatives=negatives,
        first=Estimate(auc_first, *ci_first),
        second=Estimate(auc_second, *ci_second),
        p_difference=float(p) if how["method"] == "delong" else np.nan,
    )


def diagnosis(condition: np.ndarray, called: np.ndarray) -> Diagnosis:
    """Sensitivity, specificity and predictive values of a yes or no."""
    condition, called = np.asarray(condition, dtype=bool), np.asarray(called, dtype=bool)
    if not len(condition):
        nothing = proportion([])
        return Diagnosis(nothing, nothing, nothing, nothing)
    (tn, fp), (fn, tp) = confusion_matrix(condition, called, labels=[False, True])
    return Diagnosis(_share(tp, tp + fn), _share(tn, tn + fp), _share(tp, tp + fp), _share(tn, tn + fn))


def _share(k: int, n: int) -> Proportion:
    return proportion(np.arange(n) < k)


def reliability(condition: np.ndarray, probability: np.ndarray, bins: int = 5) -> Reliability | None:
    """None without cases."""
    condition, probability = np.asarray(condition, dtype=bool), np.asarray(probability, dtype=float)
    if not len(condition):
        return None
    shares, predicted = calibration_curve(condition, probability, n_bins=bins)
    # scikit-learn leaves out empty bins and does not tell how many cases lie in the others.
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    counts = [int(n) for n in np.bincount(np.searchsorted(inner, probability), minlength=bins) if n]
    prevalence = np.full(len(condition), condition.mean())
    return Reliability(
        predicted=tuple(map(float, predicted)),
        observed=tuple(_share(round(share * n), n) for share, n in zip(shares, counts)),
        brier=float(brier_score_loss(condition, probability, pos_label=True)),
        brier_of_prevalence=float(np.mean((condition - prevalence) ** 2)),
    )
