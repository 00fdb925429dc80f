"""Lines that worker and client never say: whoever hears one ends the child, and nothing goes on unheard."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from example_results import acquisition, grid_of, synthetic_case
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.worker.client import Worker
from OpportunisticBMDLib.worker.messages import Event, Failed

pytestmark = pytest.mark.skipif(os.name == "nt", reason="starts children as POSIX does")

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
DEEP = "[" * 100_000
START = json.dumps({"kind": "start", "models": None, "device": "cpu", "engine": "torch"})
VOXELS = {"kind": "voxels", "name": "/dev/shm/obmd-absent", "size": 8, "shape": [1, 1, 4], "dtype": "<i2", "order": "C"}


def child() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "OpportunisticBMDLib.worker"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT)


BAD = {
    "no JSON": "compute, please",
    "no text": "\udcff\udcfe\x00",
    "no object": "5",
    "too deep": '{"kind":' + DEEP,
    "no kind": "{}",
    "memory that is not there": json.dumps(VOXELS),
    "memory of another size": json.dumps(VOXELS | {"name": "/proc/version", "size": -1}),
    "a first message that starts nothing": '{"kind":"compute"}',
    "settings of another type": START.replace('"cpu"', "5"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_line_ends_the_child_though_its_parent_lives(kind):
    with child() as process:
        try:
            process.stdin.write(BAD[kind].encode(errors="surrogateescape") + b"\n")
            process.stdin.flush()
            assert process.wait(PATIENCE_S) == 1
            assert b"Error" in process.stderr.read().splitlines()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize("said", ["", START + "\n"])
def test_a_closed_stdin_ends_the_child(said):
    with child() as process:
        try:
            process.stdin.write(said.encode())
            process.stdin.close()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def case() -> tuple[CT, Segmentation]:
    ct, segmentation = synthetic_case(grid_of("straight"))
    return CT(ct.volume, acquisition()), segmentation


def speaker(folder: Path, *lines: str) -> str:
    """A program that says these lines instead of what a worker says, and goes on for ever."""
    (folder / "lines").write_bytes("".join(line + "\n" for line in lines).encode(errors="surrogateescape"))
    script = folder / "speaker"
    script.write_text(f'#!/bin/sh\ncat "{folder}/lines"\nexec sleep 600\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def heard(worker: Worker) -> list[Event]:
    events: list[Event] = []
    deadline = time.monotonic() + PATIENCE_S
    while worker._child is not None and time.monotonic() < deadline:
        events += worker.poll()
        time.sleep(0.005)
    return events


READY = '{"kind":"ready","device":"cpu","note":""}'
MASKS = {"start": [0, 0, 0], "shape": [1, 1, 1], "voxels": "AAAA", "confidence": {}}
ANSWERS = {
    "no JSON": ('{"kind":nothing',),
    "too deep": ('{"kind":' + DEEP,),
    "no text": ('{"kind":"\udcff"}',),
    "a kind that is none": (READY, '{"kind":[]}', '{"kind":"ready","device":"cpu","surplus":1}'),
    "a result that is none": (READY, '{"kind":"finished","result":{},"segmentation":null}'),
    "a list for a result": (READY, '{"kind":"finished","result":[],"segmentation":null}'),
    "masks that are none": (READY, json.dumps({"kind": "finished", "result": None, "segmentation": MASKS})),
    "a failure without words": (READY, '{"kind":"failed"}'),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_child_that_says_what_cannot_be_understood_is_ended_and_reported(kind, case, tmp_path):
    with Worker(python=speaker(tmp_path, *ANSWERS[kind])) as worker:
        worker.compute(case[0])
        pid = worker._child.pid
        last = heard(worker)[-1]
        assert isinstance(last, Failed) and last.kind == "killed" and "cannot be understood" in last.message
        assert not worker.busy and worker.poll() == []
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_lines_of_a_launcher_are_no_messages(case, tmp_path):
    with Worker(python=speaker(tmp_path, "Launching", "{}", "[1]", READY)) as worker:
        worker.start()
        events: list[Event] = []
        while not events:
            events += worker.poll()
            time.sleep(0.005)
        assert worker._child is not None and not any(isinstance(event, Failed) for event in events)
