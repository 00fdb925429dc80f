"""What changed between two scans: of the same vertebrae, held against what measuring alone does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from example_results import LINE, acquisition, former, normal, refused, result_of, vertebra
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.correction import Correction
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.uncertainty import Uncertainty
from OpportunisticBMDLib.followup import Scan, changes, wording
from OpportunisticBMDLib.followup.change import change
from OpportunisticBMDLib.followup.precision import precision_of
from OpportunisticBMDLib.followup.scan import day_of, in_order

PARTS = Uncertainty(3.0, 0.0, 0.0, 6.0, 0.0, (80.0, 120.0))
SCANNER = acquisition(scanner="SIEMENS SOMATOM")


def scanned(t12: float | None = 104.0, l1: float | None = 100.0, l2: float | None = 96.0, **changes: object) -> Result:
    known = {name: vertebra(bmd, name=name) for name, bmd in (("T12", t12), ("L1", l1), ("L2", l2))}
    measured = [name for name in ("L1", "L2", "T12") if known[name].__class__.__name__ == "MeasuredVertebra"][:2]
    mean = sum(known[name].bmd_mg_cm3 for name in measured) / len(measured)
    facts = {"acquisition": SCANNER, "category": "osteopenia", "uncertainty": PARTS, **changes}
    return result_of(
        bmd_mg_cm3=mean,
        bmd_sd_mg_cm3=7.0,
        vertebrae_used=tuple(sorted(measured, reverse=True)),
        vertebrae=known,
        **facts,
    )


def between(before: Result, after: Result, **options: bool):
    return change(Scan("old", before), Scan("new", after), **options)


def test_the_change_is_of_the_mean_and_of_each_vertebra():
    found = between(scanned(), scanned(l1=90.0, l2=80.0, t12=101.0))
    assert (found.before_mg_cm3, found.after_mg_cm3, found.by_mg_cm3) == (98.0, 85.0, -13.0)
    assert found.of_vertebra == {"T12": -3.0, "L1": -10.0, "L2": -16.0}
    assert found.percent == pytest.approx(-100 * 13 / 98)


def test_only_vertebrae_that_both_have_are_compared():
    found = between(scanned(), scanned(l2=None))
    assert found.vertebrae == ("T12", "L1") and found.by_mg_cm3 == 0.0
    alone = between(scanned(t12=None), scanned(l2=None))
    assert alone.vertebrae == ("L1",) and "Only L1" in " ".join(alone.cautions)


def test_without_a_vertebra_in_common_nothing_is_told():
    with pytest.raises(BadInput, match="no measured vertebra in common"):
        between(scanned(l1=None, t12=None), scanned(l2=None))


@pytest.mark.parametrize(("result", "why"), [(refused(), "refused"), (former(), "former scale")])
def test_what_has_no_density_of_qct_cannot_be_compared(result, why):
    with pytest.raises(BadInput, match=f"old.*{why}"):
        Scan("old", result)


def test_one_result_shows_no_change():
    with pytest.raises(BadInput, match="One result alone"):
        changes([Scan("old", scanned())])


def test_scans_come_in_the_order_of_their_days():
    scans = [Scan.on(day, scanned(), day) for day in ("2026-05-12", "2024-05-12", "2025-05")]
    found = changes(scans)
    assert [(one.before.name, one.after.name) for one in found] == [
        ("2024-05-12", "2025-05"),
        ("2024-05-12", "2026-05-12"),
    ]
    assert [one.days for one in found] == [368, 730]


def test_without_all_days_they_come_as_they_are_given_and_there_is_no_rate():
    (found,) = changes([Scan.on("b", scanned(), "2026-05-12"), Scan("a", scanned(l1=90.0))])
    assert found.before.name == "b" and found.days is None and found.by_mg_cm3_a_year is None
    assert "days of the CTs are not known" in " ".join(found.cautions)


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        (["2026-05", "2024-05"], ["2024-05", "2026-05"]),
        (["2026-05", "2026-04-30"], ["2026-04-30", "2026-05"]),
        (["2026-06-01", "2026-05"], ["2026-05", "2026-06-01"]),
        (["2026-05-20", "2026-05"], ["2026-05-20", "2026-05"]),
        (["2026-05", "2026-05-03"], ["2026-05", "2026-05-03"]),
        (["2026-05-20", "2026-05", "2026-05-12"], ["2026-05", "2026-05-12", "2026-05-20"]),
        (["2026-05", "2026-05", "2024-01"], ["2024-01", "2026-05", "2026-05"]),
        (["9999-12", "1900-01"], ["1900-01", "9999-12"]),
    ],
)
def test_months_are_in_order_as_far_as_they_tell_it(given, ordered):
    assert [scan.when for scan in in_order([Scan.on("a", scanned(), when) for when in given])] == ordered


@pytest.mark.parametrize(
    ("days", "known", "when"),
    [
        (("2026-05", "2026-05"), None, "2026-05"),
        (("2026-05", "2026-05-03"), None, "2026-05"),
        (("2026-05-03", "2026-05-03"), 0, "2026-05-03"),
    ],
)
def test_scans_of_one_month_or_day_are_days_apart_that_nobody_knows(days, known, when):
    (found,) = changes([Scan.on(name, scanned(), day) for name, day in zip("ab", days)])
    assert found.before.name == "a" and found.days == known
    assert "within" not in wording.sentence(found).replace("Within measurement error", "")
    assert f"Both CTs are of {when}: which is the earlier one is as they were given" in " ".join(found.cautions)


def test_days_from_month_to_month_are_about():
    (found,) = changes([Scan.on(day, scanned(), day) for day in ("2026-06", "2026-05-20")])
    assert found.before.name == "2026-05-20" and "within about 26 days" in wording.sentence(found)
    assert not found.cautions


def test_a_later_scan_is_not_taken_for_an_earlier_one():
    with pytest.raises(BadInput, match=r"new is of 2026-05, later than old \(2024-05-12\)"):
        change(Scan.on("new", scanned(), "2026-05"), Scan.on("old", scanned(), "2024-05-12"))


def test_a_rate_is_told_from_half_a_year_on():
    def rate(day: str) -> float | None:
        before, after = Scan.on("a", scanned(), "2024-01-01"), Scan.on("b", scanned(l1=90.0, l2=86.0), day)
        return change(before, after).by_mg_cm3_a_year

    assert rate("2024-03-01") is None
    assert rate("2026-01-01") == pytest.approx(-5.0, abs=0.01)


@pytest.mark.parametrize("text", ["2026-13-01", "12.05.2026", "2026", "20260512", "2026-W01", ""])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(BadInput, match="no date"):
        day_of(text)


def test_one_line_on_one_scanner_cancels_but_for_its_drift():
    found = precision_of(scanned(), scanned())
    assert found.is_line_shared
    assert found.calibration == pytest.approx(0.014 * 98)
    assert found.reading == pytest.approx(3.0 * 2**0.5)
    assert found.least_significant_change == pytest.approx(1.96 * (18 + (0.014 * 98) ** 2) ** 0.5)


@pytest.mark.parametrize(
    "after",
    [
        scanned(acquisition=acquisition(scanner="GE Discovery")),
        scanned(acquisition=acquisition(scanner=None)),
        scanned(calibration=replace(LINE, slope_hu_per_mg_cm3=1.31)),
        scanned(calibration=replace(LINE, kind="given")),
    ],
    ids=["another scanner", "scanner not known", "another line", "another kind of line"],
)
def test_what_is_not_shared_does_not_cancel(after):
    found = precision_of(scanned(), after)
    assert not found.is_line_shared
    assert found.calibration == pytest.approx(6.0 * 2**0.5)


def test_a_phantom_in_each_scan_gives_each_an_error_of_its_own():
    line = Calibration("phantom", "HA", 1.3, 0.0, "in the scan", 0.01, 1.0, kind="phantom")
    assert not precision_of(scanned(calibration=line), scanned(calibration=line)).is_line_shared


def test_the_user_may_know_that_it_was_one_scanner():
    unknown = scanned(acquisition=acquisition(scanner=None))
    assert precision_of(unknown, unknown, same_scanner=True).is_line_shared
    assert not precision_of(unknown, unknown).is_line_shared


def test_what_is_left_of_a_contrast_agent_counts():
    enhanced = scanned(uncertainty=replace(PARTS, correction=9.5))
    assert precision_of(scanned(), enhanced).contrast == 9.5
    correction = Correction("portal venous contrast", 1.0, -17.5, 9.5, True, "published")
    assert precision_of(scanned(), scanned(uncertainty=None, correction=correction)).contrast == 9.5


def test_an_earlier_result_without_parts_is_as_sure_as_its_line_leaves_it():
    line_sd = LINE.sd(98.0)
    found = precision_of(scanned(uncertainty=None), scanned(uncertainty=None))
    assert found.reading == pytest.approx((2 * (7.0**2 - line_sd**2)) ** 0.5)


def test_nothing_is_more_precise_than_repeats_of_a_phantom():
    sure = scanned(uncertainty=replace(PARTS, network=0.0))
    assert precision_of(sure, sure).reading == pytest.approx(0.91 * 2**0.5)


def test_more_than_the_least_significant_change_is_a_change():
    limit = precision_of(scanned(), scanned()).least_significant_change
    assert not between(scanned(), scanned(l1=100 - limit + 0.5, l2=96 - limit + 0.5)).is_significant
    assert between(scanned(), scanned(l1=100 - limit - 0.5, l2=96 - limit - 0.5)).is_significant
    assert between(scanned(), scanned(l1=100 + limit + 0.5, l2=96 + limit + 0.5)).is_significant


def test_the_means_that_the_results_give_are_the_ones_compared():
    found = between(normal(), normal())
    assert found.before_mg_cm3 == pytest.approx(152.3) and found.vertebrae == normal().vertebrae_used
