"""What a reader changed by hand, how the result says so, and how it is read from a result."""

from __future__ import annotations

from dataclasses import dataclass, replace

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.difference import changed_vertebrae
from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume


@dataclass(frozen=True, eq=False)
class Edits:
    """A reader's corrections.

    Args:
        edited: vertebrae whose masks were edited by hand.
        excluded: vertebrae that the reader does not want to be measured.
        box: the box as moved by hand; None where the localizer's stands.
        levels_moved: by how many vertebrae the reader moved the names towards the feet.

    Raises:
        ValueError: a name other than T12, L1 and L2.
    """

    edited: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    box: Box | None = None
    levels_moved: int = 0

    def __post_init__(self) -> None:
        for field in ("edited", "excluded"):
            object.__setattr__(self, field, frozenset(getattr(self, field)))
        unknown = (self.edited | self.excluded) - set(VERTEBRAE)
        if unknown:
            raise ValueError(f"edits are of {', '.join(VERTEBRAE)}, not of {', '.join(sorted(unknown))}")

    @classmethod
    def of_result(cls, result: Result) -> Edits:
        """The edits that a result was measured with, as its reasons name them."""

        def named(code: str) -> frozenset[str]:
            found = {reason.vertebra for reason in result.reasons if reason.code == code}
            return frozenset(name for name in VERTEBRAE if name in found)

        is_by_hand = any(reason.code == ReasonCode.BOX_MOVED_BY_HAND for reason in result.reasons)
        return cls(
            named(ReasonCode.EDITED_BY_HAND),
            named(ReasonCode.EXCLUDED_BY_READER),
            result.box if is_by_hand else None,
            result.levels.moved if result.levels else 0,
        )

    def with_masks(self, before: Volume, after: Volume) -> Edits:
        """These edits, and those that turned one label map into the other.

        Raises:
            ValueError: the label maps lie on two grids.
        """
        return replace(self, edited=self.edited | changed_vertebrae(before, after))

    def using(self, vertebra: str, used: bool) -> Edits:
        """These edits, with a vertebra taken into the measurement or left out of it."""
        return replace(self, excluded=self.excluded - {vertebra} if used else self.excluded | {vertebra})

    def exclusions(self) -> list[Reason]:
        """A warning for each vertebra that is left out: it is not measurable."""
        return [
            Reason(ReasonCode.EXCLUDED_BY_READER, "warning", f"{name} was left out by the reader.", name)
            for name in self._in_order(self.excluded)
        ]

    def notes(self) -> list[Reason]:
        """What the result states about edits that leave no vertebra out."""
        notes = []
        if self.box is not None:
            notes.append(Reason(ReasonCode.BOX_MOVED_BY_HAND, "info", "The box around T12 to L2 was placed by hand."))
        if self.levels_moved:
            where = "the feet" if self.levels_moved > 0 else "the head"
            message = f"The reader moved the names of the vertebrae by {abs(self.levels_moved)} towards {where}."
            notes.append(Reason(ReasonCode.LEVELS_MOVED_BY_READER, "info", message))
        for name in self._in_order(self.edited):
            notes.append(Reason(ReasonCode.EDITED_BY_HAND, "info", f"The mask of {name} was edited by hand.", name))
        return notes

    def why_too_few(self, message: str) -> str:
        """The message of a refusal for too few vertebrae, with those that the reader left out."""
        if not self.excluded:
            return message
        names = self._in_order(self.excluded)
        return f"{message.rstrip('.')}: {' and '.join(names)} {'was' if len(names) == 1 else 'were'} left out."

    def known_confidence(self, segmentation: Segmentation) -> dict[str, float]:
        """The network's confidence in the masks that are still its own."""
        return {name: value for name, value in segmentation.confidence.items() if name not in self.edited}

    @staticmethod
    def _in_order(names: frozenset[str]) -> list[str]:
        return [name for name in VERTEBRAE if name in names]


NO_EDITS = Edits()
