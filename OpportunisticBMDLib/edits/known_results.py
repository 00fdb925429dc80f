"""Results that a volume had before, so that undoing an edit brings an old number back at once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.edits.edits import Edits

REMEMBERED = 64


class KnownResults:
    """The latest results of one volume, by the masks and the edits that they were measured with."""

    def __init__(self) -> None:
        self._results: OrderedDict[str, Result] = OrderedDict()

    def remember(self, labels: Volume, edits: Edits, result: Result) -> None:
        """Keeps a result; beyond `REMEMBERED` of them, the one that was kept first goes."""
        key = key_of(labels, edits)
        self._results[key] = result
        self._results.move_to_end(key)
        while len(self._results) > REMEMBERED:
            self._results.popitem(last=False)

    def find(self, labels: Volume, edits: Edits) -> Result | None:
        """What was measured on these masks with these edits, if it is still known."""
        return self._results.get(key_of(labels, edits))

    def forget(self) -> None:
        """Nothing that was measured before holds: the voxels, the models or the thresholds changed."""
        self._results.clear()


def key_of(labels: Volume, edits: Edits) -> str:
    """Tells a label map with its edits from all others of the same volume."""
    ranges = extent(labels.array) or (slice(0, 0),) * 3
    digest = hashlib.blake2b(labels.array[ranges].tobytes(), digest_size=16)
    digest.update(labels.grid.affine.tobytes())  # a volume that was moved is read at other places
    digest.update(repr((ranges, sorted(edits.edited), sorted(edits.excluded), edits.levels_moved)).encode())
    if edits.box is not None:
        digest.update(edits.box.ras_mm.tobytes())
    return digest.hexdigest()
