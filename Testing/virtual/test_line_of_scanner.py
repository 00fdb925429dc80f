"""A scanner that is off, a phantom scanned on it, and a patient later: his line is found, and is right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from OpportunisticBMDLib.calibration import line_of
from OpportunisticBMDLib.calibration.phantom_line import line_of_phantom
from OpportunisticBMDLib.calibration.phantoms import PHANTOMS
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.pipeline import Pipeline
from OpportunisticBMDLib.scanners.registry import ScannerRegistry

phantom = pytest.importorskip("OpportunisticBMDTraining.virtual.phantom", reason="needs the training extra")
patient = pytest.importorskip("OpportunisticBMDTraining.virtual.patient")

SCAN = 11  # of the phantom: 7 % too steep and 35 HU too high, at 120 kVp
MACHINE = {"scanner": "virtual", "scanner_id": "a" * 16, "kernel": "soft"}


@pytest.mark.slow
def test_a_patient_is_read_by_the_line_of_his_scanner(tmp_path):
    drawn = phantom.draw_phantom_scan(SCAN)
    scanned = phantom.phantom_ct(drawn)
    dated = replace(scanned.acquisition, scanned_on="2026-05-12", **MACHINE)
    registry = ScannerRegistry(tmp_path / "scanners.sqlite")
    registry.enter(line_of_phantom(CT(scanned.volume, dated), PHANTOMS["esp"]))

    parameters = replace(patient.draw_parameters(1), contrast=False, marrow_contrast_hu=0.0, agent=None)
    same = {"slope": drawn.scan.slope, "offset": drawn.scan.offset, "kvp": drawn.scan.kvp}
    made = patient.render(replace(parameters, scan=replace(parameters.scan, **same)))
    ct = CT(made.ct, replace(made.acquisition, **MACHINE))
    chain = replace(Pipeline.load(), scanners=registry)
    result = chain.measure(ct, Segmentation(made.labels, {})).result
    assert (result.calibration.kind, result.calibration.measured_on) == ("scanner", "2026-05-12")
    computed = line_of(ct.acquisition)
    for name in VERTEBRAE:
        middle, true = result.vertebrae[name].middle, made.bmd_mg_cm3[name]
        assert result.calibration.bmd(middle.hu_mean) == pytest.approx(true, abs=3.0)
        assert computed.bmd(middle.hu_mean) > true + 25
