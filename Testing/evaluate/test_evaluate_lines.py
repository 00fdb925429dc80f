"""The table of calibration lines on virtual patients."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

pytest.importorskip("lightning", reason="the laboratory needs the training extra")

from OpportunisticBMDLib.calibration.phantoms import BELOW_PATIENTS
from OpportunisticBMDTraining.evaluate.lines import BELOW, WAYS, LinesOfPatient, table


def patient(contrast: bool = False, true: float = 100.0, **found: float) -> LinesOfPatient:
    return LinesOfPatient(1, 120.0, contrast, "bdc-6", true, **found)


def rows(found: list[LinesOfPatient]) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(found).splitlines()[2:]]
    return {row[0]: row[1:] for row in cells}


def test_a_row_is_a_way_and_patients_with_an_agent_stand_apart():
    found = [
        patient(voltage=4.0, voltage_sd=8.0, phantom=1.0, phantom_sd=2.0),
        patient(voltage=-2.0, voltage_sd=9.0),
        patient(contrast=True, voltage=12.0, voltage_sd=8.0),
        patient(true=np.nan),
    ]
    shown = rows(found)
    assert list(shown) == list(WAYS.values())
    assert shown[WAYS["voltage"]] == ["2 of 2", "+1.00 ± 3.00", "8.5", "1 of 1", "+12.00 ± 0.00", "8.0"]
    assert shown[WAYS["phantom"]] == ["1 of 2", "+1.00 ± 0.00", "2.0", "0 of 1", "–", "–"]


def test_every_way_has_its_error_and_its_sd():
    names = {field.name for field in fields(LinesOfPatient)}
    assert names.issuperset(WAYS) and names.issuperset(f"{way}_sd" for way in WAYS)


def test_all_phantoms_that_are_found_under_patients_are_tried():
    assert len(BELOW) == len(BELOW_PATIENTS)
