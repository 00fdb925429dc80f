"""The steps that were taken on one volume, and the way back and forth between them.

Nothing here looks at the scene: what is kept of it comes in and goes out as a `Snapshot`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableSequence
from dataclasses import dataclass, field, replace
from typing import Literal

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.packed import PackedLabels
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.edits import NO_EDITS, Edits
from OpportunisticBMDLib.scene.box import KeptBox
from OpportunisticBMDLib.scene.kept_segments import KeptSegments

STEPS = 20
MadeBy = Literal["compute", "segment", "move", "measure"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What the panel shows of a volume at one moment; without arguments, that nothing was made of it.

    Args:
        made_by: the run that gave it; "measure" for whatever the reader did by hand.
        result: the number.
        is_measured: the result is that of the masks, with the settings of now.
        labels, confidence: the masks that the result was measured on.
        automatic: the labels as they were before anybody edited them.
        edits: what the reader changed, apart from the masks since `automatic`.
        masks: the segments on the screen.
        box: the box on the screen.
        grid: where the volume lay.
    """

    made_by: MadeBy = "measure"
    result: Result | None = None
    is_measured: bool = True
    labels: PackedLabels | None = None
    confidence: Mapping[str, float] = field(default_factory=dict)
    automatic: PackedLabels | None = None
    edits: Edits = NO_EDITS
    masks: KeptSegments | None = None
    box: KeptBox | None = None
    grid: Grid | None = None

    def shows_same_masks(self, other: Snapshot) -> bool:
        """Whether both are measured alike: the same masks, of which the same vertebrae are used."""
        return self.masks == other.masks and self.edits.excluded == other.edits.excluded

    def shows_same(self, other: Snapshot) -> bool:
        """Whether there is nothing between the two that could be undone."""
        return self.shows_same_box(other) and self.shows_same_masks(other)

    def shows_same_box(self, other: Snapshot) -> bool:
        """Whether the box lies at the same place, or there is none in either."""
        if self.box is None or other.box is None:
            return self.box is other.box
        return self.box.is_close(other.box)

    def following(self, former: Snapshot) -> Snapshot:
        """This one, with a result that holds only if it was the former one's too, of the same masks."""
        return replace(self, is_measured=former.is_measured and self.shows_same_masks(former))


NOTHING = Snapshot()


class History:
    """What is shown, what was shown before, and what was undone; at most `STEPS` steps back."""

    def __init__(self) -> None:
        self.present: Snapshot | None = NOTHING  # None where it is not known
        self._past: deque[Snapshot] = deque(maxlen=STEPS)
        self._future: list[Snapshot] = []

    @property
    def to_undo(self) -> tuple[Snapshot, Snapshot] | None:
        """Before and after the step that `undo` takes back; None where there is none."""
        return (self._past[-1], self.present) if self._past and self.present is not None else None

    @property
    def to_redo(self) -> tuple[Snapshot, Snapshot] | None:
        """Before and after the step that `redo` takes again; None where there is none."""
        return (self.present, self._future[-1]) if self._future and self.present is not None else None

    def add(self, snapshot: Snapshot) -> None:
        """A step was taken: what was undone cannot be redone any more."""
        if self.present is not None:
            self._past.append(self.present)
        self.present = snapshot
        self._future.clear()

    def undo(self) -> Snapshot:
        """What is to be shown instead.

        Raises:
            IndexError: there is no step to undo.
        """
        return self._go(self._past, self._future)

    def redo(self) -> Snapshot:
        """What is to be shown instead.

        Raises:
            IndexError: there is no step to redo.
        """
        return self._go(self._future, self._past)

    def measured(self, result: Result, labels: PackedLabels) -> None:
        """What is shown has its result now: no step of its own."""
        if self.present is not None:
            self.present = replace(self.present, result=result, is_measured=True, labels=labels)

    def outdate(self) -> None:
        """No result holds any more: the settings are others. The masks do."""
        self.present = _outdated(self.present) if self.present is not None else None
        self._past = deque(map(_outdated, self._past), STEPS)
        self._future = list(map(_outdated, self._future))

    def start_here(self) -> None:
        """What is shown stays; nothing before it can be brought back."""
        self._past.clear()
        self._future.clear()

    def forget(self) -> None:
        """Nothing can be undone, and what is shown is not known."""
        self.present = None
        self.start_here()

    def _go(self, way: MutableSequence[Snapshot], back: MutableSequence[Snapshot]) -> Snapshot:
        shown = way.pop()
        if self.present is not None:
            back.append(self.present)
        self.present = shown
        return shown


def _outdated(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, is_measured=False) if snapshot.result is not None else snapshot
