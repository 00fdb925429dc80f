"""The spread of the BMD model, scaled to the errors that an evaluation measured."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("monai", reason="evaluation needs the training extra")

from OpportunisticBMDLib.models import CARD_FILE, load_card, load_weights, model_folder
from OpportunisticBMDLib.stages.measure import SPREAD
from OpportunisticBMDTraining.evaluate.comparisons import Comparison, write_comparisons
from OpportunisticBMDTraining.evaluate.figures import figures_of
from OpportunisticBMDTraining.fit.spread import main, scale_of


@pytest.fixture
def models(tmp_path):
    """The BMD model that ships, in a folder of its own."""
    shutil.copytree(model_folder() / "bmd", tmp_path / "models" / "bmd")
    return tmp_path / "models"


def cases_of(error_sd: float, predicted_sd: float, models: str = "", n: int = 400) -> list[Comparison]:
    rng = np.random.default_rng(5)
    return [
        Comparison(
            str(i),
            "measured",
            models=models,
            truth_mg_cm3=100.0,
            calibrated_mg_cm3=100.0 + error,
            calibrated_sd_mg_cm3=predicted_sd,
        )
        for i, error in enumerate(rng.normal(0, error_sd, n))
    ]


@pytest.mark.parametrize(("error_sd", "predicted_sd"), [(4.0, 8.0), (6.0, 3.0)])
def test_scaled_intervals_cover_the_truth_95_times_in_100(error_sd, predicted_sd):
    cases = cases_of(error_sd, predicted_sd)
    scale = scale_of(cases)
    assert scale == pytest.approx(error_sd / predicted_sd, rel=0.12)
    scaled = [replace(c, calibrated_sd_mg_cm3=scale * predicted_sd) for c in cases]
    assert figures_of(scaled).calibrated_coverage.value == pytest.approx(0.95, abs=0.005)


def test_scale_goes_into_the_card_and_adds_to_an_earlier_one(models, tmp_path, capsys):
    before = load_card("bmd", models)
    name = f"localizer: x 123; bmd: {before.name} {before.sha256[:12]}"
    path = tmp_path / "cases.csv"
    write_comparisons(path, cases_of(4.0, 8.0, name))
    assert main([str(path), "-o", str(models)]) == 0
    first = load_card("bmd", models)
    assert first.outputs[SPREAD] == pytest.approx(0.5 * before.outputs.get(SPREAD, 1.0), rel=0.12)
    assert replace(first, outputs=before.outputs) == before
    assert main([str(path), "-o", str(models)]) == 0
    assert load_card("bmd", models).outputs[SPREAD] == pytest.approx(0.5 * first.outputs[SPREAD], rel=0.12)
    load_weights("bmd", models)  # still those of the card
    assert "spread scale" in capsys.readouterr().out


def test_cases_of_another_model_or_too_few_leave_the_card(models, tmp_path, capsys):
    before = (models / "bmd" / CARD_FILE).read_bytes()
    card = load_card("bmd", models)
    path = tmp_path / "cases.csv"
    write_comparisons(path, cases_of(4.0, 8.0, "bmd: another 0123456789ab"))
    assert main([str(path), "-o", str(models)]) == 2
    assert "evaluate that model" in capsys.readouterr().err
    write_comparisons(path, cases_of(4.0, 8.0, f"bmd: {card.name} {card.sha256[:12]}", n=5))
    assert main([str(path), "-o", str(models)]) == 2
    assert "evaluate more virtual patients" in capsys.readouterr().err
    assert main([str(tmp_path / "none.csv"), "-o", str(models)]) == 2
    assert (models / "bmd" / CARD_FILE).read_bytes() == before
