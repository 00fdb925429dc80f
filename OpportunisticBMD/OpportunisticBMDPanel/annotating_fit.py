"""A fit of `training/` in child processes: started, watched through its log, stopped with all that it started.

`python -m OpportunisticBMDPanel.annotating_fit MODELS [--start FOLDER]` is the last of them: it puts the stages that
were not fitted beside the new one, and verifies all three.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import enum
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import OpportunisticBMDLib
import training
from OpportunisticBMDLib.errors import BadInput

STAGES = ("localizer", "segmentation", "bmd")
HELD_OUT = 8  # virtual patients that a fit keeps for validation
# Where a child finds what it imports: one folder in an installed extension, several in the source tree.
FOLDERS = tuple(
    dict.fromkeys(
        str(Path(place).resolve())
        for place in (
            Path(OpportunisticBMDLib.__file__).parents[1],
            Path(training.__file__).parents[1],
            Path(__file__).parents[1],
        )
    )
)
OUTPUT, CURVE = "output.txt", "curve.png"
SHIPPED = Path(OpportunisticBMDLib.__file__).resolve().parents[1] / "Resources" / "Models"
IS_WINDOWS = os.name == "nt"


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
        if self.stage not in STAGES:
            raise BadInput(f"The stage is {self.stage!r}; choose one of {', '.join(STAGES)}.")
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
        prepare = [f"training.fit.{maker}", "-o", samples, "--dataset", str(self.dataset)]
        prepare += ["--virtual", str(self.virtual)]
        prepare += ["--jobs", str(self.jobs)] if self.jobs else []
        fit = [f"training.fit.{self.stage}", "--samples", samples, "--run", str(self.folder / self.stage)]
        fit += ["-o", str(self.models), "--steps", str(self.steps), "--every", str(self.every)]
        fit += ["--held-out", str(HELD_OUT)]
        complete = ["OpportunisticBMDPanel.annotating_fit", str(self.models)]
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


@dataclass(frozen=True)
class Curve:
    """What the log says: pairs of step and value by name, e.g. "loss"."""

    values: dict[str, tuple[tuple[int, float], ...]]

    @property
    def last_step(self) -> int | None:
        steps = [points[-1][0] for points in self.values.values() if points]
        return max(steps) if steps else None


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
            _kill_with_children(self._process)
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

    def curve(self) -> Curve:
        """The log so far, over all starts."""
        return read_curve(sorted((self.plan.folder / self.plan.stage / "log").glob("version_*/metrics.csv"), key=_age))

    def _next(self) -> None:
        module, *arguments = self._waiting.pop(0)
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join([*FOLDERS, *filter(None, [environment.get("PYTHONPATH")])])
        own_group = {"creationflags": subprocess.CREATE_NO_WINDOW} if IS_WINDOWS else {"start_new_session": True}
        self._process = subprocess.Popen(
            [self._python, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=self.plan.folder,
            **own_group,
        )

    def _close(self, state: FitState) -> None:
        self.state = state
        if self._output is not None:
            self._output.close()


def read_curve(logs: Sequence[Path]) -> Curve:
    """Reads metrics.csv files, oldest first; a later one overrules an earlier one from its first step on."""
    values: dict[str, dict[int, float]] = {}
    for path in logs:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row.get("step")]
        if not rows:
            continue
        first = min(int(row["step"]) for row in rows)
        values = {name: {s: v for s, v in points.items() if s < first} for name, points in values.items()}
        for row in rows:
            for name, text in row.items():
                if name not in ("step", "epoch") and text:
                    values.setdefault(name, {})[int(row["step"])] = float(text)
    return Curve({name: tuple(sorted(points.items())) for name, points in values.items()})


def draw_curve(curve: Curve, path: Path) -> None:
    """Writes a picture of the curves: the loss on the left, what was measured on held-out patients on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, 2.2), dpi=100, layout="constrained")
    left = figure.subplots()
    left.set_xlabel("step")
    left.set_ylabel("loss")
    left.tick_params(labelsize=8)
    right = left.twinx()
    right.tick_params(labelsize=8)
    for number, (name, points) in enumerate(sorted(curve.values.items(), key=lambda item: item[0] != "loss")):
        axes = left if name == "loss" else right
        axes.plot(*zip(*points), label=name, color=f"C{number}", marker="" if name == "loss" else ".", linewidth=1)
    handles = [line for axes in (left, right) for line in axes.get_lines()]
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    part = path.with_name(f".{path.name}")
    figure.savefig(part, format="png")
    os.replace(part, path)


def _age(path: Path) -> int:
    return int(path.parent.name.rpartition("_")[2])


def _kill_with_children(process: subprocess.Popen[bytes]) -> None:
    if IS_WINDOWS:
        command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(command, capture_output=True, creationflags=subprocess.CREATE_NO_WINDOW, check=False)
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; macOS: only a zombie is left
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def complete_models(models: Path, start: Path | None) -> None:
    """Puts the stages that a model folder lacks beside those that it has, and verifies all.

    Raises:
        BadInput: a model is missing or damaged.
    """
    from OpportunisticBMDLib.models import model_folder, verify

    for stage in STAGES:
        if not (models / stage).is_dir():
            shutil.copytree(model_folder(start) / stage, models / stage)
    for verdict in verify(models):
        if not verdict.ok:
            raise BadInput(verdict.message)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("--start", type=Path)
    options = parser.parse_args()
    try:
        complete_models(options.models, options.start)
    except BadInput as error:
        print(error)
        return 1
    print(f"The new models lie in {options.models}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
