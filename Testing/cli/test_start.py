"""What the program imports: the answer to a question needs nothing that only measuring needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from image_files import nrrd_file
from OpportunisticBMDLib.cli.program import COMMANDS
from OpportunisticBMDLib.cli.statuses import BAD_INPUT

ROOT = Path(__file__).parents[2]
# The last line says what was imported meanwhile.
SCRIPT = """
import json, sys
before = set(sys.modules)
try:
    exec(sys.argv.pop(1))
finally:
    print("\\n" + json.dumps(sorted(set(sys.modules) - before)))
"""
PROGRAM = "from OpportunisticBMDLib.cli import main; main()"
SLOW = {"torch", "torchvision", "scipy", "matplotlib", "pydicom", "nibabel", "jinja2", "nrrd"}


def run(code: str, *arguments: object) -> tuple[str, set[str]]:
    """What code prints in a process of its own, and which modules it imports."""
    command = [sys.executable, "-c", SCRIPT, code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=100, check=True)
    said, _, modules = done.stdout.strip().rpartition("\n")
    return said, set(json.loads(modules))


def packages(modules: set[str]) -> set[str]:
    """Those that do not come with Python."""
    return {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"OpportunisticBMDLib"}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["nonsense"], []], ids=" ".join)
def test_help_and_wrong_usage_need_no_package(words):
    _, modules = run(PROGRAM, *words)
    assert packages(modules) == set()


def test_help_names_every_command():
    said, _ = run(PROGRAM, "--help")
    assert all(f"{name} {what}" in " ".join(said.split()) for name, what in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_needs_nothing_slow(name):
    said, modules = run(PROGRAM, name, "--help")
    assert said.startswith(f"usage: opportunistic-bmd {name} ")
    assert not packages(modules) & SLOW
    others = {f"OpportunisticBMDLib.cli.{other}" for other in COMMANDS} - {f"OpportunisticBMDLib.cli.{name}"}
    assert not modules & others


def test_a_ct_that_is_not_there_is_told_before_anything_slow_is_imported(tmp_path):
    _, modules = run(PROGRAM, "compute", tmp_path / "none.nii.gz", "-o", tmp_path / "out", "--progress", "none")
    assert not packages(modules) & (SLOW - {"nrrd"})


def test_a_scan_is_read_with_what_its_format_needs(tmp_path):
    reading = "from OpportunisticBMDLib.reading import read_ct; read_ct(sys.argv[1])"
    _, modules = run(reading, nrrd_file(tmp_path / "ct.nrrd"))
    assert not packages(modules) & (SLOW - {"nrrd"})


def test_the_chain_needs_of_scipy_what_is_quick():
    """`scipy.signal` and `scipy.stats` take longer to import than all of the chain's own modules."""
    _, modules = run("import OpportunisticBMDLib.pipeline")
    assert "scipy.ndimage" in modules and not {"scipy.signal", "scipy.stats"} & modules
    assert not packages(modules) & (SLOW - {"scipy"})


AHEAD = """
from OpportunisticBMDLib.cli import chain
from OpportunisticBMDLib.cli.program import _parser
for step in chain.steps_ahead(_parser(sys.argv[1:]).parse_args(sys.argv[1:])):
    step()
"""


def test_what_is_imported_ahead_is_what_a_run_needs_and_no_more(tmp_path):
    pytest.importorskip("openvino", reason="OpenVINO (the openvino extra) is not installed")
    _, modules = run(AHEAD, "compute", tmp_path / "ct.nrrd", "--engine", "openvino")
    assert {"openvino", "scipy", "matplotlib", "jinja2"} <= packages(modules)
    assert not packages(modules) & {"torch", "torchvision", "pydicom", "nibabel"}


WITHOUT_OPENVINO = """
import io, threading
from OpportunisticBMDLib.cli import main
sys.modules["openvino"], sys.stderr = None, io.StringIO()
print(main(), threading.active_count(), sys.stderr.getvalue(), sep="\\n")
"""


def test_what_is_wrong_with_an_import_ahead_is_told_as_without_it(tmp_path):
    """The engine is imported twice: ahead, where nobody listens, and where it is needed."""
    arguments = "compute", nrrd_file(tmp_path / "ct.nrrd"), "--engine", "openvino", "-o", tmp_path / "out"
    said, _ = run(WITHOUT_OPENVINO, *arguments, "--progress", "none")
    status, threads, line = said.split("\n", 2)
    assert (status, threads) == (str(BAD_INPUT), "1") and not (tmp_path / "out").exists()
    assert line.startswith("opportunistic-bmd: OpenVINO is not installed")
