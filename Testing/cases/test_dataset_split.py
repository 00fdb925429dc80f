"""Folds: 6:2:2 with four rounds, nobody in two sets, each fold with its share of every category."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

pytest.importorskip("sklearn")

from annotated_cases import BMD, INFO, annotated_case
from OpportunisticBMDLib.cases import ROUNDS, TEST_FOLD, CaseInfo, Entry, open_dataset, rounds, write_case
from OpportunisticBMDLib.cases.split import category_of, folds_of
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDTraining.dataset import main


def cohort(n: int) -> tuple[dict[str, str], dict[str, str]]:
    """The paper's mixture: 24 % osteoporosis, 37 % osteopenia; every fifth patient has two cases."""
    mixture = ("osteoporosis",) * 24 + ("osteopenia",) * 37 + ("normal",) * 39
    patients, categories = {}, {}
    for number in range(n):
        for scan in range(2 if number % 5 == 0 else 1):
            patients[f"{number}-{scan}"] = f"patient {number}"
            categories[f"{number}-{scan}"] = mixture[number * 37 % 100]
    return patients, categories


def test_sizes_are_6_to_2_to_2_in_every_round():
    patients, categories = cohort(500)
    folds = folds_of(patients, categories, seed=0)
    for sets in rounds([Entry(case_id, fold) for case_id, fold in folds.items()]):
        sizes = [len(ids) / len(patients) for ids in (sets.training, sets.validation, sets.test)]
        assert sizes == pytest.approx([0.6, 0.2, 0.2], abs=0.01)
        assert not set(sets.training) & set(sets.validation) and not set(sets.training) & set(sets.test)


def test_every_case_validates_once_or_tests_always():
    patients, categories = cohort(100)
    entries = [Entry(case_id, fold) for case_id, fold in folds_of(patients, categories, seed=1).items()]
    all_rounds = rounds(entries)
    assert len(all_rounds) == ROUNDS and len({sets.test for sets in all_rounds}) == 1
    validated = Counter(case_id for sets in all_rounds for case_id in sets.validation)
    assert set(validated.values()) == {1}
    assert set(validated) | set(all_rounds[0].test) == set(patients)


def test_a_patients_cases_stay_together():
    patients, categories = cohort(100)
    folds = folds_of(patients, categories, seed=2)
    of_patient: dict[str, set[int]] = {}
    for case_id, patient in patients.items():
        of_patient.setdefault(patient, set()).add(folds[case_id])
    assert all(len(several) == 1 for several in of_patient.values())


def test_each_fold_has_its_share_of_each_category():
    patients, categories = cohort(500)
    folds = folds_of(patients, categories, seed=0)
    total = Counter(categories.values())
    for fold in range(5):
        counts = Counter(categories[case_id] for case_id in folds if folds[case_id] == fold)
        for category, number in total.items():
            assert counts[category] == pytest.approx(number / 5, abs=3)


def test_the_seed_decides():
    patients, categories = cohort(50)
    assert folds_of(patients, categories, 3) == folds_of(dict(reversed(patients.items())), categories, 3)
    assert folds_of(patients, categories, 3) != folds_of(patients, categories, 4)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rare", [1, 2, 4])
def test_rare_categories_are_dealt_too(rare):
    categories = {str(n): "osteoporosis" if n < rare else "normal" for n in range(12)}
    folds = folds_of({case_id: case_id for case_id in categories}, categories, 0)
    assert sorted(Counter(folds.values()).values()) == [2, 2, 2, 3, 3]


def test_too_few_patients():
    with pytest.raises(BadInput, match="at least 5 patients, and there are 2"):
        folds_of({str(n): f"p{n % 2}" for n in range(10)}, {str(n): "normal" for n in range(10)}, 0)


@pytest.mark.parametrize(
    ("bmd", "category"),
    [
        ({"L1": 70, "L2": 80}, "osteoporosis"),
        ({"L1": 70, "L2": 90}, "osteopenia"),
        ({"T12": 300, "L1": 120, "L2": 120}, "osteopenia"),
        ({"T12": 130, "L1": 120}, "normal"),
        ({}, "unknown"),
    ],
)
def test_the_category_is_that_of_the_reference(bmd, category):
    assert category_of(CaseInfo(bmd, "QCT" if bmd else None)) == category


def test_unfinished_cases_are_in_no_set_and_a_finished_one_needs_a_fold():
    entries = [Entry(str(n), n, "reviewed") for n in range(5)] + [Entry("x", 0, "draft"), Entry("y", None, "new")]
    assert {i for sets in rounds(entries) for i in sets.training + sets.validation + sets.test} == set("01234")
    with pytest.raises(ValueError, match="split anew"):
        rounds([Entry("a", None)])


def test_the_command_writes_folds_and_says_how(tmp_path, capsys):
    for number in range(6):
        bmd = dict.fromkeys(BMD, 60.0 + 20 * number)
        info = replace(INFO, patient="twice" if number < 2 else None)
        write_case(tmp_path, annotated_case(f"case-{number}", info, bmd), status="reviewed")
    assert main(["split", str(tmp_path), "--seed", "3"]) == 0
    assert "| 4 (test) |" in capsys.readouterr().out
    dataset = open_dataset(tmp_path)
    assert {entry.fold for entry in dataset.entries} == set(range(5))
    assert dataset.entry("case-0").fold == dataset.entry("case-1").fold and dataset.entry("case-5").status == "reviewed"
    how = json.loads((tmp_path / "dataset.json").read_text())["split"]
    assert how == {"folds": 5, "test_fold": TEST_FOLD, "stratified_by": "BMD category", "seed": 3}
    assert main(["split", str(tmp_path), "--seed", "3"]) == 0 and "changed their fold" not in capsys.readouterr().out
    assert main(["split", str(tmp_path), "--seed", "4"]) == 0 and "changed their fold" in capsys.readouterr().out


def test_the_command_on_too_few(tmp_path, capsys):
    write_case(tmp_path, annotated_case())
    assert main(["split", str(tmp_path)]) == 2
    assert "at least 5 patients" in capsys.readouterr().err
