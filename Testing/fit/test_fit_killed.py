"""A fit that is killed again and again, each time followed by the same command, ends with the very same model."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from annotated_cases import BMD, annotated_case

pytest.importorskip("lightning", reason="fitting needs the training extra")
pytest.importorskip("monai", reason="fitting needs the training extra")

import torch

from OpportunisticBMDTraining.fit.curves import load_curves
from OpportunisticBMDTraining.fit.loop import BEST, CHECKPOINT
from OpportunisticBMDTraining.fit.samples.prepare import sample_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS, EVERY, KILLS = 12, 2, 10


def write_samples(folder: Path) -> Path:
    """Three virtual patients."""
    folder.mkdir()
    for number in range(3):
        case = annotated_case(bmd={name: value + 15 * number for name, value in BMD.items()})
        sample_of("virtual", case.ct, case.labels).save(folder / f"virtual-{number:06d}.npz")
    return folder


def start(samples: Path, folder: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "OpportunisticBMDTraining.fit.tasks.localizer",
        "--samples",
        samples,
        "--run",
        folder / "run",
    ]
    command += ["-o", folder / "models", "--held-out", "1", "--batch-size", "1"]
    command += ["--steps", str(STEPS), "--every", str(EVERY)]
    # Several threads add up in another order at another load.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def wait_for_the_bar(process: subprocess.Popen[bytes]) -> None:
    """Until the fit has begun; a process that fails before ends the test."""
    said = b""
    while b"step/s" not in said:
        more = os.read(process.stderr.fileno(), 4096)
        assert more, said.decode()
        said += more


def finish(process: subprocess.Popen[bytes]) -> None:
    _, said = process.communicate()
    assert process.returncode == 0, said.decode()


def test_a_fit_killed_at_ten_moments_ends_with_the_same_model(tmp_path):
    samples = write_samples(tmp_path / "samples")
    process = start(samples, tmp_path / "whole")
    wait_for_the_bar(process)
    begun = time.monotonic()
    finish(process)
    interval = (time.monotonic() - begun) * EVERY / STEPS

    rng, killed = np.random.default_rng(7), 0
    for moment in rng.uniform(0, 1.3 * interval, KILLS):
        process = start(samples, tmp_path / "broken")
        wait_for_the_bar(process)
        time.sleep(moment)
        killed += process.poll() is None
        process.kill()
        process.communicate()
    finish(start(samples, tmp_path / "broken"))

    assert killed >= KILLS // 2, "most starts were killed in the middle of the fit"
    assert len(list(tmp_path.glob("broken/run/log/*/metrics.csv"))) > 1, "some of them had come to a checkpoint"
    for name in ("models/localizer/model.safetensors", "models/localizer/model.json", "run/curves.png"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert load_curves(tmp_path / "broken/run") == load_curves(tmp_path / "whole/run")
    for file in (BEST, CHECKPOINT):
        whole, broken = (torch.load(tmp_path / name / "run" / file, weights_only=True) for name in ("whole", "broken"))
        assert whole["step"] == broken["step"] == STEPS, "nothing is found so soon: the last model is as good as any"
        assert all(torch.equal(tensor, broken["network"][name]) for name, tensor in whole["network"].items())
