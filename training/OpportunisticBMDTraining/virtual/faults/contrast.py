"""A contrast agent, stated, unstated or denied by the header; and one that is stated and was never given."""

from __future__ import annotations

from dataclasses import replace

from OpportunisticBMDLib.core.ct import Acquisition
from OpportunisticBMDTraining.virtual.agent import with_agent
from OpportunisticBMDTraining.virtual.faults.fault import Change, Fault, Random
from OpportunisticBMDTraining.virtual.parameters import PatientParameters

LIVER_HU = 45.0  # by which a cohort draws an enhanced liver brighter, and `with_agent` puts the agent's gain in place


def _enhanced(header: str) -> Change[PatientParameters]:
    """The phase is drawn from the patient's seed.

    Args:
        header: "right", "silent" or "wrong".
    """

    def planted(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
        body = replace(patient.body, liver_hu=patient.body.liver_hu + LIVER_HU)
        enhanced = with_agent(replace(patient, contrast=True, body=body), {header: 1.0})
        phase = enhanced.agent.phase if enhanced.agent else ""
        return enhanced, f"{phase} agent, {enhanced.marrow_contrast_hu:.0f} HU in the marrow; the header is {header}"

    return planted


def _never_given(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    return replace(header, contrast_agent="iodine"), "an agent is stated and was not given"


def _hinted(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    return replace(header, contrast_agent=None, contrast_hint="portal venous"), "a phase is named, no agent"


def _swallowed(rng: Random, header: Acquisition) -> tuple[Acquisition, str]:
    return replace(header, contrast_agent="barium", contrast_oral_only=True), "an agent was swallowed"


SEEN = ("contrast_agent", "contrast_corrected")
STATED = Fault("contrast, stated", "contrast_corrected", SEEN[:1], patient=_enhanced("right"))
UNSTATED = Fault("contrast, unstated", "contrast_corrected", SEEN[:1], patient=_enhanced("silent"))
DENIED = Fault("contrast, denied by the header", "header_contradicted", SEEN, patient=_enhanced("wrong"))
NEVER_GIVEN = Fault("contrast stated, never given", "header_contradicted", SEEN[:1], header=_never_given)
HINTED = Fault("contrast hinted at, never given", "", ("contrast_likely",), header=_hinted)
SWALLOWED = Fault("contrast swallowed", "oral_contrast", header=_swallowed)
