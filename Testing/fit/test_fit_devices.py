"""Several processes fit one network together; the small task is that of test_fit_loop.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="fitting needs the training extra")

import numpy as np
import torch

from OpportunisticBMDTraining.fit.devices import generator_of

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = 6
SCRIPT = """
import json, os, sys
from pathlib import Path

folder = Path(sys.argv[1])
sys.path[:0] = sys.argv[3:]
from line_task import LineTask
from torch import nn
from OpportunisticBMDTraining.fit.loop import fit
from OpportunisticBMDTraining.fit.recipe import Recipe, Steps

class Watched(LineTask):
    weights, drawn_x, seen = (), (), ()

    def loss(self, batch):
        self.weights += (sum(p.double().sum().item() for p in self.network.parameters()),)
        self.drawn_x += (batch[0].double().sum().item(),)
        return super().loss(batch)

task = Watched()
best = fit(task, folder / "run", Recipe(0.05, Steps(int(sys.argv[2])), nn.functional.mse_loss, every=Steps(2)), seed=3)
rank = os.environ.get("RANK", "0")
state = {name: tensor.double().sum().item() for name, tensor in task.network.state_dict().items()}
trace = {"weights": task.weights, "x": task.drawn_x, "state": state, "best": best, "validated": task.validated}
(folder / f"rank{rank}.json").write_text(json.dumps(trace))
"""


def traces(folder: Path, processes: int) -> list[dict]:
    """What each of the processes saw and ended with."""
    (folder / "run").mkdir(parents=True)
    script = folder / "script.py"
    script.write_text(SCRIPT)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(launcher if processes > 1 else []), str(script), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(
        [*command, str(STEPS), str(REPOSITORY), str(REPOSITORY / "Testing")],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(processes)]


@pytest.mark.slow
def test_two_processes_fit_one_network_on_batches_of_their_own(tmp_path):
    first, second = traces(tmp_path / "two", 2)
    (alone,) = traces(tmp_path / "one", 1)
    assert len(first["weights"]) == STEPS
    assert first["weights"] == second["weights"], "after every step"
    assert first["state"] == second["state"] and first["best"] == second["best"]
    assert len({*first["x"], *second["x"]}) == 2 * STEPS
    assert first["x"] == alone["x"], "the first process draws what a single one would"
    assert first["weights"][0] == alone["weights"][0] and first["weights"][1:] != alone["weights"][1:]
    assert (first["validated"], second["validated"]) == (3, 0)
    assert [path.name for path in (tmp_path / "two/run/log").iterdir()] == ["version_0"]


def test_first_process_draws_as_a_single_one_does():
    generator, torchs = generator_of(5, 7, rank=0), torch.rand(3)
    torch.manual_seed(5 * 1_000_003 + 7)
    assert torch.equal(torchs, torch.rand(3))
    np.testing.assert_array_equal(generator.random(4), np.random.default_rng((5, 7)).random(4))


def test_each_process_and_each_step_draws_anew():
    firsts = {(generator_of(5, step, rank).random(), torch.rand(1).item()) for step in range(3) for rank in range(3)}
    assert len({first for first, _ in firsts}) == len({second for _, second in firsts}) == 9
