"""When a phantom was scanned is told with its line; when a patient was is told nowhere."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from example_results import normal
from OpportunisticBMDLib.reading.facts.acquisition_facts import acquisition_of_header
from OpportunisticBMDLib.results.json_file import as_json


@pytest.mark.parametrize(
    ("value", "date"),
    [("20260512", "2026-05-12"), ("20261312", None), ("2026", None), ("", None), ("yesterday", None)],
)
def test_the_date_is_that_of_the_header(value, date):
    header = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT", "AcquisitionDate": value}
    assert acquisition_of_header(header, "ct", "DICOM").scanned_on == date


def test_no_result_of_a_patient_tells_the_date():
    result = normal()
    dated = replace(result, acquisition=replace(result.acquisition, scanned_on="2026-05-12"))
    assert "2026-05-12" not in json.dumps(as_json(dated))
