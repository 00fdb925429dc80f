"""What a person's fat and muscle show, which differs from one to the next.

Fat under the skin: real CTs of six people show -92 to -104 HU. Muscle of the back: SD of 5 to 7 HU at one age, and
17 HU less at 80 years than at 40 (Framingham study; Anderson 2013, J Gerontol A 68). Blood is drawn with the agent.
Drawn from a stream of its own: all else of a seed stays as it is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from OpportunisticBMDTraining.virtual.materials import FAT_HU, MUSCLE_HU
from OpportunisticBMDTraining.virtual.parameters import PatientParameters

FAT_SD, FAT_RANGE = 4.5, (-115.0, -85.0)  # HU
MUSCLE_SD, MUSCLE_RANGE = 6.0, (10.0, 70.0)  # HU; the mean is that of 40 years
FADING_HU = 17 / 40  # a year from then on


def with_tissues(patient: PatientParameters) -> PatientParameters:
    """The same patient with fat and muscle of his own, without an agent and at 120 kVp."""
    rng = np.random.default_rng([patient.seed, 41])
    fat = float(np.clip(rng.normal(FAT_HU, FAT_SD), *FAT_RANGE))
    muscle = float(np.clip(rng.normal(MUSCLE_HU - FADING_HU * max(patient.age - 40, 0), MUSCLE_SD), *MUSCLE_RANGE))
    return replace(patient, body=replace(patient.body, fat_hu=fat, muscle_hu=muscle))
