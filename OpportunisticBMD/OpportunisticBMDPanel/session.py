"""What the panel knows about one volume, apart from all others in the scene."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.packed import PackedLabels
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.standing import Person
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.edits import NO_EDITS, Edits, KnownResults
from OpportunisticBMDLib.followup import Scan
from OpportunisticBMDPanel.history import History
from OpportunisticBMDPanel.slicer.volume_nodes import VolumeNodes


class State(enum.Enum):
    """What a volume's panel can be in, from nothing measured to a result."""

    READY = "a volume is chosen and was not measured"
    RUNNING = "the chain runs, or waits for its turn"
    RESULT = "the result belongs to what is on the screen"
    STALE = "something changed since the result; it is being measured again"
    REFUSED = "the chain ran, and no trustworthy density can be given"
    FAILED = "the chain could not run; the message says why"


@dataclass(eq=False)
class Session(VolumeNodes):
    """One volume with its nodes, its result and its corrections.

    Args:
        state: what the panel shows for it.
        message, failure: why it failed, in one sentence and as the worker's kind of failure.
        progress: (stage, done share 0..1) while it runs.
        ct: its voxels and how they were acquired, as the file says; None until they are needed.
        has_new_voxels: the latest result is of others: nothing of it holds.
        run: the latest result with the masks that it belongs to.
        automatic: the labels as they were before anybody edited them.
        other_edits: what the reader changed, apart from the masks since `automatic`: vertebrae left out, the box, and
            masks that were edited before the scene was loaded.
        box_moved: the box on the screen is not the one that the masks were found in.
        history: the steps that can be undone and redone.
        known: earlier results.
        person: age and sex that the reader gave; kept with no scene.
        earlier: scans of the same person to compare with; kept with no scene either.
        version: counts the changes, so that an answer that comes late is known as such.
        changed_at: when the latest change was made, by the logic's clock, in s; None where all is measured.
        box_changed_at: when the box was moved last, in s; None where that is noted as a step.
    """

    state: State = State.READY
    message: str = ""
    failure: str = ""
    progress: tuple[str, float] = ("", 0.0)
    ct: CT | None = None
    has_new_voxels: bool = False
    run: Run | None = None
    automatic: PackedLabels | None = None
    other_edits: Edits = NO_EDITS
    box_moved: bool = False
    history: History = field(default_factory=History)
    known: KnownResults = field(default_factory=KnownResults)
    person: Person | None = None
    earlier: tuple[Scan, ...] = ()
    version: int = 0
    changed_at: float | None = None
    box_changed_at: float | None = None
    _quiet: int = 0

    @property
    def result(self) -> Result | None:
        return self.run.result if self.run else None

    @property
    def shown_result(self) -> Result | None:
        """The result where the panel shows it: not while a run is to replace it, nor where one failed."""
        return self.result if self.state in (State.RESULT, State.STALE, State.REFUSED) else None

    @property
    def masks(self) -> Segmentation | None:
        """The masks that the result was measured on."""
        return self.run.segmentation if self.run else None

    @property
    def excluded(self) -> frozenset[str]:
        """The vertebrae that the reader does not want to be used."""
        return self.other_edits.excluded

    @property
    def has_levels(self) -> bool:
        """Whether the vertebrae in view are known, so that all names can be moved along them."""
        return self.result is not None and self.result.levels is not None and bool(self.result.levels.vertebrae)

    @property
    def settled(self) -> State:
        """The state that goes with the result alone: nothing runs, nothing was changed."""
        if self.result is None:
            return State.READY
        return State.REFUSED if self.result.status == "refused" else State.RESULT

    @property
    def is_quiet(self) -> bool:
        """Whether the panel itself is changing the nodes: what they tell is then no edit."""
        return self._quiet > 0

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """For the time in which the panel itself changes the nodes."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def edits(self, labels: Volume) -> Edits:
        """What the reader changed, if `labels` are what is on the screen, on the volume's voxels where they lie now.

        Raises:
            ValueError: they are not as many as the automatic masks' voxels.
        """
        if self.automatic is None:
            return self.other_edits
        # The volume may have been moved since, voxels and all.
        return self.other_edits.with_masks(Volume(self.automatic.array, labels.grid), labels)
