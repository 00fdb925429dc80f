"""A fit in child processes: watched through its log, stopped with all that it started, its models completed."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import annotating_panel  # noqa: F401
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import model_folder, verify
from OpportunisticBMDPanel.annotating import fit as annotating_fit
from OpportunisticBMDPanel.annotating.complete_models import complete_models
from OpportunisticBMDPanel.annotating.curve import Look, draw_curves
from OpportunisticBMDPanel.annotating.fit import FitPlan, FitRun, FitState


@dataclass(frozen=True)
class Programs(FitPlan):
    """A plan of other programs: lines of Python instead of the training's modules."""

    lines: tuple[str, ...] = field(default=())

    @property
    def commands(self) -> list[list[str]]:
        return [["timeit", "-n1", "-r1", line] for line in self.lines]


def plan(folder: Path, *lines: str) -> Programs:
    return Programs(folder / "data", folder / "fit", "bmd", 10, 9, lines=lines)


def ended(run: FitRun, seconds: float = 30.0) -> FitState:
    """Polls until the fit has ended."""
    until = time.monotonic() + seconds
    while run.poll() is FitState.RUNNING:
        assert time.monotonic() < until, "the fit does not end"
        time.sleep(0.02)
    return run.state


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_command_follows_the_other(tmp_path):
    marks = [f"open('{n}.txt', 'w').close(); print('did {n}')" for n in (1, 2)]
    run = FitRun(plan(tmp_path, *marks))
    run.start()
    assert ended(run) is FitState.FINISHED
    assert (tmp_path / "fit/1.txt").exists() and (tmp_path / "fit/2.txt").exists()
    assert "did 2" in (tmp_path / "fit/output.txt").read_text()


def test_a_failure_ends_the_fit_and_is_told(tmp_path):
    run = FitRun(plan(tmp_path, "raise RuntimeError('no samples here')", "open('2.txt', 'w')"))
    run.start()
    assert ended(run) is FitState.FAILED
    assert "no samples here" in run.last_line and not (tmp_path / "fit/2.txt").exists()


def test_the_last_line_of_a_progress_bar(tmp_path):
    run = FitRun(plan(tmp_path, "print('loading\\n 1/9\\r 2/9\\r 3/9', end='')"))
    assert run.last_line == ""
    run.start()
    ended(run)
    assert run.last_line.startswith("3/9")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes as Linux lists them")
def test_stop_leaves_nothing_running(tmp_path):
    line = (
        "import subprocess, sys, time, os; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "open('part', 'w').write(str(child.pid)); os.replace('part', 'pid'); time.sleep(600)"
    )
    run = FitRun(plan(tmp_path, line, "open('2.txt', 'w')"))
    run.start()
    until = time.monotonic() + 20
    while not (tmp_path / "fit/pid").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    grandchild = int((tmp_path / "fit/pid").read_text())
    assert is_alive(grandchild)
    run.stop()
    assert run.poll() is FitState.STOPPED
    until = time.monotonic() + 5
    while is_alive(grandchild) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(grandchild) and not (tmp_path / "fit/2.txt").exists()
    run.stop()  # again, without harm


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "fit").write_text("a file")
    with pytest.raises(BadInput, match="cannot be started"):
        FitRun(plan(tmp_path, "1")).start()


def test_an_interpreter_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="cannot be started"):
        FitRun(plan(tmp_path, "1"), python=str(tmp_path / "no-python")).start()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage": "dxa"}, "dxa"),
        ({"stage": "skeleton"}, "skeleton"),
        ({"steps": 0}, "0 steps"),
        ({"virtual": 8}, "more than 8"),
    ],
)
def test_plans_that_cannot_be(tmp_path, changes, message):
    with pytest.raises(BadInput, match=message):
        FitPlan(**{"dataset": tmp_path, "folder": tmp_path, "stage": "bmd", "steps": 5, "virtual": 9, **changes})


def test_the_commands_are_those_of_training(tmp_path):
    """Each command's own parser takes them: with --help after them they only explain themselves."""
    planned = FitPlan(tmp_path / "data", tmp_path / "fit", "bmd", 5, 9, continues=True, jobs=1)
    modules = [command[0] for command in planned.commands]
    assert modules == [
        "OpportunisticBMDTraining.fit.samples.readings",
        "OpportunisticBMDTraining.fit.tasks.bmd",
        "OpportunisticBMDPanel.annotating.complete_models",
    ]
    assert str(model_folder()) in planned.commands[1]

    class Explaining(FitPlan):
        @property
        def commands(self) -> list[list[str]]:
            return [[*command, "--help"] for command in super().commands]

    run = FitRun(Explaining(tmp_path / "data", tmp_path / "fit", "bmd", 5, 9, continues=True, jobs=1))
    run.start()
    assert ended(run, 120) is FitState.FINISHED, run.last_line
    assert "--held-out" in (tmp_path / "fit/output.txt").read_text()


def write_log(run: Path, version: int, rows: str) -> None:
    path = run / f"log/version_{version}/metrics.csv"
    path.parent.mkdir(parents=True)
    path.write_text(rows)


def test_the_curves_go_over_all_starts(tmp_path):
    run = FitRun(plan(tmp_path, "1"))
    assert run.curves() == {}
    write_log(tmp_path / "fit/bmd", 0, "loss,step\n3.0,0\n2.0,1\n9.0,2\n")
    write_log(tmp_path / "fit/bmd", 1, "dice_L1,loss,step\n,1.5,2\n,1.0,3\n0.9,,3\n")
    write_log(tmp_path / "fit/bmd", 2, "loss,step\n")
    assert run.curves() == {"loss": {1: 3.0, 2: 2.0, 3: 1.5, 4: 1.0}, "dice_L1": {4: 0.9}}


def test_a_line_that_is_being_written_is_left_out(tmp_path):
    run = FitRun(plan(tmp_path, "1"))
    write_log(tmp_path / "fit/bmd", 0, "loss,step\n3.0,0\n2.0,1\n1.0,1")
    write_log(tmp_path / "fit/bmd", 1, "loss,st")
    assert run.curves() == {"loss": {1: 3.0, 2: 2.0}}


def test_versions_are_ordered_by_number(tmp_path):
    run = FitRun(plan(tmp_path, "1"))
    for version in (2, 10):
        write_log(tmp_path / "fit/bmd", version, f"loss,step\n{version}.0,0\n")
    assert run.curves()["loss"] == {1: 10.0}


def test_the_curves_are_a_picture(tmp_path):
    from matplotlib.image import imread

    dark = Look("#ffffff", "#333333", ("#ff0000", "#00ff00"))
    draw_curves({"dice_L1": {10: 0.5}, "loss": {1: 3.0, 10: 2.0}}, tmp_path / "curve.png", dark)
    drawn = imread(tmp_path / "curve.png")
    assert drawn.shape[:2] == (220, 340)
    assert drawn[0, 0, :3].tolist() == pytest.approx([0.2, 0.2, 0.2])
    assert all((drawn[..., :3] == colour).all(axis=-1).any() for colour in ((1, 1, 1), (1, 0, 0), (0, 1, 0)))
    draw_curves({}, tmp_path / "empty.png", dark)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_models_are_completed_and_verified(tmp_path):
    shutil.copytree(model_folder() / "bmd", tmp_path / "models/bmd")
    complete_models(tmp_path / "models", None)
    assert all(verdict.ok for verdict in verify(tmp_path / "models"))
    damaged = tmp_path / "models/bmd/model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-8])
    with pytest.raises(BadInput, match="bmd"):
        complete_models(tmp_path / "models", None)


def with_models(folder: Path, *stages: str) -> Path:
    """A model folder with so many of the stages that ship."""
    for stage in stages:
        shutil.copytree(model_folder() / stage, folder / stage)
    return folder


def test_a_model_folder_without_a_skeleton_is_whole(tmp_path):
    start = with_models(tmp_path / "start", "localizer", "segmentation")
    complete_models(with_models(tmp_path / "models", "bmd"), start)
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"localizer", "segmentation", "bmd"}


def test_a_skeleton_of_ones_own_goes_along_and_is_verified(tmp_path):
    start = with_models(tmp_path / "start", "localizer", "segmentation", "skeleton")
    complete_models(with_models(tmp_path / "models", "bmd"), start)
    weights = tmp_path / "models/skeleton/model.safetensors"
    assert weights.read_bytes() == (start / "skeleton/model.safetensors").read_bytes()
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(BadInput, match="skeleton"):
        complete_models(tmp_path / "models", start)


def test_a_start_without_a_stage_that_is_needed_is_said(tmp_path):
    start = with_models(tmp_path / "start", "localizer")
    with pytest.raises(BadInput, match="No segmentation model"):
        complete_models(with_models(tmp_path / "models", "bmd"), start)


def test_children_find_what_they_import():
    assert all(os.path.isdir(folder) for folder in annotating_fit.FOLDERS)
    assert any(os.path.isdir(os.path.join(folder, "training")) for folder in annotating_fit.FOLDERS)
