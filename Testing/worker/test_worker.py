"""The warm worker with real child processes: jobs, cancelling, being killed, and nothing that stays behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from example_levels import sure, unsure
from example_results import EXAMPLES, acquisition, box_of, grid_of, normal, synthetic_case
from OpportunisticBMDLib.core.box import Box
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.levels import Answer, Levels, Variant
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.core.vertebrae import LABELS
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDLib.edits import Edits
from OpportunisticBMDLib.inference.network import Network
from OpportunisticBMDLib.models import model_folder
from OpportunisticBMDLib.worker import service
from OpportunisticBMDLib.worker.client import Worker
from OpportunisticBMDLib.worker.messages import (
    Event,
    Failed,
    Finished,
    Progressed,
    Ready,
    built,
    line,
    packed,
    plain,
    unpacked,
)
from OpportunisticBMDLib.worker.shared import MEMORY_FOLDER, PREFIX, SharedMemory

pytestmark = pytest.mark.skipif(os.name == "nt", reason="watches processes as POSIX shows them")

HERE = Path(__file__).resolve().parents[1]
PATIENCE_S = 120.0
OWN_LINE = Calibration("phantom", "HA", 1.1, 3.0, "measured on this scanner", kind="given")


def wait(worker: Worker, until: Callable[[Event], bool] = lambda e: isinstance(e, (Finished, Failed))) -> list[Event]:
    """Polls as a timer does, up to the first event that is waited for."""
    events: list[Event] = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for event in worker.poll():
            events.append(event)
            if until(event):
                return events
        time.sleep(0.005)
    raise TimeoutError(f"no such event within {PATIENCE_S} s, only {events}")


def finished(worker: Worker) -> Finished:
    last = wait(worker)[-1]
    assert isinstance(last, Finished), last
    return last


def process_state(pid: int) -> tuple[str, int] | None:
    """The state and the process group of a process; None where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[2])


def is_running(pid: int) -> bool:
    state = process_state(pid)
    return state is not None and state[0] not in "ZX"


def family(worker: Worker) -> list[int]:
    """The child and all that it started."""
    pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if (process_state(pid) or ("Z", 0))[1] == worker._child.pid and is_running(pid)]


def are_gone(pids: list[int], within_s: float = 0.0) -> bool:
    deadline = time.monotonic() + within_s
    while True:
        alive = [pid for pid in pids if is_running(pid)]
        if not alive or time.monotonic() > deadline:
            return not alive
        time.sleep(0.02)


def memory_files() -> set[str]:
    return {path.name for path in Path(MEMORY_FOLDER).glob(PREFIX + "*")} if Path(MEMORY_FOLDER).is_dir() else set()


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Here and in the children: on a busy computer, threads that wait for each other take ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def case() -> tuple[CT, Segmentation]:
    ct, segmentation = synthetic_case(grid_of("oblique"))
    noise = np.random.default_rng(1).normal(0, 25, ct.volume.grid.size)
    noisy = Volume((ct.volume.array + noise).astype(np.int16), ct.volume.grid)
    return CT(noisy, acquisition()), segmentation


@pytest.fixture(scope="module")
def warm():
    with Worker(engine="torch") as worker:
        yield worker


@pytest.fixture
def launcher(tmp_path) -> str:
    """A program that prints, and runs Python as a child of its own, as 3D Slicer's launcher does."""
    script = tmp_path / "launcher"
    script.write_text(f'#!/bin/sh\necho "Launching"\n"{sys.executable}" "$@"\nexit $?\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def edited(segmentation: Segmentation, name: str) -> Segmentation:
    labels = segmentation.labels.array.copy()
    index = np.argwhere(labels == LABELS[name])
    labels[tuple(index[: len(index) // 10].T)] = 0
    return Segmentation(Volume(labels, segmentation.labels.grid), segmentation.confidence)


def figures(result: Result) -> dict:
    """Without what is seen once for a CT, where its first masks lay."""
    once = ("timing_s", "box", "contrast", "tissues_hu")
    return {key: value for key, value in plain(result).items() if key not in once}


# Jobs


def test_a_patient_from_ct_to_result_and_again_in_the_same_process(warm):
    virtual_patient = pytest.importorskip("OpportunisticBMDTraining.virtual.patient").virtual_patient
    patient = virtual_patient(1)
    ct = CT(patient.ct, patient.acquisition)
    before = memory_files()
    warm.compute(ct)
    assert warm.busy
    with pytest.raises(RuntimeError, match="busy"):
        warm.compute(ct)
    events = wait(warm)
    assert not warm.busy and memory_files() <= before
    assert events[0] == Ready("cuda" if torch.cuda.is_available() else "cpu")
    progress = [event for event in events if isinstance(event, Progressed)]
    assert list(dict.fromkeys(event.stage for event in progress)) == ["localize", "name", "segment", "measure"]
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions) and fractions[0] == 0.0 and fractions[-1] == pytest.approx(1.0)

    run = events[-1].run
    assert run.result.status in ("measured", "review") and run.result.acquisition == ct.acquisition
    assert run.segmentation.labels.grid is ct.volume.grid
    for name, label in LABELS.items():
        volume = (run.segmentation.labels.array == label).sum() * ct.volume.grid.voxel_volume
        assert volume == pytest.approx(run.result.vertebrae[name].mask.volume_mm3)

    pid = warm._child.pid
    warm.segment_within(ct, run.result.box)
    events = wait(warm)
    assert warm._child.pid == pid and not any(isinstance(event, Ready) for event in events)
    within = events[-1].run
    assert np.array_equal(within.segmentation.labels.array, run.segmentation.labels.array)
    assert within.result.vertebrae == run.result.vertebrae


def test_after_an_edit_only_labels_travel_and_the_figures_are_those_of_measuring_anew(warm, case, monkeypatch):
    ct, segmentation = case
    monkeypatch.setattr(warm, "calibration", OWN_LINE)
    warm.measure(ct, segmentation)
    first = finished(warm).run
    assert first.segmentation is segmentation

    def not_again(size: int) -> SharedMemory:
        raise AssertionError("the CT was sent again")

    monkeypatch.setattr(SharedMemory, "reserved", not_again)
    corrected, edits = edited(segmentation, "L1"), Edits(edited=frozenset({"L1"}))
    warm.measure(ct, corrected, edits, first.result)
    after = finished(warm).run
    warm.measure(ct, corrected, edits)
    anew = finished(warm).run
    assert figures(after.result) == figures(anew.result) != figures(first.result)
    assert after.result.reasons[0].code == "edited_by_hand"


def test_names_that_a_reader_moved_are_segmented_anew(warm, case):
    ct, segmentation = case
    warm.measure(ct, segmentation)
    previous = replace(finished(warm).run.result, levels=sure(), box=box_of())
    warm.move_levels(ct, previous, -1)
    events = wait(warm)
    assert next(e.stage for e in events if isinstance(e, Progressed)) == "segment"
    run = events[-1].run
    assert run.result.levels == sure().moved_by(-1)
    assert run.result.box.centre_ras[2] > box_of().centre_ras[2] + 20
    assert run.segmentation.labels.grid is ct.volume.grid and run.segmentation is not segmentation


def test_names_that_cannot_be_moved_are_bad_input(warm, case):
    ct, segmentation = case
    warm.measure(ct, segmentation)
    previous = finished(warm).run.result
    for levels, words in ((None, "compute the BMD first"), (sure(), "no further vertebrae")):
        warm.move_levels(ct, replace(previous, levels=levels, box=box_of()), -9)
        (failed,) = [event for event in wait(warm) if isinstance(event, Failed)]
        assert failed.kind == "bad_input" and words in failed.message


def test_thresholds_and_line_may_change_between_jobs(warm, case):
    try:
        warm.thresholds, warm.calibration = Thresholds(300.0, 310.0), OWN_LINE
        warm.measure(*case, Edits(excluded=frozenset({"L2"})))
        result = finished(warm).run.result
    finally:
        warm.thresholds, warm.calibration = Thresholds(), None
    assert (result.category, result.calibration) == ("osteoporosis", OWN_LINE)
    assert result.thresholds == Thresholds(300.0, 310.0) and result.vertebrae_used == ("T12", "L1")


def test_a_ct_on_changed_voxels_is_sent_again(warm, case):
    ct, segmentation = case
    warm.measure(ct, segmentation)
    first = finished(warm).run.result
    denser = CT(Volume(np.asfortranarray(ct.volume.array + np.int16(20)), ct.volume.grid), ct.acquisition)
    warm.measure(denser, segmentation)
    second = finished(warm).run.result
    assert second.vertebrae["L1"].mask.hu_mean == pytest.approx(first.vertebrae["L1"].mask.hu_mean + 20, abs=1e-3)


# What goes wrong


def test_bad_input_leaves_the_worker_warm(warm, case):
    warm.segment_within(case[0], Box(np.zeros((3, 2)), 1.0))
    assert [(e.kind, "no extent" in e.message) for e in wait(warm) if isinstance(e, Failed)] == [("bad_input", True)]
    warm.measure(*case)
    assert finished(warm)


def test_masks_on_another_grid_are_a_mistake(warm, case):
    with pytest.raises(ValueError, match="same grid"):
        warm.measure(case[0], synthetic_case(grid_of("straight", size=(50, 50, 50)))[1])
    assert not warm.busy


def test_too_little_memory_is_said(warm, case):
    """A grid in metres: no computer holds its voxels of 0.75 mm."""
    ct = case[0]
    vast = CT(Volume(ct.volume.array, Grid(ct.volume.grid.size, np.diag([1000.0] * 3 + [1.0]))), ct.acquisition)
    warm.compute(vast)
    assert wait(warm)[-1].kind == "memory"
    warm.measure(*case)
    assert finished(warm)


def test_no_space_for_the_voxels_is_said(warm, case):
    """16 TB that take none here."""
    before = memory_files()
    voxels = np.broadcast_to(np.int16(0), (20000,) * 3)
    warm.compute(CT(Volume(voxels, Grid(voxels.shape, np.eye(4))), acquisition()))
    last = wait(warm)[-1]
    assert (last.kind, "MB" in last.message) == ("no_space", True) and not warm.busy
    assert memory_files() <= before
    warm.measure(*case)
    assert finished(warm)


def test_a_worker_that_was_killed_is_reported_and_replaced(warm, case):
    warm.segment_within(case[0], box_of())
    wait(warm, lambda e: isinstance(e, Progressed))
    pids = family(warm)
    os.kill(warm._child.pid, signal.SIGKILL)
    last = wait(warm)[-1]
    assert last.kind == "killed" and "Run it again" in last.message
    assert not warm.busy and warm.poll() == [] and are_gone(pids)
    warm.measure(*case)
    assert [type(event) for event in wait(warm)][:1] == [Ready]


def test_an_idle_worker_that_was_killed_is_replaced_without_a_word(warm, case):
    warm.measure(*case)
    finished(warm)
    os.kill(warm._child.pid, signal.SIGKILL)
    while not warm._child.has_ended:
        time.sleep(0.005)
    warm.measure(*case)
    assert [type(event) for event in wait(warm)] == [Ready, *[Progressed] * 5, Finished]
    os.kill(warm._child.pid, signal.SIGKILL)
    while warm._child is not None:
        assert warm.poll() == []
        time.sleep(0.005)


def test_a_corrupt_model_is_named(tmp_path, case):
    models = tmp_path / "models"
    shutil.copytree(model_folder(), models)
    weights = models / "localizer" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with Worker(models=models) as worker:
        worker.compute(case[0])
        (event,) = wait(worker)
        assert event.kind == "models" and str(weights) in event.message
        assert not worker.busy and worker._child is None and worker.poll() == []


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    """A torch that cannot be imported comes first on the path."""
    (tmp_path / "torch.py").write_text("raise ImportError('No module named torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Worker(engine="torch") as worker:
        worker.start()
        (event,) = wait(worker)
        assert event.kind == "packages" and "torch" in event.message


def test_a_python_without_any_package_is_said_to_be(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    with Worker(python=str(tmp_path / "bare" / "bin" / "python")) as worker:
        worker.start()
        (event,) = wait(worker)
        assert event.kind == "packages" and "No module named" in event.message


def test_a_python_that_is_not_there_is_said(tmp_path):
    with Worker(python=str(tmp_path / "python")) as worker:
        worker.start()
        (event,) = worker.poll()
        assert event.kind == "killed" and str(tmp_path) in event.message


def test_an_unknown_device_is_a_mistake():
    with pytest.raises(ValueError, match="auto, cpu, cuda"):
        Worker(device="tpu")


# Cancelling


def test_cancel_in_every_stage_leaves_nothing_behind(launcher, case):
    ct, segmentation = case
    before = memory_files()
    jobs = {
        "loading": lambda worker: worker.compute(ct),
        "localize": lambda worker: worker.compute(ct),
        "name": lambda worker: worker.segment_within(ct, box_of()),
        "segment": lambda worker: worker.segment_within(ct, box_of()),
        "measure": lambda worker: worker.measure(ct, segmentation),
    }
    with Worker(python=launcher) as worker:
        for stage, begin in jobs.items():
            begin(worker)
            if stage != "loading":
                wait(worker, lambda event, stage=stage: isinstance(event, Progressed) and event.stage == stage)
            pids = family(worker)
            assert worker.busy and (len(pids) >= 2 or stage == "loading")
            start = time.monotonic()
            worker.cancel()
            assert time.monotonic() - start < 2.0
            assert not worker.busy and worker.poll() == [] and are_gone(pids, within_s=2.0)
            assert memory_files() <= before


def test_voxels_that_nobody_took_over_are_gone_after_cancel(case):
    before = memory_files()
    with Worker() as worker:
        worker.start()
        pid = worker._child.pid
        os.kill(pid, signal.SIGSTOP)
        worker.compute(case[0])
        assert len(memory_files() - before) == 1
        worker.cancel()
        assert memory_files() <= before and are_gone([pid])


PARENT = """
import sys, time
sys.path.insert(0, sys.argv[1])
from example_results import grid_of, synthetic_case
from OpportunisticBMDLib.worker.client import Worker
from OpportunisticBMDLib.worker.messages import Progressed
assert "torch" not in sys.modules
ct, segmentation = synthetic_case(grid_of("straight"))
worker = Worker()
worker.measure(ct, segmentation)
while not any(isinstance(event, Progressed) for event in worker.poll()):
    time.sleep(0.005)
print(worker._child.pid, flush=True)
time.sleep(60)
"""


def test_the_child_ends_when_its_parent_is_killed():
    before = memory_files()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(HERE)], stdout=subprocess.PIPE, text=True, cwd=HERE.parent
    )
    with parent:
        pid = int(parent.stdout.readline())
        assert not are_gone([pid])
        parent.kill()
    assert are_gone([pid], within_s=20.0)
    assert memory_files() <= before


def measuring(ct: CT, segmentation: Segmentation) -> dict:
    """The job as it arrives."""
    return {
        "kind": "measure",
        "grid": plain(ct.volume.grid),
        "acquisition": plain(ct.acquisition),
        "thresholds": plain(Thresholds()),
        "calibration": None,
        "segmentation": packed(segmentation),
        "edits": plain(Edits()),
        "previous": None,
        "changed": [],
    }


def test_an_edit_sees_the_volume_of_the_job_before_it_and_another_ct_does_not(case, monkeypatch):
    """What is remembered of a volume is remembered of the object."""
    ct, segmentation = case
    chain, seen = service.Chain(None, "cpu"), []
    monkeypatch.setattr(type(chain._pipeline), "measure", lambda self, ct, *_, **__: seen.append(ct.volume))
    job = measuring(ct, segmentation)
    moved = {**job, "grid": plain(Grid(ct.volume.grid.size, ct.volume.grid.affine + np.eye(4, k=3)))}
    voxels = ct.volume.array
    for array, one in ((voxels, job), (voxels, job), (voxels, moved), (voxels.copy(), moved)):
        chain.run(array, one, lambda *_: None)
    first, second, third, fourth = seen
    assert first is second and len({id(first), id(third), id(fourth)}) == 3
    assert third.grid.is_close(built(Grid, moved["grid"])) and not third.grid.is_close(first.grid)


# The GPU


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_cpu_takes_over_and_says_so():
    chain = service.Chain(None, "cuda")
    assert (chain.device, "No CUDA device" in chain.note) == ("cpu", True)


class FullGPU:
    """A network that finds no memory, after a time in which it did."""

    def __init__(self, network: Network, passes: int) -> None:
        self.network, self.passes = network, passes

    def __call__(self, image: np.ndarray) -> np.ndarray:
        self.passes -= 1
        if self.passes < 0:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return self.network(image)


class Answers:
    """A channel that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[dict] = []

    def send(self, message: dict) -> None:
        self.said.append(message)


def test_a_gpu_with_too_little_memory_is_replaced_by_the_cpu_in_the_midst_of_a_job(case):
    """Only the GPU is not real: its place is taken by the CPU, and the error is raised as torch would."""
    ct, segmentation = case
    chain = service.Chain(None, "cpu")
    chain.device = "cuda"
    densitometer = chain._pipeline.densitometer
    full = replace(densitometer, network=FullGPU(densitometer.network, 2))
    chain._pipeline = replace(chain._pipeline, densitometer=full)
    channel = Answers()
    answer = service._answer(chain, channel, ct.volume.array, measuring(ct, segmentation))
    assert answer["kind"] == "finished" and answer["result"]["status"] == "measured"
    (ready,) = [message for message in channel.said if message["kind"] == "ready"]
    assert ready["device"] == "cpu" and "too little memory" in ready["note"]
    fractions = [message["fraction"] for message in channel.said if message["kind"] == "progressed"]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and fractions.count(0.5) > 1


# The language


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_result_arrives_to_the_last_bit(name):
    result = EXAMPLES[name]()
    arrived = built(Result, plain(result))
    assert plain(arrived) == plain(result)
    assert arrived.reasons == result.reasons and arrived.vertebrae == result.vertebrae
    assert arrived.acquisition == result.acquisition and arrived.thresholds == result.thresholds


@pytest.mark.parametrize("variant", Variant)
def test_levels_arrive_to_the_last_bit(variant):
    rib = replace(unsure().vertebrae[0].right, length_mm=100 / 3, course_ras_mm=((0.1, 0.2, 0.3), (1 / 3, -1e-9, 0.0)))
    seen = replace(unsure().vertebrae[0], right=rib)
    answers = (Answer(0, 2 / 3, 83.1), Answer(-1, 1 / 3))
    levels = Levels((seen, *unsure().vertebrae[1:]), answers, variant, sacrum_in_view=True, moved=-2)
    result = replace(normal(), levels=levels)
    message = json.loads(line({"result": plain(result)}))
    arrived = built(Result, message["result"]).levels
    assert arrived == levels and hash(arrived) == hash(levels)
    assert arrived.variant is variant


def test_edits_arrive():
    edits = Edits(frozenset({"L1"}), frozenset({"T12", "L2"}), box_of(), -1)
    arrived = built(Edits, plain(edits))
    assert (arrived.edited, arrived.excluded) == (edits.edited, edits.excluded)
    assert arrived.levels_moved == -1
    assert np.array_equal(arrived.box.ras_mm, edits.box.ras_mm)


@pytest.mark.parametrize("orientation", ["straight", "oblique"])
def test_masks_arrive_on_the_whole_grid(orientation):
    segmentation = synthetic_case(grid_of(orientation))[1]
    arrived = unpacked(packed(segmentation), segmentation.labels.grid)
    assert np.array_equal(arrived.labels.array, segmentation.labels.array)
    assert arrived.confidence == segmentation.confidence
    empty = Segmentation(Volume(np.zeros((4, 5, 6), np.uint8), Grid((4, 5, 6), np.eye(4))), {})
    assert not unpacked(packed(empty), empty.labels.grid).labels.array.any()


def test_shared_memory_has_no_name_once_it_was_taken_over():
    before = memory_files()
    given = SharedMemory.reserved(24)
    given.array((2, 3), np.dtype("<i4"), "F")[...] = [[1, 2, 3], [4, 5, 6]]
    taken = SharedMemory.taken_over(given.name, 24).array((2, 3), np.dtype("<i4"), "F")
    assert not Path(given.name).exists() and memory_files() <= before
    given.forget()
    del given
    assert taken.tolist() == [[1, 2, 3], [4, 5, 6]]
