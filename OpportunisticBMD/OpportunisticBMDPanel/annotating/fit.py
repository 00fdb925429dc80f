"""A fit of the laboratory in child processes: started, watched through its log, stopped with all that it started."""

from __future__ import annotations

import enum
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import OpportunisticBMDLib
import OpportunisticBMDTraining
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import FITTED_ON_CASES
from OpportunisticBMDLib.system.processes import end_tree, finding, in_own_group
from OpportunisticBMDTraining.fit.curves import Curves, load_curves

HELD_OUT = 8  # virtual patients that a fit keeps for validation
# Where a child finds what it imports: one folder in an installed extension, several in the source tree.
FOLDERS = tuple(
    dict.fromkeys(
        str(Path(place).resolve())
        for place in (
            Path(OpportunisticBMDLib.__file__).parents[1],
            Path(OpportunisticBMDTraining.__file__).parents[1],
            Path(__file__).parents[2],
        )
    )
)
OUTPUT = "output.txt"
SHIPPED = Path(OpportunisticBMDLib.__file__).resolve().parents[1] / "Resources" / "Models"


@dataclass(frozen=True)
class FitPlan:
    """What is to be fitted.

    Args:
        dataset: annotated cases.
        folder: for samples, checkpoints, logs and the new model; a fit that was stopped goes on from there.
        stage: "localizer", "segmentation" or "bmd".
        steps: of the optimizer.
        virtual: virtual patients that are fitted beside the annotated cases.
        start: model folder of the stages that are not fitted; None for the models that ship.
        continues: whether this folder's weights are the first ones of the fit, too.
        every: steps between validations, which also write the log.
        jobs: processes that make virtual patients; None for all cores.

    Raises:
        BadInput: an unknown stage, no steps, or too few virtual patients to validate on.
    """

    dataset: Path
    folder: Path
    stage: str
    steps: int
    virtual: int
    start: Path | None = None
    continues: bool = False
    every: int = 20
    jobs: int | None = None

    def __post_init__(self) -> None:
        if self.stage not in FITTED_ON_CASES:
            raise BadInput(f"The stage is {self.stage!r}; choose one of {', '.join(FITTED_ON_CASES)}.")
        if self.steps < 1:
            raise BadInput(f"A fit of {self.steps} steps fits nothing; give at least 1.")
        if self.virtual <= HELD_OUT:
            raise BadInput(f"Give more than {HELD_OUT} virtual patients: so many are kept for validation.")

    @property
    def models(self) -> Path:
        """The model folder that the fit makes."""
        return self.folder / "models"

    @property
    def commands(self) -> list[list[str]]:
        """The modules to run, one after the other, with their arguments."""
        maker, made = ("readings", "readings") if self.stage == "bmd" else ("prepare", "samples")
        samples = str(self.folder / made)
        prepare = [f"OpportunisticBMDTraining.fit.samples.{maker}", "-o", samples, "--dataset", str(self.dataset)]
        prepare += ["--virtual", str(self.virtual)]
        prepare += ["--jobs", str(self.jobs)] if self.jobs else []
        fit = [
            f"OpportunisticBMDTraining.fit.tasks.{self.stage}",
            "--samples",
            samples,
            "--run",
            str(self.folder / self.stage),
        ]
        fit += ["-o", str(self.models), "--steps", str(self.steps), "--every", str(self.every)]
        fit += ["--held-out", str(HELD_OUT)]
        complete = ["OpportunisticBMDPanel.annotating.complete_models", str(self.models)]
        if self.start is not None:
            complete += ["--start", str(self.start)]
        if self.continues:
            fit += ["--start", str(self.start or SHIPPED)]
        return [prepare, fit, complete]


class FitState(enum.Enum):
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"


class FitRun:
    """A running fit. Nothing here waits: a timer calls `poll`.

    Args:
        plan: what is fitted.
        python: the interpreter that has the packages.
    """

    def __init__(self, plan: FitPlan, python: str | None = None) -> None:
        self.plan = plan
        self.state = FitState.RUNNING
        self._python = str(python or sys.executable)
        self._waiting = plan.commands
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def start(self) -> None:
        """Begins with the first command.

        Raises:
            BadInput: the folder cannot be written, or Python cannot be started.
        """
        try:
            self.plan.folder.mkdir(parents=True, exist_ok=True)
            self._output = (self.plan.folder / OUTPUT).open("wb")
            self._next()
        except OSError as error:
            raise BadInput(f"The fit cannot be started: {error}.") from error

    def poll(self) -> FitState:
        """How far it is; starts the next command where one is done."""
        if self.state is FitState.RUNNING and self._process is not None:
            status = self._process.poll()
            if status == 0 and self._waiting:
                self._next()
            elif status is not None:
                self._close(FitState.FINISHED if status == 0 else FitState.FAILED)
        return self.state

    def stop(self) -> None:
        """Ends the fit and all that it started, at once; what it has saved stays, and another start goes on."""
        if self.state is FitState.RUNNING and self._process is not None:
            end_tree(self._process)
            self._close(FitState.STOPPED)

    @property
    def last_line(self) -> str:
        """What the fit said last."""
        path = self.plan.folder / OUTPUT
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            said = file.read().decode(errors="replace").replace("\r", "\n").strip()
        return said.splitlines()[-1].strip() if said else ""

    def curves(self) -> Curves:
        """The log so far, over all starts."""
        return load_curves(self.plan.folder / self.plan.stage)

    def _next(self) -> None:
        module, *arguments = self._waiting.pop(0)
        self._process = subprocess.Popen(
            [self._python, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=finding(FOLDERS),
            cwd=self.plan.folder,
            **in_own_group(),
        )

    def _close(self, state: FitState) -> None:
        self.state = state
        if self._output is not None:
            self._output.close()
