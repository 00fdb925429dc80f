"""Real CTs: with and without an agent in the veins, in three phases by eye, whatever their files say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from OpportunisticBMDLib.core.contrast import Phase
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.stages.contrast import correction_for, seen_contrast

DATA = Path(__file__).parents[4] / "shared" / "data"
# CT, phase by eye, middles of T12, L1 and L2 (RAS, mm) as the chain finds them; None where the scan cuts L2.
REAL = [
    ("unlabelled/hcc-002.nii.gz", Phase.PORTAL_VENOUS, (11, -34, -198), (10, -24, -231), (12, -16, -266)),
    ("unlabelled/hcc-005-native.nii.gz", Phase.NONE, (-4, -43, -169), (-5, -30, -201), None),
    ("unlabelled/hcc-005-contrast.nii.gz", Phase.PORTAL_VENOUS, (-5, -43, -169), (-4, -30, -202), None),
    ("unlabelled/hcc-009.nii.gz", Phase.PORTAL_VENOUS, (22, -73, -321), (22, -63, -355), (22, -55, -392)),
    ("unlabelled/tcga-bc-a3kf-dicom.zip", Phase.ARTERIAL, (14, -25, -239), (14, -19, -271), (12, -10, -304)),
]


@pytest.mark.parametrize(("file", "phase", "t12", "l1", "l2"), REAL, ids=[Path(row[0]).name for row in REAL])
def test_the_phase_that_the_eye_sees(file, phase, t12, l1, l2):
    if not (DATA / file).is_file():
        pytest.skip("the real CTs are not at hand")
    bodies = {name: np.array(at, float) for name, at in (("T12", t12), ("L1", l1), ("L2", l2)) if at}
    found = seen_contrast(read_ct(DATA / file), bodies)
    assert (found.phase, found.believed) == (phase, "pixels") and found.probability > 0.8
    correction = correction_for(found, 120.0)
    assert correction is None if phase is Phase.NONE else correction.is_applied
