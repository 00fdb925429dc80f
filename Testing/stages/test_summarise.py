"""Which two vertebrae make the mean, what category it gives, and when a reader is asked to look again."""

from __future__ import annotations

import pytest

from example_results import vertebra
from OpportunisticBMDLib.core.errors import Refused
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.quality import SeenMean, differences
from OpportunisticBMDLib.stages.summarise import chosen, status

INFO = Reason("kvp_unknown", "info", "The tube voltage is not known.")
WARNING = Reason("contrast_agent", "warning", "A contrast agent was given.")
REFUSAL = Reason("wrong_order", "refusal", "The masks do not follow each other.")


def disagreement(vertebrae: dict, pair: tuple[str, str], bmd: float = 200.0) -> list[Reason]:
    """What the densities of two vertebrae say; the mean itself is given."""
    return differences(SeenMean(tuple((name, vertebrae[name]) for name in pair), bmd, Thresholds()))


def substitution(pair: tuple[str, str], bmd: float) -> list[Reason]:
    return disagreement(measured(bmd, bmd, t12=bmd), pair, bmd)


@pytest.mark.parametrize(
    ("measurable", "pair"),
    [
        (("T12", "L1", "L2"), ("L1", "L2")),
        (("L2", "L1"), ("L1", "L2")),
        (("T12", "L1"), ("T12", "L1")),
        (("T12", "L2"), ("T12", "L2")),
    ],
)
def test_l1_and_l2_are_averaged_and_t12_replaces_one(measurable, pair):
    assert chosen(measurable) == pair


@pytest.mark.parametrize("measurable", [(), ("T12",), ("L1",), ("L2",)])
def test_fewer_than_two_are_refused(measurable):
    with pytest.raises(Refused, match="Fewer than two of T12, L1 and L2") as refusal:
        chosen(measurable)
    assert refusal.value.code == "too_few_vertebrae"


@pytest.mark.parametrize(("pair", "missing"), [(("T12", "L1"), "L2"), (("T12", "L2"), "L1")])
def test_substitution_names_the_vertebra_that_t12_replaces_and_that_thoracic_bodies_read_higher(pair, missing):
    (reason,) = substitution(pair, 100.0)
    assert (reason.code, reason.severity, reason.vertebra) == ("t12_substituted", "info", missing)
    assert reason.message.startswith(f"T12 replaces {missing} in the mean. Thoracic bodies read higher")
    # 80 and 120 in lumbar bodies are 91 and 128 in T12; half of the excess is in a mean of two.
    assert "about 91 and 128 there" in reason.message and "5.5" in reason.message and "4.0" in reason.message


@pytest.mark.parametrize(
    ("bmd", "severity"),
    [(79.9, "info"), (80.0, "warning"), (85.4, "warning"), (85.6, "info"), (119.9, "info"), (123.9, "warning")],
)
def test_substitution_warns_where_the_category_may_be_the_lower_one(bmd, severity):
    (reason,) = substitution(("T12", "L1"), bmd)
    assert reason.severity == severity
    assert ("may belong to the lower category" in reason.message) == (severity == "warning")


def test_no_substitution_is_reported_without_t12():
    assert substitution(("L1", "L2"), 82.0) == []


def measured(
    l1: float, l2: float, *, line_l1: float | None = None, line_l2: float | None = None, t12: float | None = None
) -> dict:
    """Densities of L1 and L2, and what the network would read, which agrees where it is not given; T12 is far off."""
    return {
        "T12": vertebra(0.0, network_bmd_mg_cm3=300.0) if t12 is None else vertebra(t12, network_bmd_mg_cm3=t12),
        "L1": vertebra(l1, network_bmd_mg_cm3=l1 if line_l1 is None else line_l1),
        "L2": vertebra(l2, network_bmd_mg_cm3=l2 if line_l2 is None else line_l2),
    }


@pytest.mark.parametrize(("l1", "l2"), [(120.0, 120.0), (135.0, 100.0), (100.0, 135.0)])
def test_neighbours_within_35_mg_agree(l1, l2):
    assert disagreement(measured(l1, l2), ("L1", "L2")) == []


@pytest.mark.parametrize(("l1", "l2"), [(145.0, 100.0), (100.0, 145.0)])
def test_neighbours_that_differ_by_more_raise_a_warning(l1, l2):
    (reason,) = disagreement(measured(l1, l2), ("L1", "L2"))
    assert (reason.code, reason.severity, reason.vertebra) == ("vertebrae_differ", "warning", None)
    assert "L1 and L2 differ by 45 mg/cm³" in reason.message


@pytest.mark.parametrize("line", [104.0, 136.0])
def test_network_far_from_the_reading_raises_a_warning_at_its_vertebra(line):
    (reason,) = disagreement(measured(110.0, 120.0, line_l2=line), ("L1", "L2"))
    assert (reason.code, reason.severity, reason.vertebra) == ("network_differs", "warning", "L2")
    assert "16 mg/cm³" in reason.message


@pytest.mark.parametrize("line", [115.5, 124.5])
def test_network_within_5_mg_of_the_reading_agrees(line):
    assert disagreement(measured(110.0, 120.0, line_l2=line), ("L1", "L2")) == []


def test_vertebra_outside_the_pair_is_not_asked():
    """T12 lies far from its neighbours and from the line, yet takes no part in the mean."""
    assert disagreement(measured(100.0, 100.0), ("L1", "L2")) == []
    assert {reason.code for reason in disagreement(measured(100.0, 100.0), ("T12", "L1"))} == {
        "t12_substituted",
        "vertebrae_differ",
        "network_differs",
    }


@pytest.mark.parametrize(
    ("bmd", "category"),
    [
        (-3.0, "osteoporosis"),
        (79.999, "osteoporosis"),
        (80.0, "osteopenia"),
        (100.0, "osteopenia"),
        (120.0, "osteopenia"),
        (120.001, "normal"),
        (250.0, "normal"),
    ],
)
def test_category_at_the_thresholds_of_acr_and_iscd(bmd, category):
    assert Thresholds().category(bmd) == category


@pytest.mark.parametrize("bmd", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_has_no_category(bmd):
    with pytest.raises(ValueError, match="no category"):
        Thresholds().category(bmd)


def test_thresholds_can_be_set():
    strict = Thresholds(osteoporosis=90.0, osteopenia=130.0)
    assert [strict.category(bmd) for bmd in (89.0, 90.0, 130.0, 131.0)] == [
        "osteoporosis",
        "osteopenia",
        "osteopenia",
        "normal",
    ]


def test_thresholds_of_another_material_are_converted_for_densities_in_ha():
    """Mindways' K2HPO4 reads about 3 % below HA: 80 of it are 82.6 of HA."""
    mindways = Thresholds(material="K2HPO4")
    assert mindways.in_ha == (pytest.approx(82.6, abs=0.1), pytest.approx(123.9, abs=0.1))
    assert [Thresholds().category(82.0), mindways.category(82.0)] == ["osteopenia", "osteoporosis"]
    assert [Thresholds().category(122.0), mindways.category(122.0)] == ["normal", "osteopenia"]
    with pytest.raises(ValueError, match="CaCO3"):
        Thresholds(material="CaCO3")


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ((), "measured"),
        ((INFO,), "measured"),
        ((INFO, WARNING), "review"),
        ((WARNING, REFUSAL, INFO), "refused"),
        ((REFUSAL,), "refused"),
    ],
)
def test_status_is_that_of_the_gravest_reason(reasons, expected):
    assert status(reasons) == expected
