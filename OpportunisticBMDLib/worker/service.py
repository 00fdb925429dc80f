"""The worker's side: takes a job, runs the chain, tells how far it is and what came out."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT, Acquisition
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDLib.inference.device import chosen_device
from OpportunisticBMDLib.scanners.registry import ScannerRegistry
from OpportunisticBMDLib.system.leftovers import clear_leftovers
from OpportunisticBMDLib.system.memory import share_one_heap
from OpportunisticBMDLib.system.progress import Progress, silent
from OpportunisticBMDLib.worker.messages import built, line, packed, plain, unpacked
from OpportunisticBMDLib.worker.shared import SharedMemory

if TYPE_CHECKING:
    from OpportunisticBMDLib.pipeline import Pipeline

# torch, torchvision, SimpleITK and the system name it in these words.
OUT_OF_MEMORY = ("out of memory", "allocate memory", "alloc_failed", "bad_alloc", "bad allocation", "not enough memory")
SMALL_GPU = "The GPU has too little memory for this CT; the CPU is used instead, which takes longer."
NO_GPU = "No CUDA device was found; the CPU is used instead."
USELESS_GPU = "The GPU cannot be used ({error}); the CPU is used instead, which takes longer."
MISSING = "A package is missing or cannot be loaded ({reason}); install it and try again."
TOO_LITTLE = "There is not enough memory to measure this CT; close other programs, or crop the CT to the spine."


def main() -> None:
    """Serves one client until it goes away."""
    share_one_heap()
    # Whatever prints to stdout lands on stderr: the client's lines stay clean.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    clear_leftovers()
    channel = Channel(answers)
    threading.Thread(target=channel.listen, args=(sys.stdin.buffer,), daemon=True).start()
    with _ending_the_process():
        serve(channel)


@contextmanager
def _ending_the_process() -> Iterator[None]:
    """Ends the process with its block, whatever the other thread is doing; the last line on stderr says why."""
    status = 1
    try:
        yield
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


class Channel:
    """Lines from and to the client."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._received: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def listen(self, lines: IO[bytes]) -> None:
        """Takes what comes while the chain is at work. Ends the process in its midst when the client is gone, or says
        what no client says."""
        with _ending_the_process():
            for text in lines:
                message = json.loads(text)
                if message["kind"] == "voxels":
                    message["array"] = _taken_over(message)
                    self.send({"kind": "taken"})
                self._received.put(message)

    def receive(self) -> dict[str, Any]:
        return self._received.get()

    def send(self, message: Mapping[str, Any]) -> None:
        data = line(message)
        with self._lock:
            while data:
                data = data[self._answers.write(data) :]


def _taken_over(voxels: Mapping[str, Any]) -> np.ndarray:
    memory = SharedMemory.taken_over(voxels["name"], voxels["size"])
    return memory.array(tuple(voxels["shape"]), np.dtype(voxels["dtype"]), voxels["order"])


def serve(channel: Channel) -> None:
    """Loads the models, then does one job after the other. Returns where the models cannot be loaded."""
    settings = channel.receive()
    try:
        chain = Chain(settings["models"], settings["device"], settings["engine"], _progress_over(channel))
    except BadInput as error:
        return channel.send(_failed(str(error), "models"))
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())
        return channel.send(_failed(MISSING.format(reason=reason), "packages"))
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        return channel.send(_failed(TOO_LITTLE, "memory"))
    channel.send({"kind": "ready", "device": chain.device, "note": chain.note})
    voxels = np.zeros((0, 0, 0), np.int16)
    while True:
        message = channel.receive()
        if message["kind"] == "voxels":
            voxels = message["array"]
        else:
            channel.send(_answer(chain, channel, voxels, message))


def _answer(chain: Chain, channel: Channel, voxels: np.ndarray, job: Mapping[str, Any]) -> dict[str, Any]:
    told, tell = 0.0, _progress_over(channel)

    def progress(stage: str, fraction: float) -> None:
        nonlocal told
        told = max(told, fraction)  # a second attempt on the CPU begins anew
        tell(stage, told)

    try:
        run = chain.run(voxels, job, progress)
        while run is None:  # once at most: the CPU does not fall back
            channel.send({"kind": "ready", "device": chain.device, "note": chain.note})
            run = chain.run(voxels, job, progress)
    except BadInput as error:
        return _failed(str(error), "bad_input")
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        return _failed(TOO_LITTLE, "memory")
    new = run.segmentation if job["kind"] != "measure" else None
    return {
        "kind": "finished",
        "result": plain(run.result),
        "segmentation": None if new is None else packed(new),
    }


def _progress_over(channel: Channel) -> Progress:
    return lambda stage, fraction: channel.send({"kind": "progressed", "stage": stage, "fraction": fraction})


class Chain:
    """The pipeline on the best device that works.

    Raises:
        ImportError, OSError: torch or another package is missing or broken.
        BadInput: a model is missing or damaged, or the engine is not installed.
    """

    def __init__(self, models: str | None, device: str, engine: str = "auto", progress: Progress = silent) -> None:
        self._progress = progress
        self._models = Path(models) if models else None
        self._engine = engine
        self._volume: Volume | None = None
        self.note = ""
        try:
            self.device = chosen_device(device, engine)
        except BadInput:
            self.device, self.note = "cpu", NO_GPU
        try:
            self._pipeline = self._load()
        except RuntimeError as error:
            if self.device == "cpu":
                raise
            self._fall_back(error)

    def run(self, voxels: np.ndarray, job: Mapping[str, Any], progress: Progress) -> Run | None:
        """Does a job; None where the GPU failed, and the CPU has taken over for another attempt."""
        try:
            return _run(self._pipeline, self._volume_of(voxels, built(Grid, job["grid"])), job, progress)
        except RuntimeError as error:
            if self.device == "cpu" or not (_is_out_of_memory(error) or "cuda" in str(error).lower()):
                raise
            self._fall_back(error)
            return None

    def _volume_of(self, voxels: np.ndarray, grid: Grid) -> Volume:
        """The one of the last job where it is the same: what is remembered of a volume serves the edits after it."""
        last = self._volume
        if last is None or last.array is not voxels or not last.grid.is_close(grid, tolerance_mm=0.0):
            last = self._volume = Volume(voxels, grid)
        return last

    def _load(self) -> Pipeline:
        from OpportunisticBMDLib.pipeline import Pipeline

        return Pipeline.load(self._models, self.device, self._engine, self._progress)

    def _fall_back(self, error: RuntimeError) -> None:
        reason = str(error).partition("\n")[0]
        self.note = SMALL_GPU if _is_out_of_memory(error) else USELESS_GPU.format(error=reason)
        self.device = "cpu"
        self._pipeline = self._load()


def _run(pipeline: Pipeline, volume: Volume, job: Mapping[str, Any], progress: Progress) -> Run:
    pipeline = replace(
        pipeline,
        thresholds=built(Thresholds, job["thresholds"]),
        calibration=built(Calibration, job["calibration"]),
        scanners=ScannerRegistry.of_user(),
    )
    ct = CT(volume, built(Acquisition, job["acquisition"]))
    match job["kind"]:
        case "compute":
            return pipeline.run(ct, progress)
        case "segment_within":
            return pipeline.segment_within(ct, built(Box, job["box"]), progress)
        case "move_levels":
            return pipeline.move_levels(ct, built(Result, job["previous"]), job["by"], progress)
        case "measure":
            return pipeline.measure(
                ct,
                unpacked(job["segmentation"], volume.grid),
                progress=progress,
                edits=built(Edits, job["edits"]),
                previous=built(Result, job["previous"]),
            )
    raise ValueError(f"unknown job {job['kind']!r}")


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY)


def _failed(message: str, kind: str) -> dict[str, Any]:
    return {"kind": "failed", "message": message, "failure": kind}
