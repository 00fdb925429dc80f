"""`python -m Testing.cohort.pace`: how many CTs an hour one worker measures, and two; nothing else may run then."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "training"), str(ROOT)]

import SimpleITK as sitk  # noqa: E402

from OpportunisticBMDTraining.virtual.patient import virtual_patient  # noqa: E402

PATIENTS = 6  # different ones, each measured several times


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m Testing.cohort.pace", description=__doc__)
    parser.add_argument("--cts", type=int, default=36, help="of 462 x 462 x 133 voxels or so (default: %(default)s)")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="workers (default: 1 2)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        cts = Path(folder) / "cts"
        _write(cts, options.cts)
        found = {jobs: _an_hour(cts, Path(folder) / f"out{jobs}", jobs) for jobs in options.jobs}
    print("| workers | CTs an hour | of one worker |\n| ---: | ---: | ---: |")
    for jobs, an_hour in found.items():
        print(f"| {jobs} | {an_hour:,.0f} | {an_hour / found[options.jobs[0]]:.2f} |")
    return 0


def _write(cts: Path, count: int) -> None:
    """As NIfTI without compression: reading takes what it takes of a DICOM series without compression."""
    cts.mkdir()
    for seed in range(min(PATIENTS, count)):
        sitk.WriteImage(virtual_patient(1 + seed).ct.to_sitk(), str(cts / f"ct{seed:03}.nii"))
    for number in range(PATIENTS, count):
        (cts / f"ct{number:03}.nii").hardlink_to(cts / f"ct{number % PATIENTS:03}.nii")


def _an_hour(cts: Path, output: Path, jobs: int) -> float:
    """Once all workers have measured a CT: what loading takes counts nothing among many."""
    command = [sys.executable, "-m", "OpportunisticBMDLib", "cohort", cts, "-o", output, "--jobs", jobs, "--kvp", 120]
    subprocess.run([*map(str, command)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    ends = sorted(path.stat().st_mtime for path in output.glob("cases/*/row.json"))
    return 3600 * (len(ends) - jobs) / (ends[-1] - ends[jobs - 1])


if __name__ == "__main__":
    sys.exit(main())
