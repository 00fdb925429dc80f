"""The worker as a program with a window sees it: nothing here waits, and nothing is left behind."""

from __future__ import annotations

import sys
import weakref
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.edits import NO_EDITS, Edits
from OpportunisticBMDLib.inference.device import DEVICES
from OpportunisticBMDLib.inference.engine import ENGINES
from OpportunisticBMDLib.worker.child import Child
from OpportunisticBMDLib.worker.messages import (
    Event,
    Failed,
    Finished,
    Kind,
    Progressed,
    Ready,
    built,
    packed,
    plain,
    unpacked,
)
from OpportunisticBMDLib.worker.shared import SharedMemory, is_no_space

ENDED = (
    "The process that measures ended unexpectedly{cause}. Run it again; should it happen again, close other programs "
    "to free memory, or choose the CPU as the device."
)
MISSING = "A package is missing in {python} ({cause}); install it and try again."


@dataclass(frozen=True, eq=False)
class _Job:
    ct: CT
    segmentation: Segmentation | None  # the masks to be measured, where they were given


class Worker:
    """Runs one job after another in a child process, which is started when it is needed and kept.

    Nothing waits for the child: a timer calls `poll`, which says what happened since. The CT stays in the child between
    jobs; it is sent again when `ct.volume.array` is another array object, so change voxels in a new array.

    Args:
        python: the interpreter that has the packages; inside 3D Slicer that is not always `sys.executable`.
        models: another model folder.
        device: "auto", "cpu" or "cuda"; a GPU that is missing or has too little memory is replaced by the CPU.
        engine: of the networks on the CPU, "auto", "torch" or "openvino".
        thresholds, calibration: as in `Pipeline`; may be changed between jobs.

    Raises:
        ValueError: another device or engine.
    """

    def __init__(
        self,
        *,
        python: str | None = None,
        models: Path | None = None,
        device: str = "auto",
        engine: str = "auto",
        thresholds: Thresholds | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        if device not in DEVICES:
            raise ValueError(f"the device is one of {', '.join(DEVICES)}, not {device!r}")
        if engine not in ENGINES:
            raise ValueError(f"the engine is one of {', '.join(ENGINES)}, not {engine!r}")
        self.thresholds = thresholds or Thresholds()
        self.calibration = calibration
        self._python = str(python or sys.executable)
        self._settings = {
            "models": str(Path(models).resolve()) if models else None,
            "device": device,
            "engine": engine,
        }
        self._events: list[Event] = []
        self._job: _Job | None = None
        self._child: Child | None = None
        self._is_ready = False
        self._waiting: dict[str, Any] | None = None  # the job, until the child is ready
        self._given: weakref.ref[np.ndarray] | None = None  # the voxels that the child has
        self._shared: SharedMemory | None = None  # until the child has taken it over

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def busy(self) -> bool:
        """Whether a job is running. `cancel` ends it."""
        return self._job is not None

    def start(self) -> None:
        """Starts the child and lets it load the models, if it is not there already: `Ready` or `Failed` follows."""
        if self._child is not None and not self._child.has_ended:
            return
        self._end_child()
        try:
            self._child = Child(self._python)
        except OSError as error:
            self._fail(f"Python cannot be started from {self._python} ({error.strerror}); check the path.", "killed")
            return
        self._child.write({"kind": "start", **self._settings})

    def compute(self, ct: CT) -> None:
        """Localizes, segments and measures.

        Raises:
            RuntimeError: the worker is busy.
        """
        self._begin("compute", _Job(ct, None))

    def segment_within(self, ct: CT, box: Box) -> None:
        """Segments and measures in a box that was placed by hand.

        Raises:
            RuntimeError: the worker is busy.
        """
        self._begin("segment_within", _Job(ct, None), box=plain(box))

    def move_levels(self, ct: CT, previous: Result, by: int) -> None:
        """Segments and measures after a reader moved all names by so many vertebrae, as `Pipeline.move_levels`.

        Raises:
            RuntimeError: the worker is busy.
        """
        self._begin("move_levels", _Job(ct, None), previous=plain(previous), by=by)

    def measure(
        self,
        ct: CT,
        segmentation: Segmentation,
        edits: Edits = NO_EDITS,
        previous: Result | None = None,
    ) -> None:
        """Measures masks, as `Pipeline.measure`.

        Raises:
            RuntimeError: the worker is busy.
            ValueError: masks on another grid than the CT's.
        """
        if segmentation.labels.grid.size != ct.volume.grid.size:
            sizes = f"{segmentation.labels.grid.size} and {ct.volume.grid.size}"
            raise ValueError(f"masks and CT have to be on the same grid, not on grids of {sizes}")
        self._begin(
            "measure",
            _Job(ct, segmentation),
            segmentation=packed(segmentation),
            edits=plain(edits),
            previous=plain(previous),
        )

    def poll(self) -> list[Event]:
        """What happened since the last call. Never waits."""
        if self._child is not None:
            try:
                messages, is_gone = self._child.read()
                for message in messages:
                    self._take(message)
            except (ValueError, TypeError, LookupError, AttributeError, zlib.error) as error:
                self._lost(f"it said what cannot be understood, {type(error).__name__}")
            else:
                if is_gone:
                    self._lost()
        events, self._events = self._events, []
        return events

    def cancel(self) -> None:
        """Ends the job, and the child with all that it started, at once; no event follows. The next job starts anew."""
        self._end_child()
        self._job = None
        self._events = []

    def close(self) -> None:
        """Leaves nothing running."""
        self.cancel()

    def _begin(self, kind: str, job: _Job, **details: Any) -> None:
        if self.busy:
            raise RuntimeError("the worker is busy with another job; wait for it or cancel it")
        self._job = job
        self.start()
        if self.busy and self._child is not None and self._give(self._child, job.ct.volume.array):
            self._waiting = {
                "kind": kind,
                "grid": plain(job.ct.volume.grid),
                "acquisition": plain(job.ct.acquisition),
                "thresholds": plain(self.thresholds),
                "calibration": plain(self.calibration),
                **details,
            }
            self._send_waiting()

    def _give(self, child: Child, array: np.ndarray) -> bool:
        """Hands the voxels over, unless the child has them; whether it has them now."""
        if self._given is not None and self._given() is array:
            return True
        self._given = None
        try:
            memory = SharedMemory.reserved(array.nbytes)
        except OSError as error:
            if not is_no_space(error):
                raise
            self._fail(
                f"There is no room in memory for the CT's {array.nbytes / 2**20:.0f} MB ({error.strerror}); close "
                "other programs or free space in the temporary folder.",
                "no_space",
            )
            return False
        self._shared = memory
        order: Literal["C", "F"] = "F" if array.flags.f_contiguous else "C"
        voxels = {"name": memory.name, "size": array.nbytes, "shape": array.shape, "dtype": array.dtype.str}
        # First the name, which the child takes away: should this process die now, nobody has to clean up.
        child.write({"kind": "voxels", **voxels, "order": order})
        np.copyto(memory.array(array.shape, array.dtype, order), array)
        self._given = weakref.ref(array)
        return True

    def _send_waiting(self) -> None:
        """A job may be larger than a pipe holds: it goes once the child listens, so that nothing waits."""
        if self._is_ready and self._child is not None and self._waiting is not None:
            self._child.write(self._waiting)
            self._waiting = None

    def _take(self, message: dict[str, Any]) -> None:
        match message.pop("kind"):
            case "taken":
                self._shared = None
            case "ready":
                self._is_ready = True
                self._events.append(Ready(**message))
                self._send_waiting()
            case "progressed":
                self._events.append(Progressed(**message))
            case "finished":
                if self._job is not None:
                    self._events.append(Finished(_run(self._job, message)))
                self._job = None
            case "failed":
                self._fail(message["message"], message["failure"])
                if not self._is_ready:
                    self._end_child()

    def _fail(self, message: str, kind: Kind) -> None:
        self._job = None
        self._events.append(Failed(message, kind))

    def _lost(self, cause: str = "") -> None:
        """The child is gone without a word, unless it had nothing left to say; or what it says is of no use."""
        if self._child is None:
            return
        is_missed = self.busy or not self._is_ready
        said = self._end_child()
        said = cause or said
        if is_missed:
            if said.startswith(("ImportError", "ModuleNotFoundError")):
                self._fail(MISSING.format(python=self._python, cause=said), "packages")
            else:
                self._fail(ENDED.format(cause=f" ({said})" if said else ""), "killed")

    def _end_child(self) -> str:
        said = self._child.end() if self._child is not None else ""
        if self._shared is not None:
            self._shared.forget()
        self._child = self._waiting = self._given = self._shared = None
        self._is_ready = False
        return said


def _run(job: _Job, message: Mapping[str, Any]) -> Run:
    segmentation = job.segmentation
    if message["segmentation"] is not None:
        segmentation = unpacked(message["segmentation"], job.ct.volume.grid)
    return Run(built(Result, message["result"]), segmentation)
