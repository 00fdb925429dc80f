"""Whether a CT shows a contrast agent in the vessels, and how long after it was injected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

Believed = Literal["pixels", "header", "neither"]


class Phase(str, Enum):
    """How far an agent has come; the value is its name for a reader."""

    NONE = "none"
    ARTERIAL = "arterial"
    PORTAL_VENOUS = "portal venous"
    LATE = "late"  # nephrographic or urographic


@dataclass(frozen=True)
class Contrast:
    """What the pixels and the header say of an agent in the veins.

    Args:
        phase: the one that is believed; None where neither tells.
        believed: which of the two.
        seen: the phase by the pixels; None where too few organs lie in the field of view.
        probability: 0..1 of that phase, by the pixels; 0 where none is seen.
        stated: whether the header says that an agent reached the veins; None where it does not say.
        organs_hu: HU of what was looked at: "aorta", "vena cava", "renal cortex", "renal medulla".
    """

    phase: Phase | None = None
    believed: Believed = "neither"
    seen: Phase | None = None
    probability: float = 0.0
    stated: bool | None = None
    organs_hu: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_enhanced(self) -> bool:
        return self.phase not in (None, Phase.NONE)


NOT_TOLD = Contrast()  # neither pixels nor header were asked
