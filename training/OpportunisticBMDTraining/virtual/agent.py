"""What an injected iodinated agent does to blood, kidneys, spleen, liver and marrow, by the time since its injection.

Enhancement over time follows the curves of a standard injection at 120 kVp (Bae 2010, Radiology 256:32): the aorta
first, the cava below the kidneys last, the renal medulla after the cortex, the collecting system after minutes.
What the marrow takes up is what QCT read more in each phase: arterial +5.7 and portal venous +17.5 mg/cm3 (Ruehling
2021), nephrographic +9.9 +- 4.3 and urographic +2.3 +- 3.3. The SDs of the former two follow from their RMSE (6.9 and
18.7). Drawn from a stream of its own: all else of a seed stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from OpportunisticBMDLib.core.contrast import Phase
from OpportunisticBMDLib.core.materials import HA_HU_PER_MG_CM3
from OpportunisticBMDLib.stages.contrast.phase import IODINE
from OpportunisticBMDTraining.virtual.parameters import Agent, PatientParameters

DELAYS_S = (20, 25, 35, 45, 60, 70, 85, 100, 130, 180, 300, 600)
CURVES: Mapping[str, tuple[float, ...]] = {  # HU at 120 kVp over what is there without an agent
    "aorta": (220, 260, 280, 220, 140, 125, 112, 100, 90, 76, 58, 40),
    "cava": (10, 30, 75, 100, 105, 105, 104, 97, 89, 76, 58, 40),  # above the renal veins
    "leg_vein": (0, 0, 2, 8, 35, 58, 82, 90, 87, 76, 58, 40),  # the cava below them
    "cortex": (65, 90, 135, 160, 165, 158, 148, 140, 130, 114, 86, 58),
    "medulla": (8, 14, 26, 48, 84, 102, 122, 130, 130, 120, 94, 64),
    "pelvis": (0, 0, 0, 0, 0, 0, 0, 10, 60, 200, 500, 900),
    "spleen": (40, 60, 90, 102, 95, 86, 76, 68, 61, 52, 41, 29),
    "mottle": (30, 32, 24, 10, 2, 0, 0, 0, 0, 0, 0, 0),  # SD of the spleen's stripes
    "liver": (2, 5, 12, 28, 52, 57, 52, 48, 43, 37, 29, 20),
}
UROGRAPHIC_S = 240.0  # from this delay on
# Phase: share of the enhanced scans, delays in s, mean and SD of what the marrow takes up in mg/cm3 at 120 kVp.
PHASES = (
    (Phase.ARTERIAL, 0.25, (25, 40), 5.7, 4.0),
    (Phase.PORTAL_VENOUS, 0.50, (60, 82), 17.5, 6.0),
    (Phase.LATE, 0.15, (100, 180), 9.9, 4.3),  # nephrographic
    (Phase.LATE, 0.10, (UROGRAPHIC_S, 480), 2.3, 3.3),  # urographic
)
DOSE_SD, ORGAN_SD, CIRCULATION_SD = 0.2, 0.08, 0.08  # relative: iodine for each kg, an organ's own, how fast blood is
BLOOD_HU, BLOOD_SD = 42.0, 5.0  # by the haematocrit
BRIGHT_KIDNEYS_HU = 240.0  # brighter ones hold an agent of an earlier injection in their collecting system
HEADERS = {"right": 0.75, "silent": 0.17, "wrong": 0.08}  # of scans; an assumption: headers are often wrong


def iodine_at(kvp: float) -> float:
    """HU of iodine relative to 120 kVp."""
    return float(np.interp(kvp, list(IODINE), list(IODINE.values())))


def with_agent(patient: PatientParameters, headers: Mapping[str, float]) -> PatientParameters:
    """The same patient, whose organs and marrow hold what an agent brings to them in one phase.

    Args:
        patient: whether an agent was given is told by `contrast`.
        headers: how often the header is right, silent or wrong about it.
    """
    rng = np.random.default_rng([patient.seed, 40])
    blood = float(np.clip(rng.normal(BLOOD_HU, BLOOD_SD), 30, 56))
    renal, splenic = rng.normal(32, 3), rng.normal(48, 4)
    header = str(rng.choice(list(headers), p=list(headers.values())))
    phase, delay, added, marrow = _drawn_phase(rng)
    iodine = iodine_at(patient.scan.kvp)
    if not patient.contrast:
        phase, delay, added, marrow = Phase.NONE, 0.0, dict.fromkeys(CURVES, 0.0), 0.0
    added = {organ: iodine * hu for organ, hu in added.items()}
    old = patient.body
    pelvis = renal + added["pelvis"]
    if old.kidney_hu > BRIGHT_KIDNEYS_HU * iodine:
        pelvis = max(pelvis, old.kidney_hu)
    body = replace(
        old,
        aorta_hu=float(blood + added["aorta"]),
        vein_hu=float(blood + added["cava"]),
        kidney_hu=float(renal + added["cortex"]),
        liver_hu=float(old.liver_hu - (45 if patient.contrast else 0) + added["liver"]),
    )
    agent = Agent(
        phase=phase.value,
        delay_s=delay,
        leg_vein_hu=float(blood + added["leg_vein"]),
        medulla_hu=float(renal + added["medulla"]),
        pelvis_hu=float(min(pelvis, 1500.0)),
        spleen_hu=float(splenic + added["spleen"]),
        mottle_hu=float(added["mottle"]),
        liver_gain_hu=float(added["liver"]),
        header=header,
    )
    return replace(patient, body=body, agent=agent, marrow_contrast_hu=float(iodine * HA_HU_PER_MG_CM3 * marrow))


def _drawn_phase(rng: np.random.Generator) -> tuple[Phase, float, dict[str, float], float]:
    """Phase, delay (s), what each organ gains (HU at 120 kVp), and the marrow (mg/cm3)."""
    phase, _, delays, mean, sd = PHASES[rng.choice(len(PHASES), p=[share for _, share, *_ in PHASES])]
    delay = float(rng.uniform(*delays))
    dose = float(np.clip(np.exp(rng.normal(0, DOSE_SD)), 0.6, 1.6))
    arrived = delay * np.exp(np.clip(rng.normal(0, CIRCULATION_SD), -0.15, 0.15))
    added = {
        organ: float(dose * np.interp(arrived, DELAYS_S, curve) * np.exp(rng.normal(0, ORGAN_SD)))
        for organ, curve in CURVES.items()
    }
    own = np.sqrt(sd**2 - (DOSE_SD * mean) ** 2)  # of the spread, what the dose does not explain
    return phase, delay, added, float(max(mean * dose + rng.normal(0, own), 0.3))


def without_agent(patient: PatientParameters) -> PatientParameters:
    """The same patient, scanned without an agent and with a header that says so."""
    gain = patient.agent.liver_gain_hu if patient.agent else 0.0
    body = replace(patient.body, kidney_hu=0.0, liver_hu=patient.body.liver_hu - gain)
    return with_agent(replace(patient, contrast=False, body=body), {"right": 1.0})
