"""Whatever two scans do not share is told, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from example_results import LINE, MODELS, acquisition, normal
from OpportunisticBMDLib.core.contrast import Contrast, Phase
from OpportunisticBMDLib.core.reason import Reason
from OpportunisticBMDLib.followup import Scan
from OpportunisticBMDLib.followup.cautions import cautions

FACTS = {"scanner": "SIEMENS SOMATOM", "kvp": 120.0, "kernel": "B30f", "contrast_agent": ""}
THICK = Reason("thick_slices", "warning", "The slices are 5 mm thick.")
UNSURE = Reason("unsure_levels", "info", "Which vertebrae these are cannot be told for sure.")


def scanned(**facts: object):
    return replace(normal(), acquisition=acquisition(**{**FACTS, **facts}))


def told(after, before=None, **options: bool) -> str:
    scans = Scan.on("old", before or scanned(), "2024-05-12"), Scan.on("new", after, "2026-05-12")
    return " ".join(cautions(*scans, ("L1", "L2"), **options))


def test_scans_that_share_all_have_none():
    assert told(scanned()) == ""


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (scanned(scanner="GE Discovery"), "Scanners differ (SIEMENS SOMATOM, then GE Discovery)"),
        (scanned(scanner=None), "not known for both"),
        (scanned(kernel="B60f"), "Kernels differ (B30f, then B60f)"),
        (scanned(kvp=100.0), "Tube voltages differ (120 kVp, then 100 kVp)"),
        (scanned(kvp=None), "(120 kVp, then not stated)"),
        (scanned(contrast_agent="Iohexol"), "Contrast phases differ (none, then Iohexol)"),
        (replace(scanned(), contrast=Contrast(Phase.PORTAL_VENOUS, "pixels")), "(none, then portal venous)"),
        (
            replace(scanned(), calibration=replace(LINE, name="own", slope_hu_per_mg_cm3=1.4)),
            "(120 kVp line, then own)",
        ),
        (replace(scanned(), calibration=replace(LINE, kind="internal")), "line of its own (120 kVp line)"),
        (replace(scanned(), spacing_mm=(0.7, 0.7, 5.0)), "Slices are 1.25 mm, then 5 mm apart"),
        (replace(scanned(), models={**MODELS, "bmd": {"name": "x", "sha256": "e" * 64}}), "networks differ (bmd)"),
        (replace(scanned(), models={}), "networks differ (localizer, skeleton, segmentation, bmd)"),
        (replace(scanned(), vertebrae_used=("T12", "L1")), "The mean of new is of T12 and L1; here it is taken of L1"),
        (replace(scanned(), reasons=(THICK,)), "new asks for a look before it is used: The slices are 5 mm thick."),
        (replace(scanned(), reasons=(UNSURE,)), "names of the vertebrae rest on different evidence"),
    ],
)
def test_what_differs_is_told_in_one_sentence(after, words):
    assert words in told(after)
    assert told(after).count(": ") <= 1


def test_a_scanner_that_the_user_knows_is_not_asked_for():
    assert told(scanned(scanner=None), same_scanner=True) == ""


def test_the_earlier_scans_warnings_count_as_well():
    assert "old asks for a look" in told(scanned(), replace(scanned(), reasons=(THICK,)))


def test_a_contrast_agent_that_both_have_is_no_difference():
    enhanced = replace(scanned(), contrast=Contrast(Phase.PORTAL_VENOUS, "pixels"))
    assert told(enhanced, enhanced) == ""
