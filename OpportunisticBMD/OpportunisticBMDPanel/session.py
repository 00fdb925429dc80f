"""What the panel knows about one volume, apart from all others in the scene."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.ct import CT
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDLib.result import Box, Result
from OpportunisticBMDLib.run import Run
from OpportunisticBMDLib.scene.segmentation import changed_vertebrae
from OpportunisticBMDLib.volume import Volume
from OpportunisticBMDPanel.states import State

REMEMBERED = 64  # earlier results, so that undo brings an old number back at once


@dataclass(eq=False)
class Session:
    """One volume with its result, its corrections and its nodes.

    Args:
        volume_node: vtkMRMLScalarVolumeNode.
        state: what the panel shows for it.
        message, failure: why it failed, in one sentence and as the worker's kind of failure.
        progress: (stage, done share 0..1) while it runs.
        ct: its voxels and how they were acquired; None until they are needed.
        run: the latest result with the masks that it belongs to.
        automatic: the labels as they were before anybody edited them.
        edited_before: vertebrae that were edited before `automatic`, in a scene that was loaded.
        excluded: vertebrae that are not to be used.
        box_by_hand: the box, where it was moved by hand and segmented in.
        box_moved: the box on the screen is not the one that the masks were found in.
        segmentation_node, box_node, table_node, regions_node: what it has in the scene.
        version: counts the changes, so that an answer that comes late is known as such.
        changed_at: when the latest change was made, by the logic's clock; None where all is measured.
    """

    volume_node: Any
    state: State = State.READY
    message: str = ""
    failure: str = ""
    progress: tuple[str, float] = ("", 0.0)
    ct: CT | None = None
    run: Run | None = None
    automatic: Volume | None = None
    edited_before: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    box_by_hand: Box | None = None
    box_moved: bool = False
    segmentation_node: Any = None
    box_node: Any = None
    table_node: Any = None
    regions_node: Any = None
    version: int = 0
    changed_at: float | None = None
    _quiet: int = 0
    _results: OrderedDict[str, Result] = field(default_factory=OrderedDict)

    @property
    def result(self) -> Result | None:
        return self.run.result if self.run else None

    @property
    def settled(self) -> State:
        """The state that goes with the result alone: nothing runs, nothing was changed."""
        if self.result is None:
            return State.READY
        return State.REFUSED if self.result.status == "refused" else State.RESULT

    @property
    def is_quiet(self) -> bool:
        """The panel itself is changing the nodes: no news from them is an edit."""
        return self._quiet > 0

    @contextmanager
    def quiet(self) -> Iterator[None]:
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def edits(self, labels: Volume) -> Edits:
        """What the reader changed, if `labels` are what is on the screen."""
        edited = self.edited_before
        if self.automatic is not None:
            edited |= differing(self.automatic, labels)
        return Edits(edited=edited, excluded=self.excluded, box=self.box_by_hand)

    def remember(self, key: str, result: Result) -> None:
        self._results[key] = result
        self._results.move_to_end(key)
        while len(self._results) > REMEMBERED:
            self._results.popitem(last=False)

    def remembered(self, key: str) -> Result | None:
        return self._results.get(key)

    def forget(self) -> None:
        """Nothing that was measured before holds: the models or the thresholds changed."""
        self._results.clear()


def differing(before: Volume, after: Volume) -> frozenset[str]:
    """The vertebrae whose masks differ between two label maps of one grid; looks only where there are masks."""
    found = [ranges for ranges in (extent(before.array), extent(after.array)) if ranges is not None]
    if not found:
        return frozenset()
    around = tuple(slice(min(r.start for r in axis), max(r.stop for r in axis)) for axis in zip(*found))
    return changed_vertebrae(before.part(around), after.part(around))


def key_of(labels: Volume, edits: Edits) -> str:
    """Tells a label map with its edits from all others of the same volume."""
    ranges = extent(labels.array) or (slice(0, 0),) * 3
    digest = hashlib.blake2b(np.ascontiguousarray(labels.array[ranges]), digest_size=16)
    digest.update(repr((ranges, sorted(edits.edited), sorted(edits.excluded))).encode())
    if edits.box is not None:
        digest.update(np.ascontiguousarray(edits.box.ras_mm).tobytes())
    return digest.hexdigest()
