"""A contrast agent in the marrow: what pixels and header say of it, and what was done about it.

One that is seen for sure, and whose effect is taken off, is a note where little is left of it. In the portal venous
phase people take up such different amounts that the density may be off by a third of a class: a warning, as is an agent
that is not sure, or is known from the header alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.contrast import NOT_TOLD, Contrast, Phase
from OpportunisticBMDLib.core.reason import Reason, ReasonCode, Severity
from OpportunisticBMDLib.quality.registry import SeenScan, of_scans

MOST_LEFT_MG_CM3 = 12.0  # two SD of what a correction leaves: more can change a category unseen
SURE_OF_NONE = 0.9  # probability from which pixels without an agent need no look, although the header speaks of one


@of_scans.check(
    ReasonCode.CONTRAST_AGENT,
    ReasonCode.CONTRAST_CORRECTED,
    ReasonCode.CONTRAST_LIKELY,
    ReasonCode.HEADER_CONTRADICTED,
    ReasonCode.ORAL_CONTRAST,
)
def contrast_agent(seen: SeenScan) -> Iterator[Reason]:
    known, around = seen.acquisition, seen.around
    is_asked = around is not None and around.contrast != NOT_TOLD
    contrast = around.contrast if around and is_asked else Contrast(stated=known.contrast_in_veins)
    if contrast.is_enhanced:
        yield _of_phase(seen, contrast)
    elif contrast.phase is None and contrast.stated:
        message = "A contrast agent was given, of a phase that cannot be told: the density is too high."
        yield Reason(ReasonCode.CONTRAST_AGENT, "warning", message)
    elif known.contrast_hint is not None and contrast.probability < SURE_OF_NONE:
        message = f"A contrast agent may have been given ({known.contrast_hint}): the density may be too high."
        yield Reason(ReasonCode.CONTRAST_LIKELY, "warning", message)
    if (told := _contradicted(contrast)) is not None:
        is_risk = contrast.phase is Phase.NONE and contrast.probability < SURE_OF_NONE
        yield Reason(ReasonCode.HEADER_CONTRADICTED, "warning" if is_risk else "info", told)
    if known.contrast_agent and known.contrast_oral_only and not contrast.is_enhanced:
        message = "The contrast agent was swallowed or given by rectum only: it does not reach the bone."
        yield Reason(ReasonCode.ORAL_CONTRAST, "info", message)


def _of_phase(seen: SeenScan, contrast: Contrast) -> Reason:
    """An agent that the pixels show."""
    phase = contrast.phase.value if contrast.phase else "unknown"
    correction = seen.around.correction if seen.around else None
    what = f"{phase} contrast in the vessels ({100 * contrast.probability:.0f} % sure)"
    if correction is not None and correction.is_applied:
        left = correction.sd_mg_cm3
        message = (
            f"The pixels show {what}: {-correction.shift_mg_cm3:.0f} mg/cm³ were taken off for it, give or take "
            f"{left:.0f} (SD), since people take up more or less."
        )
        severity: Severity = "warning" if 2 * left > MOST_LEFT_MG_CM3 else "info"
        return Reason(ReasonCode.CONTRAST_CORRECTED, severity, message)
    message = f"The pixels show {what}: the density is too high, and nothing was taken off for it."
    return Reason(ReasonCode.CONTRAST_AGENT, "warning", message)


def _contradicted(contrast: Contrast) -> str | None:
    """Where the header says otherwise than the pixels, which are believed."""
    if contrast.believed != "pixels" or contrast.phase is None or contrast.stated is None:
        return None
    if contrast.phase is Phase.NONE and contrast.stated:
        return "The header states a contrast agent, but the vessels hold none: the pixels are believed."
    if contrast.is_enhanced and not contrast.stated:
        return "The header states no contrast agent in the veins, but the vessels hold one: the pixels are believed."
    return None
