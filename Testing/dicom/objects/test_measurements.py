"""The result as a structured report, read back by highdicom and dcmqi, and judged by others' programs."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

import highdicom
import numpy as np

from dicom_programs import errors_of, said_by
from example_results import EXAMPLES, MODELS, normal, review
from measured_series import KINDS, Measured, series
from OpportunisticBMDLib.core.reason import Figure, Reason
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.uncertainty import Uncertainty
from OpportunisticBMDLib.core.vertebra import VertebraFigures
from OpportunisticBMDLib.dicom.objects.measurements import structured_report
from OpportunisticBMDLib.dicom.objects.segmentation import dicom_segmentation

BMD, SD, MEAN_HU, SD_HU, VOLUME = "OBMD001", "OBMD002", "112181", "112183", "118565006"
SEGMENT = "121191"
RANGE, STATUS, CAUTION, GENANT = "OBMD010", "OBMD020", "OBMD031", "OBMD050"


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Measured:
    return series(tmp_path_factory.mktemp("ct"))


def report_of(measured: Measured, result: Result):
    source = measured.source
    masks = dicom_segmentation(source, measured.segmentation.labels, result) if result.vertebrae else None
    return highdicom.sr.Comprehensive3DSR.from_dataset(structured_report(source, masks, result)), masks


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request, measured, tmp_path_factory) -> tuple[Result, object, object, Path]:
    """A result, its segmentation, its report as read back, and the file."""
    result = EXAMPLES[request.param]()
    report, masks = report_of(measured, result)
    path = tmp_path_factory.mktemp("sr") / "sr.dcm"
    report.save_as(path, enforce_file_format=True)
    return result, masks, highdicom.sr.srread(path), path


def numbers_in(items) -> dict[str, float]:
    """Code -> value of all numbers right below a content item."""
    numbers = (item for item in items if item.ValueType == "NUM")
    return {
        item.ConceptNameCodeSequence[0].CodeValue: float(item.MeasuredValueSequence[0].NumericValue) for item in numbers
    }


def answers_in(items) -> dict[str, list[str]]:
    """Code of the question -> codes of the answers."""
    answers: dict[str, list[str]] = {}
    for item in items:
        if item.ValueType == "CODE":
            question = item.ConceptNameCodeSequence[0].CodeValue
            answer = item.ConceptCodeSequence[0]
            answers.setdefault(question, []).append(answer.get("CodeValue") or answer.LongCodeValue)
    return answers


def part(report, code: str):
    """The items of the container of that name; none where there is none."""
    found = [item for item in report.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == code]
    return found[0].ContentSequence if found else []


def test_each_vertebra_has_a_group_that_refers_to_its_segment(example):
    result, masks, report, _ = example
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == list(result.vertebrae)
    for number, group in enumerate(groups, start=1):
        (segment,) = [item for item in group[0].ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == SEGMENT]
        (reference,) = segment.ReferencedSOPSequence
        assert reference.ReferencedSOPInstanceUID == masks.SOPInstanceUID
        assert reference.ReferencedSegmentNumber == number


@pytest.mark.parametrize("kind", ["axial", "enhanced", "enhanced, tilted gantry", "converted"])
def test_a_segment_refers_to_the_slices_that_it_lies_on(tmp_path, kind):
    measured = series(tmp_path, **KINDS[kind])
    report, masks = report_of(measured, normal())
    source, lies_on = measured.source, defaultdict(set)
    for group in masks.PerFrameFunctionalGroupsSequence:
        segment = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        height = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)[2]
        lies_on[segment].add(round(height, 2))
    heights = {
        (image.SOPInstanceUID, frame): round(float(image.ImagePositionPatient[2]), 2)
        for image, frame in zip(source.images, source.frames)
    }
    for number, group in enumerate(report.content.get_volumetric_roi_measurement_groups(), start=1):
        references = [
            (item.referenced_sop_instance_uid, frame)
            for item in group.referenced_segment.source_images_for_segmentation
            for frame in item.referenced_frame_numbers or [None]
        ]
        assert {heights[reference] for reference in references} == lies_on[number]


def test_figures_come_back(example):
    result, _, report, _ = example
    for group in report.content.get_volumetric_roi_measurement_groups():
        figures = VertebraFigures.of(result.vertebrae[group.tracking_identifier])
        numbers = {m.name.value: (m.value, m.unit.value) for m in group.get_measurements()}
        assert numbers[MEAN_HU] == (figures.hu_region, "[hnsf'U]") and numbers[SD_HU] == (38.0, "[hnsf'U]")
        assert numbers[VOLUME] == (figures.volume_mm3, "mm3")
        assert (BMD in numbers) == figures.is_measured
        if figures.is_measured:
            assert numbers[BMD] == (figures.bmd_mg_cm3, "mg/cm3") and numbers[SD] == (figures.bmd_sd_mg_cm3, "mg/cm3")


def test_the_mean_and_its_range_come_back(example):
    result, _, report, _ = example
    assert numbers_in(part(report, "126011")).get(BMD) == result.bmd_mg_cm3
    answers = answers_in(part(report, "C0034375"))
    known = {"osteoporosis": "OBMD011", "osteopenia": "OBMD012", "normal": "OBMD013", None: None}
    assert answers.get(RANGE, [None]) == [known[result.category]]
    assert answers[STATUS] == [{"measured": "OBMD021", "review": "OBMD022", "refused": "OBMD023"}[result.status]]


def test_a_refused_result_has_no_number(example):
    result, _, report, path = example
    if result.status == "refused":
        assert " NUM:" not in said_by("dsrdump", path)
        assert answers_in(part(report, "C0034375"))["OBMD030"] == ["box_leaves_scan"]


def test_masks_that_nothing_was_found_out_of_have_no_figures(measured):
    source = measured.source
    result = replace(normal(), status="refused", vertebrae={}, vertebrae_used=(), bmd_mg_cm3=None, category=None)
    masks = dicom_segmentation(source, measured.segmentation.labels, result)
    report = highdicom.sr.Comprehensive3DSR.from_dataset(structured_report(source, masks, result))
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 3 and not [m for group in groups for m in group.get_measurements()]


def test_the_interval_is_told(measured):
    result = replace(normal(), uncertainty=Uncertainty(1.0, 2.0, 3.0, 4.0, 0.0, (141.0, 163.5)))
    numbers = numbers_in(part(report_of(measured, result)[0], "126011"))
    assert (numbers["OBMD003"], numbers["OBMD004"]) == (141.0, 163.5)


def test_reasons_stand_where_they_belong(measured):
    report, _ = report_of(measured, review())
    assert answers_in(part(report, "C0034375"))[CAUTION] == ["contrast_agent"]
    group = report.content.get_volumetric_roi_measurement_groups()[2]
    assert [e.value.value for e in group.get_qualitative_evaluations() if e.name.value == CAUTION] == [
        "excluded_by_reader"]  # fmt: skip


@pytest.mark.parametrize("loss, grade", [(21.0, "OBMD052"), (30.0, "OBMD053"), (45.0, "OBMD054")])
def test_a_fracture_has_its_grade(measured, loss, grade):
    reason = Reason("compressed", "warning", "L2 looks compressed.", "L2", Figure(loss, 20.0))
    report, _ = report_of(measured, replace(review(), reasons=(reason,)))
    group = report.content.get_volumetric_roi_measurement_groups()[2]
    assert [e.value.value for e in group.get_qualitative_evaluations() if e.name.value == GENANT] == [grade]


def test_program_and_models_are_named(example):
    _, _, _, path = example
    said = said_by("dsrdump", "+Pl", path)
    assert "OpportunisticBMD" in said and errors_of(said) == []
    for stage, model in MODELS.items():
        assert f"{stage}: {model['name']}, SHA-256 {model['sha256']}" in said


def test_dcmqi_reads_the_vertebrae(example, tmp_path):
    result, masks, _, path = example
    said = said_by("tid1500reader", "--inputDICOM", path, "--outputMetadata", tmp_path / "sr.json")
    if not result.vertebrae:
        return
    groups = json.loads((tmp_path / "sr.json").read_text(encoding="utf-8"))["Measurements"]
    assert [group["TrackingIdentifier"] for group in groups] == list(result.vertebrae), said
    assert [group["ReferencedSegment"] for group in groups] == [1, 2, 3]
    assert {group["segmentationSOPInstanceUID"] for group in groups} == {masks.SOPInstanceUID}


def test_it_is_a_valid_object(example):
    assert errors_of(said_by("dciodvfy", example[3])) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["enhanced", "converted"])
def test_a_report_on_frames_is_a_valid_object_and_follows_its_template(tmp_path, kind):
    report, _ = report_of(series(tmp_path / "ct", **KINDS[kind]), review())
    report.save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    for program in ("dciodvfy", "DicomSRValidator", "dsrdump"):
        assert errors_of(said_by(program, tmp_path / "sr.dcm")) == []


@pytest.mark.slow
def test_it_follows_its_template(example):
    said = said_by("DicomSRValidator", example[3])
    assert "Found Root Template TID_1500" in said and errors_of(said) == []
