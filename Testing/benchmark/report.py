"""Everything that a run of the benchmark found, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from Testing.benchmark.timing import NETWORKS, Timing, find


@dataclass(frozen=True)
class Floor:
    """The least time that a run's networks and the reading of its CT could take.

    Args:
        operations: of the networks, by stage.
        matrix_per_s: operations a second in a product of matrices, by precision.
        memory_bytes_per_s: that are read.
    """

    operations: dict[str, int]
    matrix_per_s: dict[str, float]
    memory_bytes_per_s: float
    ct_bytes: int

    def seconds(self, precisions: Mapping[str, str]) -> float:
        """With each stage's network in one of the precisions."""
        computing = (each / self.matrix_per_s[precisions[stage]] for stage, each in self.operations.items())
        return sum(computing) + self.ct_bytes / self.memory_bytes_per_s


@dataclass(frozen=True)
class Report:
    """All timings, and the floor that they are held against.

    Args:
        machine: as `machine.machine` tells it.
        slices: of the CT that everything was measured on.
    """

    machine: dict[str, Any]
    slices: int
    timings: tuple[Timing, ...]
    floor: Floor

    @property
    def cores(self) -> int:
        return max(timing.cores for timing in self.timings)

    @property
    def engines(self) -> list[str]:
        """Of the whole CT on all cores, in the order in which they were measured."""
        return list(dict.fromkeys(timing.engine for timing in self._here if timing.engine))

    def here(self, what: str, engine: str) -> Timing | None:
        """Of the CT that everything was measured on, with all cores."""
        return find(self._here, what=what, engine=engine)

    def steps(self, name: str) -> dict[int, list[Timing]]:
        """What was measured with the first engine at each number of "slices" or "cores", the other one being usual."""
        usual = ("cores", self.cores) if name == "slices" else ("slices", self.slices)
        alike = [t for t in self.timings if t.engine == self.engines[0] and getattr(t, usual[0]) == usual[1]]
        found = sorted({getattr(timing, name) for timing in alike})
        return {step: [timing for timing in alike if getattr(timing, name) == step] for step in found}

    def precisions(self, engine: str) -> dict[str, str]:
        """Of each stage's network."""
        found = {stage: self.here(f"{NETWORKS}: {stage}", engine) for stage in self.floor.operations}
        return {stage: timing.precision for stage, timing in found.items() if timing}

    def floor_s(self, engine: str) -> float:
        """Of the chain from localizing to measuring."""
        return self.floor.seconds(self.precisions(engine))

    def as_json(self) -> dict[str, Any]:
        floors = {engine: self.floor_s(engine) for engine in self.engines}
        return {
            "machine": self.machine,
            "slices": self.slices,
            "timings": [asdict(timing) for timing in self.timings],
            "floor": {**asdict(self.floor), "seconds": floors},
        }

    @property
    def _here(self) -> list[Timing]:
        return [each for each in self.timings if (each.slices, each.cores) == (self.slices, self.cores)]
