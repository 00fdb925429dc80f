"""Figures, goals and the HTML report from invented records, and one real run of the shipped models."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

for package in ("scipy", "sklearn", "statsmodels", "torchmetrics", "MLstatkit", "monai", "joblib"):
    pytest.importorskip(package, reason="evaluation needs the training extra")

from invented_cases import invented_cases  # noqa: E402
from OpportunisticBMDLib.core.errors import BadInput  # noqa: E402
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE  # noqa: E402
from OpportunisticBMDTraining.evaluate import plots  # noqa: E402
from OpportunisticBMDTraining.evaluate.__main__ import main  # noqa: E402
from OpportunisticBMDTraining.evaluate.checklists import CLAIM, COVERED, NOT, PARTLY, TRIPOD  # noqa: E402
from OpportunisticBMDTraining.evaluate.comparisons import (  # noqa: E402
    FAILED,
    Comparison,
    Facts,
    VertebraComparison,
    load_comparisons,
    write_comparisons,
)
from OpportunisticBMDTraining.evaluate.designs import designs_of  # noqa: E402
from OpportunisticBMDTraining.evaluate.evaluate import evaluate  # noqa: E402
from OpportunisticBMDTraining.evaluate.figures import figures_of  # noqa: E402
from OpportunisticBMDTraining.evaluate.goals import PAPER_TABLE_1, goal_rows  # noqa: E402
from OpportunisticBMDTraining.evaluate.report import EvaluationReport, render, write_report  # noqa: E402
from OpportunisticBMDTraining.evaluate.sources import COHORTS, AnnotatedCases, VirtualCohort  # noqa: E402
from OpportunisticBMDTraining.evaluate.truth import variants_of  # noqa: E402

SECTIONS = (
    "evaluated",
    "goals",
    "localizer",
    "masks",
    "agreement",
    "diagnosis",
    "probabilities",
    "subgroups",
    "failures",
    "designs",
    "checklists",
    "again",
)


@pytest.fixture(scope="module")
def cases() -> list[Comparison]:
    return invented_cases()


@pytest.fixture(scope="module")
def page(cases, tmp_path_factory) -> str:
    directory = tmp_path_factory.mktemp("evaluation")
    designs = designs_of({"wide window": cases, "paper's window": invented_cases(sd=12.0)})
    write_report(EvaluationReport(cases, "opportunistic-bmd-lab evaluate -n 40", designs), directory)
    return (directory / "report.html").read_text(encoding="utf-8")


class _Tags(HTMLParser):
    """Collects every tag with its attributes, and checks that tags are closed in order."""

    VOID = ("meta", "img", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_has_every_section_and_no_outside_link(page):
    parsed = _Tags(page)
    assert parsed.open == []
    assert tuple(a["id"] for tag, a in parsed.tags if tag == "section") == SECTIONS
    assert not [tag for tag, _ in parsed.tags if tag in ("script", "link", "iframe", "a", "object", "embed")]
    sources = [value for _, attributes in parsed.tags for name, value in attributes.items() if name in ("src", "href")]
    assert len(sources) == 5 and all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "http" not in re.sub(r"base64,[^\"]+", "", page) and "url(" not in page


def test_pictures_are_whole_and_load_nothing(page):
    for picture in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page):
        svg = base64.b64decode(picture).decode()
        assert svg.rstrip().endswith("</svg>")
        assert all(link.startswith("#") for link in re.findall(r"href=\"([^\"]+)\"", svg))


def test_page_escapes_text_and_hides_no_missing_number(page):
    assert "&lt;not&gt; found" in page and "<not>" not in page
    text = re.sub(r"base64,[^\"]+|<[^>]+>", "", page)
    assert not re.search(r"\b(nan|None|inf)\b", text)


def test_page_shows_the_papers_table_1_line_for_line(page):
    for lines in PAPER_TABLE_1.values():
        for name, cells in lines.items():
            row = "".join(f"<td>{cell}</td>" for cell in (name, *cells))
            assert f'<tr class="paper">{row}</tr>' in page
    for cell in ("−10.16", "14.57", "+2.21", "0.967", "96.6 %"):
        assert cell in page


def test_report_made_again_from_its_csv_is_the_same(cases, tmp_path):
    write_report(EvaluationReport(cases, "c"), tmp_path / "first")
    again = load_comparisons(tmp_path / "first" / "cases.csv")
    write_report(EvaluationReport(again, "c"), tmp_path / "second")
    for name in ("report.html", "cases.csv", "report.json"):
        assert (tmp_path / "first" / name).read_text() == (tmp_path / "second" / name).read_text()


def test_json_holds_all_figures_and_no_nan(cases, tmp_path):
    figures = write_report(EvaluationReport(cases, "c"), tmp_path)
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["figures"]["readings"]["reading"]["bias"]["value"] == figures.readings["reading"].bias.value
    assert content["figures"]["coverage"]["n"] == 39
    assert len(content["cases"]) == 40 and content["cases"][-1]["bmd_mg_cm3"] is None
    assert [goal["name"] for goal in content["goals"]] == [row.name for row in goal_rows(figures, "one-scanner")]


def test_failures_count_as_failures(cases):
    figures, without = figures_of(cases), figures_of(cases[:-1])
    assert (figures.measured.k, figures.measured.n) == (39, 40)
    assert (without.measured.k, without.measured.n) == (39, 39)
    for proportion in (figures.localizer.recall, figures.localizer.edges, figures.localizer.in_crop):
        assert proportion.n == 40
    assert figures.localizer.precision.n == 39
    assert figures.labelled.n == 120 and figures.labelled.k == 117
    assert figures.masks["all"].dice.mean == pytest.approx(without.masks["all"].dice.mean * 117 / 120)
    osteoporosis = figures.conditions[0]
    assert osteoporosis.reading_all.sensitivity.n == osteoporosis.reading_measured.sensitivity.n + 1
    assert osteoporosis.reading_all.sensitivity.k == osteoporosis.reading_measured.sensitivity.k
    assert osteoporosis.curves_all.first.value < osteoporosis.curves_measured.first.value
    assert osteoporosis.curves_measured.first == without.conditions[0].curves_measured.first


def test_a_healthy_patient_who_was_not_measured_is_a_false_alarm(cases):
    healthy = [*cases[:-1], replace(cases[-1], truth_mg_cm3=190.0)]
    osteoporosis = figures_of(healthy).conditions[0]
    assert osteoporosis.reading_all.specificity.n == osteoporosis.reading_measured.specificity.n + 1
    assert osteoporosis.reading_all.specificity.k == osteoporosis.reading_measured.specificity.k
    assert osteoporosis.curves_all.first.value < osteoporosis.curves_measured.first.value


def test_refusing_a_scan_that_shows_one_vertebra_is_no_failure(cases):
    cut = {"T12": VertebraComparison(), "L1": VertebraComparison(False, False), "L2": VertebraComparison(False, False)}
    figures = figures_of([*cases[:-1], replace(cases[-1], vertebrae=cut)])
    assert (figures.measured.n, figures.rightly_refused.k) == (39, 1)
    assert figures.localizer.recall.n == 39
    assert figures.labelled.n == 118
    assert figures.conditions[0].reading_all == figures.conditions[0].reading_measured


def test_doubtful_numbering_is_right_or_flagged():
    wrong = {name: VertebraComparison(dice=0.9, labelled_right=False) for name in VERTEBRAE}
    case = Comparison("1", "review", truth_mg_cm3=100.0, bmd_mg_cm3=100.0, vertebrae=wrong)
    doubtful = Facts(variants=("13 ribs",))
    assert figures_of([case]).labelled.k == 0
    assert figures_of([replace(case, facts=doubtful)]).labelled.k == 3
    assert figures_of([replace(case, facts=doubtful, status="measured")]).labelled.k == 0


def test_coverage_counts_intervals_that_hold_the_truth():
    inside = Comparison("1", "measured", truth_mg_cm3=100.0, bmd_mg_cm3=109.7, bmd_sd_mg_cm3=5.0)
    outside = replace(inside, bmd_mg_cm3=109.9)
    coverage = figures_of([inside, outside, inside, inside]).coverage
    assert (coverage.k, coverage.n) == (3, 4)


def test_subgroups_hold_every_patient_whose_fact_is_known(cases):
    subgroups = figures_of(cases).subgroups
    kinds = list(dict.fromkeys(s.kind for s in subgroups))
    for kind in ("Sex", "Age (years)", "Tube voltage", "Slice thickness", "Contrast agent", "Scanner", "True category"):
        assert kind in kinds
    assert sum(s.n for s in subgroups if s.kind == "Sex") == 40
    assert [s.name for s in subgroups if s.kind == "Slice thickness"] == [
        "below 1 mm",
        "1 to 2 mm",
        "2 to 4 mm",
        "4 mm and more",
    ]
    assert [s.name for s in subgroups if s.kind == "Tube voltage"] == ["100 kVp", "120 kVp", "140 kVp"]
    errors = [c.bmd_mg_cm3 - c.truth_mg_cm3 for c in cases if c.facts.kvp == 100.0]
    (group,) = [s for s in subgroups if s.name == "100 kVp"]
    assert (group.error.mean, group.error.sd) == (pytest.approx(np.mean(errors)), pytest.approx(np.std(errors, ddof=1)))


def test_patient_with_two_unusual_things_is_in_both_subgroups():
    one = Comparison("1", "measured", facts=Facts(variants=("13 ribs", "metal")))
    figures = figures_of(
        [one, Comparison("2", "measured", facts=Facts(variants=("metal",))), Comparison("3", "measured")]
    )
    assert {s.name: s.n for s in figures.subgroups} == {"13 ribs": 1, "metal": 2, "nothing": 1}


def perfect_cases(n: int = 40) -> list[Comparison]:
    vertebrae = {name: VertebraComparison(dice=0.99, labelled_right=True) for name in VERTEBRAE}
    truths = np.linspace(40, 200, n)
    return [
        Comparison(
            str(i),
            "measured",
            facts=Facts(contrast=i % 3 == 0),
            vertebrae=vertebrae,
            box_iou=0.99,
            upper_edge_mm=0.0,
            lower_edge_mm=0.0,
            in_crop=True,
            truth_mg_cm3=t,
            bmd_mg_cm3=t + (4.0 if i % 20 == 0 else 0.5 * (-1) ** i),
            bmd_sd_mg_cm3=1.0,
            network_mg_cm3=t + 1,
            true_mask_mg_cm3=t + (4.0 if i % 20 == 0 else 0.5 * (-1) ** i) - 0.4 * (-1) ** (i // 2),
            calibrated_mg_cm3=t + 0.1 * (-1) ** i,
            calibrated_sd_mg_cm3=0.1 if i % 20 else 0.04,
            calibrated_network_mg_cm3=t,
            probability_osteoporosis=float(t < 80),
            probability_abnormal=float(t <= 120),
        )
        for i, t in enumerate(truths)
    ]


def test_intervals_with_the_scanners_line_have_a_coverage_of_their_own():
    figures = figures_of(perfect_cases())
    assert figures.coverage.value == pytest.approx(0.95)
    tighter = [replace(c, calibrated_sd_mg_cm3=0.04 if i % 10 == 0 else 0.1) for i, c in enumerate(perfect_cases())]
    assert figures_of(tighter).calibrated_coverage.value == pytest.approx(0.9)


def test_contrast_is_judged_apart():
    cases = [replace(c, bmd_mg_cm3=c.truth_mg_cm3 + (9.0 if c.facts.contrast else -1.0)) for c in perfect_cases()]
    readings = figures_of(cases).readings
    assert readings["reading, with contrast"].bias.value == pytest.approx(9.0)
    assert readings["reading, without contrast"].bias.value == pytest.approx(-1.0)
    assert readings["reading"].n == readings["reading, with contrast"].n + readings["reading, without contrast"].n


def test_what_masks_change_is_the_difference_to_the_true_ones():
    figures = figures_of(perfect_cases())
    assert figures.mask_effect.n == 40 and figures.mask_effect.sd == pytest.approx(0.4, rel=0.05)
    assert figures.mask_effect.mean == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("cohort", ["one-scanner", "many-scanners"])
def test_goals_are_reached_by_near_perfect_cases_and_missed_by_refusals(cohort):
    reached = goal_rows(figures_of(perfect_cases()), cohort)
    assert all(row.reached in (True, None) for row in reached)
    free = {row.name for row in reached if row.reached is None}
    assert "BMD error with contrast: SD / bias (mg/cm³)" in free and len(free) == (3 if cohort == "one-scanner" else 2)
    refusals = [Comparison(str(i), "refused", truth_mg_cm3=50.0 + i) for i in range(40)]
    assert not any(row.reached for row in goal_rows(figures_of(refusals), cohort))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("Dice", {"vertebrae": {name: VertebraComparison(dice=0.5, labelled_right=True) for name in VERTEBRAE}}),
        ("Box found", {"in_crop": False}),
        ("Upper and lower", {"lower_edge_mm": 6.5}),
        ("labelled right", {"vertebrae": {n: VertebraComparison(dice=0.99, labelled_right=False) for n in VERTEBRAE}}),
    ],
)
def test_each_goal_is_missed_where_a_tenth_of_the_patients_fail_it(part, change):
    cases = perfect_cases()
    cases = [replace(c, **change) if i % 10 == 0 else c for i, c in enumerate(cases)]
    missed = [row.name for row in goal_rows(figures_of(cases), "one-scanner") if row.reached is False]
    assert len(missed) == 1 and part in missed[0]


def test_biased_and_too_certain_densities_miss_their_goals():
    cases = [replace(c, bmd_mg_cm3=c.bmd_mg_cm3 + 3) for c in perfect_cases()]
    missed = [row.name for row in goal_rows(figures_of(cases), "one-scanner") if row.reached is False]
    assert missed == ["BMD error: SD / bias (mg/cm³)", "95 % interval covers the truth"]


def test_an_annotated_dataset_has_nothing_to_reach(cases):
    rows = goal_rows(figures_of(cases), "our hospital")
    assert {(row.to_reach, row.reached) for row in rows} == {("–", None)}
    assert all(row.measured for row in rows)


def test_designs_are_compared_on_the_same_patients(cases):
    worse = invented_cases(sd=20.0)
    designs = designs_of({"wide": cases, "narrow": worse})
    assert [d.name for d in designs] == ["wide", "narrow", "DenseNet"]
    assert float(designs[1].cells["SD (mg/cm³)"]) > float(designs[0].cells["SD (mg/cm³)"])
    assert (designs[0].cells["p"], designs[1].cells["p"]) == ("–", "< 0.001")
    with pytest.raises(ValueError, match="other patients"):
        designs_of({"wide": cases, "narrow": worse[:-2]})


def test_checklists_have_every_item_once():
    assert [item.number for item in CLAIM] == [str(n) for n in range(1, 43)]
    halves = {"3": "ab", "4": "ab", "5": "abc", "6": "ab", "7": "ab", "10": "abcde", "13": "abc", "14": "ab"}
    halves |= {"15": "ab", "19": "ab"}
    expected = [f"{n}{half}" for n in range(1, 23) for half in halves.get(str(n), [""])]
    assert [item.number for item in TRIPOD] == expected
    assert all(item.coverage in (COVERED, PARTLY, NOT) and item.where for item in (*TRIPOD, *CLAIM))


def test_checklists_name_sections_that_the_page_has(page):
    titles = re.findall(r"<h2>([^<]+)</h2>", page)
    for item in (*TRIPOD, *CLAIM):
        if named := re.match(r"sections? (.+)", item.where):
            assert any(title in named[1] for title in [*titles, "BMD"]), item


@pytest.mark.parametrize("few", [[Comparison("1", "refused", truth_mg_cm3=90.0)], invented_cases(3)])
def test_page_of_too_few_patients_says_so_with_dashes(few):
    page = render(EvaluationReport(few, "c"), figures_of(few))
    assert _Tags(page).open == []
    assert not re.search(r"\b(nan|None)\b", re.sub(r"base64,[^\"]+|<[^>]+>", "", page))


def test_same_figures_give_the_same_picture(cases):
    figures = figures_of(cases)
    assert plots.roc_plot(cases, figures) == plots.roc_plot(cases, figures)


def test_command_reports_again_from_csv(cases, tmp_path, capsys):
    write_comparisons(tmp_path / "cases.csv", cases)
    write_comparisons(tmp_path / "other.csv", invented_cases(sd=12.0))
    given = ["--from", str(tmp_path / "cases.csv"), "--against", f"other={tmp_path / 'other.csv'}"]
    assert main([*given, "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "| patients, measured | 40, 39 |" in printed
    assert "| figure | paper | to reach | measured | reached |" in printed
    assert "| other | 97.5 % (39/40) |" in printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cases.csv", "report.html", "report.json"]
    assert 'id="designs"' in (tmp_path / "out" / "report.html").read_text()


def test_command_without_other_designs_has_no_such_section(cases, tmp_path, capsys):
    write_comparisons(tmp_path / "cases.csv", cases)
    assert main(["--from", str(tmp_path / "cases.csv"), "-o", str(tmp_path)]) == 0
    assert 'id="designs"' not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "missing.csv"], "missing.csv cannot be read"),
        (["--dataset", "nowhere"], "nowhere"),
        (["-n", "0"], "0 patients"),
        (["--jobs", "0"], "--jobs is 0"),
    ],
)
def test_bad_input_is_one_line(arguments, says, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


def test_file_that_is_no_evaluation_is_refused(tmp_path):
    (tmp_path / "cases.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="no CSV file of an evaluation"):
        load_comparisons(tmp_path / "cases.csv")
    (tmp_path / "empty.csv").write_text("id,status\n")
    with pytest.raises(BadInput, match="no patients"):
        load_comparisons(tmp_path / "empty.csv")


def test_cohorts_are_those_of_the_virtual_patients():
    from OpportunisticBMDTraining.virtual.patient import COHORTS as KNOWN

    assert set(KNOWN) == set(COHORTS)


def test_variants_of_virtual_patients_are_named():
    """Of the first patients of many scanners: what their parameters say, and nothing for one scanner."""
    from OpportunisticBMDTraining.virtual.patient import draw_parameters

    several = [draw_parameters(seed, "many-scanners") for seed in range(200)]
    named = [variants_of(parameters) for parameters in several]
    assert {name for names in named for name in names} == {
        "13 ribs",
        "6 lumbar vertebrae",
        "fracture",
        "cement",
        "metal",
    }
    for parameters, names in zip(several, named):
        assert ("13 ribs" in names) == (parameters.body.rib13 != (0.0, 0.0))
        assert ("6 lumbar vertebrae" in names) == any(v.name == "L6" for v in parameters.vertebrae)
    assert not any(variants_of(draw_parameters(seed)) for seed in range(20))


def test_unknown_cohort_is_refused():
    with pytest.raises(ValueError, match="two-scanners"):
        VirtualCohort("two-scanners", 1, 1)


@pytest.mark.slow
def test_shipped_models_on_one_virtual_patient_and_on_the_same_as_a_dataset(tmp_path):
    """Both ways see the same patient; once its CT is damaged, it is a failure with a reason."""
    from OpportunisticBMDTraining.simulate import simulate

    simulate(1, 9, tmp_path / "dataset")  # the patient of seed 900000
    (virtual,) = evaluate(VirtualCohort("one-scanner", 900_000, 1))
    (annotated,) = evaluate(AnnotatedCases(tmp_path / "dataset"))
    (tmp_path / "dataset" / "cases" / "virtual-9-00000" / "ct.nii.gz").write_bytes(b"no CT")
    (unreadable,) = evaluate(AnnotatedCases(tmp_path / "dataset"))
    assert virtual.measured and virtual.in_crop
    assert min(virtual.dice.values()) > 0.6
    assert abs(virtual.bmd_mg_cm3 - virtual.truth_mg_cm3) < 30
    assert np.isfinite(virtual.calibrated_mg_cm3) and np.isfinite(virtual.calibrated_network_mg_cm3)
    assert all(v.labelled_right and v.whole for v in virtual.vertebrae.values())
    assert annotated.bmd_mg_cm3 == pytest.approx(virtual.bmd_mg_cm3, abs=0.1)
    assert annotated.dice == pytest.approx(virtual.dice, abs=0.005)
    assert np.isnan(annotated.calibrated_mg_cm3) and annotated.seed is None
    assert annotated.facts.sex == virtual.facts.sex
    assert (unreadable.status, unreadable.reasons) == (FAILED, ("unreadable",))
    assert "ct.nii.gz" in unreadable.message
    figures = figures_of([annotated, unreadable])
    assert (figures.measured.k, figures.measured.n) == (1, 2)
