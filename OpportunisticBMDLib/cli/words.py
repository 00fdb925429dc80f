"""A result as the program tells it."""

from __future__ import annotations

from pathlib import Path

from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.results.standing_words import standing_line
from OpportunisticBMDLib.results.trust_words import trust_line


def in_words(result: Result, output: Path) -> str:
    """The density, what bears on it, and where the results are."""
    lines = []
    if result.status == "refused":
        lines.append("Refused: no bone mineral density can be given.")
    else:
        lines.append(
            f"BMD {result.bmd_mg_cm3:.1f} ± {result.bmd_sd_mg_cm3:.1f} mg/cm³ HA (K2HPO4 "
            f"{result.bmd_k2hpo4_mg_cm3:.1f}), mean of {' and '.join(result.vertebrae_used)}: {result.category}"
        )
        lines += _uncertainty(result)
        lines += [line for line in (trust_line(result), standing_line(result)) if line]
    lines += [f"{reason.severity}: {wording.reason_sentence(reason)}" for reason in wording.ordered_reasons(result)]
    lines.append(f"Results in {output}. For research, not diagnosis.")
    return "\n".join(lines)


def _uncertainty(result: Result) -> list[str]:
    between, causes = wording.interval(result), wording.unsure_because(result)
    if between is None or not causes:
        return []
    interval = f"95 % interval {between[0]:.1f} to {between[1]:.1f} mg/cm³. SD: {causes}."
    return [f"{interval} {wording.phantom_gain(result)}".rstrip()]
