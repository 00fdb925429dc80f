"""What a reader changed by hand, and how the result says so."""

from __future__ import annotations

from dataclasses import dataclass

from OpportunisticBMDLib.result import Box, Reason, Segmentation
from OpportunisticBMDLib.vertebrae import VERTEBRAE


@dataclass(frozen=True, eq=False)
class Edits:
    """A reader's corrections.

    Args:
        edited: vertebrae whose masks were edited by hand.
        excluded: vertebrae that the reader does not want to be measured.
        box: the box as moved by hand; None where the localizer's stands.

    Raises:
        ValueError: a name other than T12, L1 and L2.
    """

    edited: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    box: Box | None = None

    def __post_init__(self) -> None:
        for field in ("edited", "excluded"):
            object.__setattr__(self, field, frozenset(getattr(self, field)))
        unknown = (self.edited | self.excluded) - set(VERTEBRAE)
        if unknown:
            raise ValueError(f"edits are of {', '.join(VERTEBRAE)}, not of {', '.join(sorted(unknown))}")

    def exclusions(self) -> list[Reason]:
        """A warning for each vertebra that is left out: it is not measurable."""
        return [
            Reason("excluded_by_reader", "warning", f"{name} was left out by the reader.", name)
            for name in self._in_order(self.excluded)
        ]

    def notes(self) -> list[Reason]:
        """What else the result has to say of these edits."""
        notes = []
        if self.box is not None:
            notes.append(Reason("box_moved_by_hand", "info", "The box around T12 to L2 was placed by hand."))
        for name in self._in_order(self.edited):
            notes.append(Reason("edited_by_hand", "info", f"The mask of {name} was edited by hand.", name))
        return notes

    def why_too_few(self, message: str) -> str:
        """A refusal for want of vertebrae, with the reader's part in it."""
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
