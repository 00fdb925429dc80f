"""Intervals and probabilities fitted to errors whose causes are known."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("MLstatkit", reason="evaluation needs the training extra")

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import CARD_FILE, load_card, load_weights, model_folder
from OpportunisticBMDLib.stages.uncertainty import GROUPS, SCALES, Scales
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, Facts, write_comparisons
from OpportunisticBMDTraining.evaluate.trust import DEFAULT_LINE, LINE_ON_FILE, means_of
from OpportunisticBMDTraining.fit.uncertainty import FITTED_ON, main, scales_of, weights_of

LINE_SD, FILED_SD = 6.0, 2.5


def cases_of(
    n: int = 600,
    *,
    weights: Sequence[float] = (0.0, 0.5, 1.0),
    line_error: float = LINE_SD,
    contrast: bool = False,
    models: str = "",
    seed: int = 1,
) -> list[Comparison]:
    """Patients whose errors are made of noise and mask as weighted, of a line's, and with contrast of an agent's.

    Args:
        line_error: SD of the default line's error; the line itself says `LINE_SD`.
    """
    rng = np.random.default_rng(seed)
    causes = rng.uniform(0.5, 4.0, (n, 3))
    truth = rng.normal(108, 40, n)
    own = truth + (rng.normal(0, 1, (n, 3)) * causes * weights).sum(axis=1)
    agent = rng.normal(0, 9.5, n) if contrast else np.zeros(n)
    default = own + agent + rng.normal(0, line_error, n)
    filed = own + agent + rng.normal(0, FILED_SD, n)
    return [
        Comparison(
            f"{seed}-{i}",
            "measured",
            seed=1000 * seed + i,
            cohort="many-scanners",
            models=models,
            facts=Facts(contrast=contrast),
            truth_mg_cm3=truth[i],
            bmd_mg_cm3=default[i],
            calibrated_mg_cm3=own[i],
            line="voltage",
            line_sd_mg_cm3=LINE_SD,
            corrected=contrast,
            correction_sd_mg_cm3=9.5 * contrast,
            filed_mg_cm3=filed[i],
            filed_line_sd_mg_cm3=FILED_SD,
            network_sd_mg_cm3=causes[i, 0],
            noise_sd_mg_cm3=causes[i, 1],
            mask_sd_mg_cm3=causes[i, 2],
        )
        for i in range(n)
    ]


def covered(cases: Sequence[Comparison], way: str, scales: Scales) -> float:
    return float(np.mean([mean.scaled(scales).is_covered for mean in means_of(cases, way)]))


@pytest.mark.parametrize("weights", [(0.0, 0.5, 1.0), (0.7, 0.0, 0.0), (0.5, 0.5, 0.5)])
def test_causes_count_as_much_as_they_made_errors(weights):
    assert weights_of(cases_of(4000, weights=weights)) == pytest.approx(weights, abs=0.12)


def test_a_few_that_are_far_off_widen_all_causes():
    cases = cases_of(1000, weights=(0.5, 0.0, 0.0))
    far = [replace(c, calibrated_mg_cm3=c.calibrated_mg_cm3 + 12 * (-1) ** i) for i, c in enumerate(cases[:60])]
    cases = [*far, *cases[60:]]
    causes = np.array([(c.network_sd_mg_cm3, c.noise_sd_mg_cm3, c.mask_sd_mg_cm3) for c in cases])
    errors = np.array([c.calibrated_mg_cm3 - c.truth_mg_cm3 for c in cases])
    sd = np.linalg.norm(causes * weights_of(cases), axis=1)
    assert np.mean(np.abs(errors) <= 1.96 * sd) == pytest.approx(0.95, abs=0.005)


def test_an_agent_says_nothing_of_the_other_causes():
    cases = cases_of(400)
    disturbed = [replace(c, calibrated_mg_cm3=c.calibrated_mg_cm3 + 30) for c in cases_of(400, contrast=True, seed=2)]
    assert weights_of([*cases, *disturbed]) == weights_of(cases)


@pytest.mark.parametrize("contrast", [False, True])
def test_intervals_hold_the_truth_of_95_in_100_other_patients(contrast):
    scales = scales_of(cases_of() + cases_of(contrast=True, seed=2))
    others = cases_of(2000, contrast=contrast, seed=3)
    for way in (DEFAULT_LINE, LINE_ON_FILE):
        assert covered(others, way, scales) == pytest.approx(0.95, abs=0.025)


def test_a_cohort_of_good_scanners_does_not_narrow_a_computed_line():
    scales = scales_of(cases_of(line_error=0.5))
    assert scales.interval["computed line"] == 1.96 and scales.steepness["computed line"] == 1.702
    assert covered(cases_of(2000, seed=3), DEFAULT_LINE, scales) == pytest.approx(0.95, abs=0.025)


def test_a_cohort_of_bad_scanners_widens_it():
    scales = scales_of(cases_of(line_error=12.0))
    assert scales.interval["computed line"] > 3.0 and scales.steepness["computed line"] < 1.2
    assert covered(cases_of(2000, line_error=12.0, seed=3), DEFAULT_LINE, scales) == pytest.approx(0.95, abs=0.025)


def test_groups_without_cases_of_their_own_are_never_surer_than_normal():
    scales = scales_of(cases_of())
    for group in ("own line, contrast", "computed line, contrast"):
        assert scales.interval[group] >= 1.96 and scales.steepness[group] <= 1.702


def test_probabilities_come_true():
    scales = scales_of(cases_of(2000))
    others = means_of(cases_of(4000, seed=3), LINE_ON_FILE)
    said = np.array([mean.below(mean.bmd_mg_cm3 + 3.0, scales) for mean in others])
    came = [mean.truth_mg_cm3 < mean.bmd_mg_cm3 + 3.0 for mean in others]
    assert np.mean(came) == pytest.approx(said.mean(), abs=0.03)


@pytest.fixture
def models(tmp_path):
    """The BMD model that ships, in a folder of its own."""
    shutil.copytree(model_folder() / "bmd", tmp_path / "models" / "bmd")
    return tmp_path / "models"


def test_the_command_writes_the_card_and_judges_on_others(models, tmp_path, capsys):
    before = load_card("bmd", models)
    name = f"bmd: {before.name} {before.sha256[:12]}"
    write_comparisons(tmp_path / "fit.csv", cases_of(100, models=name))
    write_comparisons(tmp_path / "judge.csv", cases_of(60, models=name, seed=2))
    command = [str(tmp_path / "fit.csv"), "-o", str(models), "--judge"]
    assert main([*command, str(tmp_path / "judge.csv")]) == 0
    card = load_card("bmd", models)
    assert Scales.of(card) == scales_of(cases_of(100))
    assert card.figures[FITTED_ON] == "100 of many-scanners, seeds 1000 to 1099"
    assert {**card.outputs, SCALES: None} == {**before.outputs, SCALES: None}
    load_weights("bmd", models)  # still those of the card
    printed = capsys.readouterr().out
    assert "| many-scanners | the scanner's line on file | all | 60 |" in printed and "judged on 60 of many" in printed
    assert set(GROUPS) <= set(printed.split('"'))


def test_cases_that_say_nothing_leave_the_card(models, tmp_path, capsys):
    before, card = (models / "bmd" / CARD_FILE).read_bytes(), load_card("bmd", models)
    path = tmp_path / "cases.csv"
    write_comparisons(path, cases_of(60, models="bmd: another 0123456789ab"))
    assert main([str(path), "-o", str(models)]) == 2
    assert "evaluate that model" in capsys.readouterr().err
    write_comparisons(path, cases_of(10, models=f"bmd: {card.name} {card.sha256[:12]}"))
    assert main([str(path), "-o", str(models)]) == 2
    assert "evaluate more virtual patients" in capsys.readouterr().err
    write_comparisons(path, cases_of(60))
    assert main([str(path), "-o", str(models), "--judge", str(path)]) == 2
    assert "both to fit and to judge" in capsys.readouterr().err
    assert (models / "bmd" / CARD_FILE).read_bytes() == before


def test_too_few_cases_are_told_of():
    with pytest.raises(BadInput, match="40 are needed"):
        weights_of(cases_of(39))
