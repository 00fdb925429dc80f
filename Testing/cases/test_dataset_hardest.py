"""Cases ordered by how unsure the models were of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotated_cases import annotated_case, write_annotated
from example_results import normal, refused
from OpportunisticBMDLib.cases.check import check
from OpportunisticBMDLib.cases.hardest import Uncertainty, hardest_first, record, uncertainties, uncertainty_of
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.vertebra import UnmeasuredVertebra
from OpportunisticBMDTraining.dataset import main


def test_the_score_grows_with_spread_and_with_doubt_about_the_masks():
    sure = Uncertainty(3.0, 0.98)
    assert sure.score < Uncertainty(9.0, 0.98).score < Uncertainty(9.0, 0.3).score < Uncertainty(None, None).score
    assert Uncertainty(500.0, 0.98).score < Uncertainty(None, 0.98).score


def test_what_a_result_says():
    result = normal()
    found = uncertainty_of(result)
    confidences = [v.mask.confidence for v in result.vertebrae.values()]
    assert found == Uncertainty(result.bmd_sd_mg_cm3, min(confidences))
    lost = UnmeasuredVertebra(None, None)
    assert uncertainty_of(replace(result, vertebrae={**result.vertebrae, "T12": lost})).least_confidence == 0.0
    assert uncertainty_of(refused()).score == 2.0


def test_the_order_puts_the_unknown_last():
    known = {"b": Uncertainty(2.0, 0.9), "c": Uncertainty(None, None), "a": Uncertainty(15.0, 0.9)}
    assert hardest_first(("x", "b", "a", "w", "c"), known) == ("c", "a", "b", "w", "x")


def test_what_is_recorded_is_kept_and_no_fault(tmp_path):
    write_annotated(tmp_path)
    assert uncertainties(tmp_path) == {}
    record(tmp_path, {"case-0001": Uncertainty(4.0, 0.9)})
    record(tmp_path, {"case-0002": Uncertainty(None, None)})
    assert uncertainties(tmp_path) == {"case-0001": Uncertainty(4.0, 0.9), "case-0002": Uncertainty(None, None)}
    assert check(tmp_path).faults == ()
    (tmp_path / "uncertainty.json").write_text('{"schema_version": 1, "cases": {"a": {"b": 1}}}')
    with pytest.raises(BadInput, match="remove it"):
        uncertainties(tmp_path)


@pytest.mark.slow
def test_the_command_measures_what_waits_and_what_is_known_stays(tmp_path, capsys):
    write_annotated(tmp_path, annotated_case("done"), status="reviewed")
    write_annotated(tmp_path, annotated_case("known"), annotated_case("waits"), status="new")
    record(tmp_path, {"known": Uncertainty(1.0, 0.99)})
    assert main(["rank", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == {"known", "waits"}
    found = uncertainties(tmp_path)
    assert found["known"] == Uncertainty(1.0, 0.99) and found["waits"].score > found["known"].score
    assert lines[0].startswith("waits")
