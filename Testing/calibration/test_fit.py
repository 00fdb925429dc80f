"""The line through what a phantom's inserts show, in HA whatever they hold, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDLib.calibration.fit import MAKE_SD, fitted
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.core.calibration_line import Calibration

ESP, CCI = PHANTOMS["esp"], PHANTOMS["qrm-cci"]


@pytest.mark.parametrize("phantom", PHANTOMS.values(), ids=PHANTOMS)
def test_what_a_line_shows_gives_the_line_back(phantom):
    fit = fitted(phantom, phantom.hu(Calibration("any", "HA", 1.37, 37.0, "")))
    assert (fit.slope_hu_per_mg_cm3, fit.intercept_hu) == pytest.approx((1.37, 37.0))
    assert np.abs(fit.residuals_mg_cm3).max() < 1e-9


def test_residuals_are_what_the_line_reads_less_what_is_known():
    fit = fitted(ESP, np.array([60.0, 140.0, 250.0]))
    read = (np.array([60.0, 140.0, 250.0]) - fit.intercept_hu) / fit.slope_hu_per_mg_cm3
    assert fit.residuals_mg_cm3 == pytest.approx(read - ESP.densities)


def test_inserts_that_lie_off_the_line_make_it_less_sure():
    straight, bent = fitted(ESP, np.array([64.0, 128.0, 256.0])), fitted(ESP, np.array([64.0, 138.0, 256.0]))
    assert bent.slope_sd > 1.5 * straight.slope_sd and bent.intercept_sd_hu > 1.5 * straight.intercept_sd_hu


def test_two_inserts_are_never_sure_beyond_what_a_phantom_is_made_to():
    """Two points always lie on a line."""
    fit = fitted(CCI, np.array([0.0, 256.0]))
    assert fit.slope_sd > MAKE_SD and fit.intercept_sd_hu == pytest.approx(2.0)


def test_the_stated_uncertainty_is_that_of_repeats():
    """2 HU on each insert move slope and intercept by what the fit says, beside the phantom's own 1 %."""
    rng, true = np.random.default_rng(1), ESP.hu(Calibration("any", "HA", 1.28, 0.0, ""))
    fits = [fitted(ESP, true + rng.normal(0, 2, 3)) for _ in range(2000)]
    slopes = np.array([fit.slope_hu_per_mg_cm3 for fit in fits])
    stated = fitted(ESP, true)
    assert np.hypot(slopes.std() / 1.28, MAKE_SD) == pytest.approx(stated.slope_sd, rel=0.05)
    assert np.std([fit.intercept_hu for fit in fits]) == pytest.approx(stated.intercept_sd_hu, rel=0.05)
