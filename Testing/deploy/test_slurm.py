"""The scripts for SLURM, run by a real bash with what SLURM sets: each CT is in one share, and all come together."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from image_files import nrrd_file
from OpportunisticBMDLib.system.processes import finding

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = REPOSITORY / "docs" / "deploy"
PROGRAM = f"{sys.executable} -m OpportunisticBMDLib"

pytestmark = pytest.mark.skipif(not (shutil.which("bash") and shutil.which("awk")), reason="needs bash and awk")


def submitted(
    script: str, *arguments: object, program: str, task: int | None = None
) -> subprocess.CompletedProcess[str]:
    """What SLURM would start on a node with one core."""
    known = {"BMD": program, "SLURM_CPUS_PER_TASK": "1"} | ({} if task is None else {"SLURM_ARRAY_TASK_ID": str(task)})
    command = ["bash", str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=finding([REPOSITORY]) | known, check=False)


def listed(file: Path, lines: Sequence[str]) -> Path:
    file.write_text("\n".join(["path,age", *lines]) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize("shares", [1, 3, 7])
def test_every_ct_is_in_one_share(shares, tmp_path):
    lines = [f'"a folder, {n}/ct.nii.gz",{n}' for n in range(20)]
    file = listed(tmp_path / "all cts.csv", lines)
    for task in range(shares):
        done = submitted("cohort.sbatch", file, tmp_path / "out", shares, "--dicom", program="echo", task=task)
        own = tmp_path / f"all cts-{task}-of-{shares}.csv"
        assert done.stdout.split("\n")[0] == (
            f"cohort {own} --output {tmp_path}/out/shares/{task}-of-{shares} --jobs 1 --progress none --dicom"
        )
    parts = [part.read_text(encoding="utf-8").splitlines() for part in sorted(tmp_path.glob("*-of-*.csv"))]
    assert {part[0] for part in parts} == {"path,age"}
    assert sorted(line for part in parts for line in part[1:]) == sorted(lines)


def test_a_share_that_does_not_exist_is_told(tmp_path):
    done = submitted("cohort.sbatch", listed(tmp_path / "cts.csv", ["a"]), tmp_path, 4, program="echo", task=4)
    assert done.returncode == 2 and "There are 4 shares, 0 to 3" in done.stderr


@pytest.mark.slow
def test_shares_become_one_cohort_and_what_was_not_measured_is(tmp_path):
    pytest.importorskip("ray")
    from OpportunisticBMDLib.cohort.manifest import Manifest

    paths = [nrrd_file(tmp_path / f"{name}.nrrd").name for name in ("one", "two", "three")]
    file, folder = listed(tmp_path / "cts.csv", [f"{path},60" for path in paths]), tmp_path / "out"
    share = submitted("cohort.sbatch", file, folder, 3, program=PROGRAM, task=1)
    assert share.returncode == 0, share.stderr
    (first,) = (folder / "shares" / "1-of-3" / "cases").iterdir()
    result = (first / "result.json").read_bytes()

    gathered = submitted("gather.sbatch", file, folder, program=PROGRAM)
    assert gathered.returncode == 0, gathered.stderr
    rows = Manifest(folder / "manifest").table().to_pylist()
    assert {row["name"].partition("-")[0] for row in rows} == {"one", "two", "three"} and len(rows) == 3
    assert {row["age_years"] for row in rows} == {60}
    assert (folder / "cases" / first.name / "result.json").read_bytes() == result  # it was not measured again
