"""Words on streams that are full, closed, or know few characters: never a traceback, never a result lost for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="streams as POSIX has them")

ROOT = Path(__file__).resolve().parents[2]
# The program itself, but for the chain: what is shown is a result that is at hand.
PROGRAM = """
import sys
sys.path.insert(0, "Testing")
from pathlib import Path
from example_results import grid_of, normal, synthetic_case
from OpportunisticBMDLib import cli, reading
from OpportunisticBMDLib.cli import compute

def measure(ct, load_s, output, options, progress, slices):
    output.mkdir()
    (output / "result.json").write_text("{}")
    progress("write", 0.9)
    return normal()

reading.read_ct_with_slices = lambda *_: (synthetic_case(grid_of("straight"))[0], None)
compute.measure = measure
sys.exit(cli.main(sys.argv[1:]))
"""


def run(redirection: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Starts the program in a shell, which closes and fills streams as users do."""
    command = f'"$PYTHON" -c "$PROGRAM" "$@" {redirection}'
    variables = os.environ | {"PYTHON": sys.executable, "PROGRAM": PROGRAM} | environment
    return subprocess.run(
        ["/bin/bash", "-c", command, "bash", *map(os.fspath, map(str, arguments))],
        capture_output=True,
        cwd=ROOT,
        env=variables,
        timeout=100,
    )


def compute(redirection: str, output: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    done = run(redirection, "compute", "ct.nii.gz", "-o", output, *arguments, **environment)
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr, done.stderr.decode()
    assert (output / "result.json").is_file()
    return done


def test_a_terminal_that_knows_few_characters_gets_the_others_escaped(tmp_path):
    done = compute("", tmp_path / "\u00f6ut", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and b"\\xf6ut" in done.stdout
    assert b"BMD 152.3 +- 5.0 mg/cm3 HA" in done.stdout
    done = compute("", tmp_path / "other", PYTHONIOENCODING="utf-8")
    assert "BMD 152.3 ± 5.0 mg/cm³ HA" in done.stdout.decode()


def test_a_name_that_is_no_text_is_shown_escaped(tmp_path):
    output = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xf6ut"))
    done = compute("", output)
    assert done.returncode == 0 and b"\\xf6ut" in done.stdout


def test_control_sequences_are_shown_escaped(tmp_path):
    done = compute("", tmp_path / "\x1b]0;TITLE\x07")
    assert done.returncode == 0 and b"\x1b" not in done.stdout and b"\\x1b]0;TITLE" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_device_is_said_in_one_line(tmp_path):
    done = compute("> /dev/full", tmp_path / "out", "--progress", "none")
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 2 and len(lines) == 1 and "No space left on device" in lines[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_no_room_for_the_progress_is_no_fault(tmp_path):
    done = compute("2> /dev/full", tmp_path / "out", "--progress", "bar")
    assert done.returncode == 0 and b"BMD 152.3" in done.stdout


def test_a_reader_that_has_enough_is_no_fault(tmp_path):
    done = compute('| { head -c 0; sleep 0.1; }; exit "${PIPESTATUS[0]}"', tmp_path / "out", "--progress", "none")
    assert done.returncode == 0 and done.stderr == b""


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_fault(tmp_path, closed):
    done = compute(closed, tmp_path / "out")
    assert done.returncode == 0 and (b"BMD 152.3" in done.stdout) == (" >&-" not in closed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_what_is_only_shown_and_cannot_be_ends_with_status_2():
    done = run("> /dev/full", "models")
    assert done.returncode == 2 and b"Traceback" not in done.stderr and b"Exception" not in done.stderr
    assert b"No space left on device" in done.stderr


def test_nothing_is_written_into_a_file_that_took_a_closed_streams_place(tmp_path):
    code = (
        "import os, sys\nfrom OpportunisticBMDLib.system.streams import prepare_streams\nprepare_streams()\n"
        f"file = open({str(tmp_path / 'file')!r}, 'wb')\nos.write(2, b'warning')\nsys.exit(file.fileno() < 3)"
    )
    run_ = subprocess.run(["/bin/bash", "-c", f'"$0" -c "{code}" <&- >&- 2>&-', sys.executable], cwd=ROOT)
    assert run_.returncode == 0 and (tmp_path / "file").read_bytes() == b""
