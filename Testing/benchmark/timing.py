"""What was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

STAGES = ("load", "localize", "name", "segment", "measure", "write")
LOAD, WRITE = STAGES[0], STAGES[-1]
CHAIN = "chain"  # from localize to measure
NETWORKS = "networks"  # of a run; "networks: STAGE" for one of them
EDIT = "edit"  # a new BMD after a mask was changed
COMPUTE = "compute"  # the whole program
READ = "read"  # "read: FORM" of a DICOM series
PLAIN = "plain"  # the engine: PyTorch as a user would write it


@dataclass(frozen=True)
class Timing:
    """How long one thing took, run after run.

    Args:
        what: one of the names above.
        engine: that computed the networks; "" where none took part.
        slices: of the CT.
        cores: that could be used.
        wall_s, cpu_s: one for each run.
        peak_bytes: most memory of each run; empty of what is no process of its own.
        precision: in which one network was computed, one of `floor.PRECISIONS`; "" of all else.
    """

    what: str
    engine: str
    slices: int
    cores: int
    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    peak_bytes: tuple[int, ...] = ()
    precision: str = ""

    @property
    def median_s(self) -> float:
        return median(self.wall_s)

    @property
    def median_cpu_s(self) -> float:
        return median(self.cpu_s)


def find(timings: Iterable[Timing], **wanted: object) -> Timing | None:
    """The first whose attributes are these."""
    return next((t for t in timings if all(getattr(t, name) == value for name, value in wanted.items())), None)
