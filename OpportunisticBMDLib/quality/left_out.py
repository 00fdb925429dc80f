"""What a reading leaves out of a body's middle."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenRegion, of_regions

MOST_LEFT_OUT = 1 / 3  # of a region: what remains is no longer the body
WORTH_SAYING = 0.05  # of a region: so much left out may move the reading
CAUSES = {
    "not in the mask": "outside its mask",
    "metal": "metal or cement",
    "damaged": "damaged",
    "dense": "far denser than the rest (sclerosis, a bone island)",
    "hollow": "far less dense than the rest (a cyst, gas, a vein)",
}


@of_regions.check(ReasonCode.REGION_LEFT_OUT, ReasonCode.REGION_IN_PART)
def left_out(seen: SeenRegion) -> Iterator[Reason]:
    if seen.reading is None:
        return
    share, name = seen.reading.left_out_share, seen.vertebra
    causes = " and ".join(CAUSES[cause] for cause, part in seen.reading.left_out.items() if part > WORTH_SAYING / 2)
    if share > MOST_LEFT_OUT:
        message = f"{share:.0%} of the middle of {name} cannot be read: {causes}."
        figure = Figure(100 * share, 100 * MOST_LEFT_OUT)
        yield Reason(ReasonCode.REGION_LEFT_OUT, "warning", message, name, figure)
    elif share > WORTH_SAYING:
        message = f"{share:.0%} of the middle of {name} was left out: {causes}."
        yield Reason(ReasonCode.REGION_IN_PART, "info", message, name, Figure(100 * share, 100 * WORTH_SAYING))
