"""The stages of a warm pipeline, as a child measures them: `python -m Testing.benchmark.stages CT --engine NAME`.

It prints JSON, the seconds of each stage and of the networks in them, and writes to --calls what a run shows them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.pipeline import Pipeline
from OpportunisticBMDLib.reading import read_ct
from OpportunisticBMDLib.results.folder import write_results
from Testing.benchmark.engines import Call, watched_pipeline
from Testing.benchmark.timing import CHAIN, EDIT, LOAD, NETWORKS, WRITE

KVP = 120.0  # which image files do not state
ERASED = 4  # layers that the edit takes off a mask


class Seconds:
    """Wall and CPU seconds of this process by what they were spent on, for one run."""

    def __init__(self) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.precision: dict[str, str] = {}

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[what] += time.perf_counter() - wall
        self.cpu[what] += time.process_time() - cpu

    def add(self, call: Call) -> None:
        self.precision[f"{NETWORKS}: {call.stage}"] = call.precision
        for what in (NETWORKS, f"{NETWORKS}: {call.stage}"):
            self.wall[what] += call.wall_s
            self.cpu[what] += call.cpu_s


class StageCPU:
    """A `Progress` that keeps each stage's CPU seconds; their wall time is in the result."""

    def __init__(self) -> None:
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self._stage, self._since = "", 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        if stage != self._stage:
            self.end()
            self._stage = stage

    def end(self) -> None:
        now = time.process_time()
        if self._stage:
            self.cpu[self._stage] += now - self._since
        self._since = now


def measured(path: Path, pipeline: Pipeline, calls: list[Call], folder: Path) -> Seconds:
    """One run from the file to the results, and what an edit costs after it."""
    calls.clear()
    seconds, stages = Seconds(), StageCPU()
    with seconds.of(LOAD):
        ct = read_ct(path)
    ct = replace(ct, acquisition=replace(ct.acquisition, kvp=ct.acquisition.kvp or KVP))
    with seconds.of(CHAIN):
        run = pipeline.run(ct, stages)
    stages.end()
    seconds.wall.update(run.result.timing_s)
    seconds.cpu.update(stages.cpu)
    for call in calls:
        seconds.add(call)
    of_run = list(calls)
    with seconds.of(WRITE):
        write_results(folder, ct, run.segmentation, run.result)
    if run.segmentation is not None:
        edited = erased(run.segmentation)
        with seconds.of(EDIT):
            pipeline.measure(ct, edited, previous=run.result)
    calls[:] = of_run
    return seconds


def erased(segmentation: Segmentation) -> Segmentation:
    """A reader takes layers off the mask of L1, at its front or back."""
    labels = segmentation.labels
    of_l1 = labels.array == LABELS["L1"]
    last = of_l1.any(axis=(0, 2)).nonzero()[0][:ERASED].max(initial=-1)
    of_l1[:, last + 1 :] = False
    return Segmentation(Volume(np.where(of_l1, 0, labels.array), labels.grid), segmentation.confidence)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("ct", type=Path)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--calls", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    pipeline, calls = watched_pipeline(options.engine)
    with tempfile.TemporaryDirectory() as folder:
        runs = [measured(options.ct, pipeline, calls, Path(folder)) for _ in range(1 + options.runs)][1:]  # it is warm
    options.calls.write_text(json.dumps([(call.stage, call.shape) for call in calls]))
    print(json.dumps({what: _of_runs(what, runs) for what in runs[0].wall}))


def _of_runs(what: str, runs: Sequence[Seconds]) -> dict[str, object]:
    """Arguments of a `Timing`."""
    precision = runs[0].precision.get(what, "")
    return {"wall_s": [r.wall[what] for r in runs], "cpu_s": [r.cpu[what] for r in runs], "precision": precision}


if __name__ == "__main__":
    main()
