"""All objects of every kind of CT and of result, judged by the programs that archives trust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

pytest.importorskip("highdicom", reason="highdicom (the dicom extra) is not installed")

from dicom_programs import errors_of, said_by
from example_results import normal, refused, review
from measured_series import KINDS, Measured, series
from multi_frame_files import write_enhanced
from OpportunisticBMDLib.core.reason import Figure, Reason
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebra import UnmeasuredVertebra
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.results.dicom_files import DICOM_FILES, MEASUREMENTS, SEGMENTATION
from OpportunisticBMDLib.results.folder import write_results

pytestmark = pytest.mark.slow

NAME = "Müller^Jürgen"


@dataclass(frozen=True)
class Case:
    """How a series lies, by what `series` takes, and what came out."""

    series: dict[str, object] = field(default_factory=dict)
    result: Callable[[], Result] = normal
    without: str | None = None


def compressed() -> Result:
    """With a Genant grade."""
    reason = Reason("compressed", "warning", "L2 looks compressed.", "L2", Figure(31.0, 20.0))
    return replace(review(), reasons=(*review().reasons, reason))


def without_l2() -> Result:
    """L2 leaves the scan."""
    measured = normal()
    return replace(measured, vertebrae={**measured.vertebrae, "L2": UnmeasuredVertebra(None, None)})


CASES = {
    **{kind: Case(how) for kind, how in KINDS.items()},
    "along the patient's own axes": Case({"orientation": "straight"}),
    "left-handed": Case({"orientation": "left-handed"}),
    "enhanced, slices through all vertebrae": Case({**KINDS["coronal"], "join": write_enhanced}),
    "voxels longer than wide": Case({"size": (220, 100, 48), "spacing_mm": (1.1, 2.2, 3.0)}),
    "thick slices": Case({"size": (128, 100, 20), "spacing_mm": (2.0, 2.2, 7.5)}),
    "few slices": Case({"size": (128, 100, 14), "spacing_mm": (2.0, 2.2, 10.0)}),
    "review": Case(result=review),
    "refused": Case(result=refused),
    "compressed": Case(result=compressed),
    "without L2": Case(result=without_l2, without="L2"),
}


@pytest.fixture(scope="module", params=CASES)
def written(request, tmp_path_factory) -> Path:
    """The folder with the objects of a case."""
    case, folder = CASES[request.param], tmp_path_factory.mktemp("case")
    measured = series(folder / "ct", PatientName=NAME, SpecificCharacterSet="ISO_IR 100", **case.series)
    result = case.result()
    masks = None if result.status == "refused" else masks_of(measured, case.without)
    write_results(folder / "out", measured.ct, masks, result, measured.slices)
    return folder / "out"


def masks_of(measured: Measured, without: str | None) -> Segmentation:
    labels = measured.segmentation.labels
    array = np.where(labels.array == LABELS[without], 0, labels.array) if without else labels.array
    return Segmentation(Volume(array, labels.grid), measured.segmentation.confidence)


def test_every_object_is_valid(written):
    objects = [name for name in DICOM_FILES if (written / name).exists()]
    assert len(objects) == (4 if (written / SEGMENTATION).exists() else 3)
    for name in objects:
        assert errors_of(said_by("dciodvfy", written / name)) == [], name
        assert pydicom.dcmread(written / name).PatientName == NAME
    assert errors_of(said_by("dsrdump", written / MEASUREMENTS)) == []


@pytest.mark.parametrize("written", ["uneven steps", "refused", "compressed", "without L2"], indirect=True)
def test_the_report_follows_its_template(written):
    """Those that differ in what they say: the validator is slow."""
    said = said_by("DicomSRValidator", written / MEASUREMENTS)
    assert "Found Root Template TID_1500" in said and errors_of(said) == []
