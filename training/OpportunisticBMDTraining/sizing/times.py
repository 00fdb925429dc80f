"""How long one core takes for a CT: as measured, or as assumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput

ASSUMED_DRAWS = 100_000


@dataclass(frozen=True, eq=False)
class Times:
    """Of CTs that stand for those to come: each of these takes as long as one that is drawn from them.

    Args:
        seconds: (n,) float64, of one core, from reading a CT to its results on disk.
        origin: where they come from, in words.
    """

    seconds: np.ndarray
    origin: str

    @property
    def mean_s(self) -> float:
        return float(self.seconds.mean())

    @property
    def sd_s(self) -> float:
        return float(self.seconds.std())

    def drawn(self, n: int, random: np.random.Generator) -> np.ndarray:
        """(n,) seconds."""
        return random.choice(self.seconds, n)


def measured_times(cohort: Path) -> Times:
    """From the rows of a cohort that was measured with a core for each worker; those that failed took time, too.

    Raises:
        BadInput: there are none, or the manifest is damaged.
    """
    from OpportunisticBMDLib.cohort.manifest import Manifest
    from OpportunisticBMDLib.cohort.place import Place
    from OpportunisticBMDLib.cohort.row import FAILED

    rows = Manifest(Place(cohort).manifest).table()
    seconds, failed = rows["seconds"].to_numpy(), rows["status"].to_pylist().count(FAILED)
    if not seconds.sum() > 0:
        raise BadInput(f"No CT was measured in {cohort}; name the folder of a cohort that is under way.")
    return Times(seconds, f"as {len(seconds):,} CTs took, {failed:,} of which failed")


def assumed_times(mean_s: float, sd_s: float, random: np.random.Generator) -> Times:
    """Lognormal ones."""
    variance = np.log1p((sd_s / mean_s) ** 2)
    seconds = random.lognormal(np.log(mean_s) - variance / 2, np.sqrt(variance), ASSUMED_DRAWS)
    return Times(seconds * mean_s / seconds.mean(), "assumed to be lognormal")
