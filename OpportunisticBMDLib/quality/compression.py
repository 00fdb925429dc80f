"""Bodies that have lost height: a fracture is a finding of its own, whatever the density."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from OpportunisticBMDLib.core.heights import BodyHeights
from OpportunisticBMDLib.core.reason import Figure, Reason, ReasonCode
from OpportunisticBMDLib.quality.registry import SeenMask, SeenScan, of_masks, of_scans

FRONT, MIDDLE = 0.97, 0.92  # heights of whole bodies there, relative to that behind
LEVEL = {"T12": 0.95, "L1": 1.0, "L2": 1.03}  # heights of whole bodies behind, relative to L1
SEEN = 0.8  # of what an edge or a hollow has lost: so much is lost on average in the zone that is measured
LIKE = 1.1  # of the lower of two heights: what their mean may be
GENANT = 0.20, 0.25, 0.40  # of a height: where grades 1, 2 and 3 begin (Genant 1993, J Bone Miner Res 8:1137)
FRACTURE = 2  # from this grade on; many a body that never broke is of grade 1
WARNED = 0.21  # of a height: what is seen of a fracture of grade 2 may be a little less than it took
WORDS = {"front": "its front has", "middle": "its middle has", "back": "it has"}
MEANING = (
    "A fracture after little force means osteoporosis whatever the density: look at the sagittal slices and its mask."
)


@dataclass(frozen=True)
class Compression:
    """What a body has lost of its height.

    Args:
        place: "front" or "middle", or "back" where all of it sank.
        loss: share of the height that is lost where most is, 0..1.
    """

    place: str
    loss: float

    @property
    def grade(self) -> int:
        """Of Genant: 0 to 3."""
        return int(np.searchsorted(GENANT, self.loss, side="right"))

    @property
    def is_warned_of(self) -> bool:
        """Whether so much is lost that somebody has to look."""
        return self.loss >= WARNED


def compression(vertebra: str, heights: Mapping[str, BodyHeights]) -> Compression:
    """Front and middle by the body's own back, its back by those of the others.

    Args:
        heights: of the bodies that lie whole in the scan; the vertebra is one of them.
    """
    own = heights[vertebra]
    behind = [found.posterior_mm / LEVEL[name] for name, found in heights.items() if name != vertebra]
    left = {
        "front": 1 - (1 - own.anterior_mm / own.posterior_mm / FRONT) / SEEN,
        "middle": 1 - (1 - own.middle_mm / own.posterior_mm / MIDDLE) / SEEN,
        "back": own.posterior_mm / LEVEL[vertebra] / _expected(behind) if behind else 1.0,
    }
    lowest = np.clip(min(left["front"], left["middle"]), 0.0, 1.0)
    return Compression(min(left, key=left.__getitem__), float(1 - min(left["back"], 1.0) * lowest))


def _expected(others: Sequence[float]) -> float:
    """Their mean; where they are unlike, one may be no body at all, and the lower one counts."""
    return min(float(np.mean(others)), LIKE * min(others))


@of_masks.check(ReasonCode.COMPRESSED)
def fractured(seen: SeenMask) -> Iterator[Reason]:
    """A body that is left out: what collapsed bone reads is not the patient's density."""
    if seen.vertebra in seen.heights:
        found = compression(seen.vertebra, seen.heights)
        if found.grade >= FRACTURE:
            yield _reason(seen.vertebra, found)


@of_scans.check(ReasonCode.COMPRESSED)
def slightly_compressed(seen: SeenScan) -> Iterator[Reason]:
    for name in seen.heights:
        found = compression(name, seen.heights)
        if 0 < found.grade < FRACTURE:
            yield _reason(name, found)


def _reason(vertebra: str, found: Compression) -> Reason:
    lost = f"{WORDS[found.place]} lost about {found.loss:.0%} of its height"
    grade = f"grade {found.grade} of Genant"
    is_left_out = found.grade >= FRACTURE
    message = (
        f"{vertebra} looks compressed: {lost} ({grade}), so its density is not used."
        if is_left_out
        else f"{vertebra} may be compressed: {lost} ({grade}), as some bodies have that never broke."
    )
    message = f"{message} {MEANING}"
    limit = GENANT[FRACTURE - 1] if is_left_out else WARNED if found.is_warned_of else GENANT[0]
    figure = Figure(100 * found.loss, 100 * limit)
    return Reason(ReasonCode.COMPRESSED, "warning" if found.is_warned_of else "info", message, vertebra, figure)
