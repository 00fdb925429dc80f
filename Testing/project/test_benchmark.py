"""The benchmark tells what was measured, of real stages in real processes; nothing here judges how fast they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("spekpy", reason="virtual patients need the training extra")
pytest.importorskip("pydicom", reason="DICOM series need the dicom extra")
pytest.importorskip("torch")

from PIL import Image

from Testing.benchmark import child
from Testing.benchmark.__main__ import write
from Testing.benchmark.report import Floor, Report
from Testing.benchmark.tables import as_markdown
from Testing.benchmark.timing import CHAIN, COMPUTE, EDIT, NETWORKS, PLAIN, READ, STAGES, Timing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell what a child has cost")
MACHINE = {"processor": "A", "cores": 2, "features": [], "memory_bytes": 8 * 10**9, "system": "B", "versions": {}}
FLOOR = Floor({"skeleton": 3 * 10**9, "bmd": 10**9}, {"f32": 4e9, "bf16": 8e9}, 1e9, 5 * 10**8)


def timings(engine: str, slices: int = 300, cores: int = 2, factor: float = 1.0) -> list[Timing]:
    """Every row of an engine, three runs each, whose median is 2 s times the factor."""
    wall, cpu = (1.0 * factor, 2.0 * factor, 6.0 * factor), (1.0, 1.5, 2.0)
    return [
        Timing(what, engine, slices, cores, wall, cpu, (10**9, 2 * 10**9) if what == COMPUTE else ())
        for what in (*STAGES, CHAIN, NETWORKS, EDIT, COMPUTE)
    ] + [
        Timing(f"{NETWORKS}: {stage}", engine, slices, cores, wall, cpu, precision=precision)
        for stage, precision in (("skeleton", "bf16" if engine == "openvino" else "f32"), ("bmd", "f32"))
    ]


@pytest.fixture
def report() -> Report:
    plain = [timing for timing in timings(PLAIN, factor=3.0) if timing.what != COMPUTE]
    more = [*timings("openvino", slices=1200, factor=2.0), *timings("openvino", cores=1, factor=1.5)]
    read = Timing(f"{READ}: uncompressed", "", 300, 2, (1.0,), (1.0,))
    return Report(MACHINE, 300, (*timings("openvino"), *timings("torch"), *plain, *more, read), FLOOR)


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table but for the line under its header."""
    found = [part for part in text.split("\n\n") if part.startswith("|")]
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if "---" not in line]
        for part in found
    ]


# What is told


def test_engines_stand_beside_each_other_with_median_spread_and_ratio(report: Report):
    header, *rows = tables(as_markdown(report))[0]
    assert header == ["512 x 512 x 300", "OpenVINO", "PyTorch", "plain PyTorch", "plain PyTorch : OpenVINO"]
    cells = {row[0]: row[1:] for row in rows}
    assert set(STAGES) <= cells.keys()
    assert cells["segment"] == [
        "2.00 s (1.00 to 6.00), CPU 1.50 s",
        "2.00 s (1.00 to 6.00), CPU 1.50 s",
        "6.00 s (3.00 to 18.00), CPU 1.50 s",
        "3.0",
    ]
    assert cells["whole `compute`"][2:] == ["–", "–"], "plain PyTorch is no engine of the program"
    assert cells["its most memory"] == ["2.00 GB", "2.00 GB", "–", "–"]


def test_the_floor_is_work_over_rates_in_the_precision_that_was_used(report: Report):
    assert report.floor_s("openvino") == 3 / 8 + 1 / 4 + 0.5
    assert report.floor_s("torch") == report.floor_s(PLAIN) == 4 / 4 + 0.5
    _, openvino, torch, plain = tables(as_markdown(report))[1]
    assert openvino == ["OpenVINO", "1 G at 4 G/s", "3 G at 8 G/s", "0.50 GB at 1 GB/s", "1.12 s", "56%"]
    assert torch[1:3] == ["4 G at 4 G/s", "0 G at 8 G/s"] and torch[-2:] == ["1.50 s", "75%"]
    assert plain[-1] == "25%"


def test_growth_is_told_with_slices_and_with_cores(report: Report):
    slices, cores = tables(as_markdown(report))[2:4]
    assert [row[0] for row in slices] == ["slices", "300", "1200"] and slices[2][1] == "4.00 s"
    assert [row[0] for row in cores] == ["cores", "1", "2"] and cores[1][1] == "3.00 s"


def test_what_was_not_measured_has_no_table(report: Report):
    small = replace(report, timings=tuple(timings("torch")))
    assert len(tables(as_markdown(small))) == 2


def test_no_name_and_no_path_is_told():
    from Testing.benchmark.machine import machine

    told = json.dumps(machine())
    assert os.uname().nodename not in told and str(Path.home()) not in told and os.sep + "work" not in told
    assert machine()["cores"] >= 1 and "torch" in machine()["versions"]


def test_all_figures_and_a_picture_are_written(report: Report, tmp_path: Path):
    write(report, tmp_path / "new")
    told = json.loads((tmp_path / "new" / "benchmark.json").read_text())
    assert [Timing(**_tuples(timing)) for timing in told["timings"]] == list(report.timings)
    assert told["floor"]["seconds"]["torch"] == 1.5
    assert (tmp_path / "new" / "benchmark.md").read_text() == as_markdown(report)
    with Image.open(tmp_path / "new" / "benchmark.png") as picture:
        assert picture.width > picture.height > 300


def _tuples(timing: dict) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in timing.items()}


# What is measured

PROBE = """
import json, os, sys, time
block = bytearray(int(sys.argv[1])); block[::4096] = b"x" * len(block[::4096])
start = time.process_time()
while time.process_time() - start < 0.2: pass
print(json.dumps(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None))
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that takes memory and 0.2 s of a processor, and says how many cores it has."""
    (tmp_path / "probe_of_benchmark.py").write_text(PROBE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "probe_of_benchmark"


def test_a_childs_memory_and_time_are_its_own(probe: str):
    program = "import sys; from Testing.benchmark.child import run; print(run(*sys.argv[1:]).peak_bytes)"
    small, large = (int(of_small_process(program, probe, size, 0)) for size in (0, 300 * 10**6))
    assert 280e6 < large - small < 320e6
    ended = child.run(probe, 0, 0)
    assert ended.cpu_s > 0.2 and ended.wall_s > 0.2


def of_small_process(program: str, *arguments: object) -> str:
    """What a program prints: the most memory of its children counts from its own, which is that of these tests here."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=child.REPOSITORY, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux keeps a process to some cores")
def test_a_child_keeps_to_so_many_cores_and_this_process_does_not():
    before = os.sched_getaffinity(0)
    with pytest.raises(child.Failed, match="status 1"):
        child.run("no_such_module_of_benchmark", cores=1)
    assert os.sched_getaffinity(0) == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux keeps a process to some cores")
def test_a_child_sees_the_cores_that_it_may_use(probe: str):
    assert json.loads(child.run(probe, 0, 0, cores=1).said) == 1
    assert json.loads(child.run(probe, 0, 0).said) == child.all_cores()


def test_a_child_that_ends_otherwise_is_no_measurement(probe: str):
    assert child.run(probe, 0, 3, statuses=(0, 3)).wall_s > 0
    with pytest.raises(child.Failed, match="ended with status 3"):
        child.run(probe, 0, 3)


def test_operations_are_counted_of_every_network():
    from Testing.benchmark.floor import operations

    small, large = (operations("skeleton", (1, 1, side, 32, 32)) for side in (32, 64))
    assert large == 2 * small > 10**8
    assert operations("bmd", (2, 1, 32, 32, 32)) == 2 * operations("bmd", (1, 1, 32, 32, 32))
    assert operations("localizer", (3, 64, 64)) > 10**7


def test_plain_pytorch_computes_what_the_engine_does():
    import numpy as np

    from OpportunisticBMDLib.inference.engine import engine_named
    from Testing.benchmark.engines import PlainTorch, Watched

    crop = np.random.default_rng(0).random((1, 1, 32, 32, 32), np.float32)
    watched = Watched(PlainTorch())
    plain, _ = watched.network("bmd")
    engine, _ = engine_named("torch").network("bmd")
    np.testing.assert_allclose(plain(crop), engine(crop), atol=1e-4)
    assert [(call.stage, call.shape) for call in watched.calls] == [("bmd", crop.shape)]


def test_the_edit_takes_layers_off_one_mask():
    import numpy as np

    from example_results import grid_of, synthetic_case
    from OpportunisticBMDLib.core.vertebrae import LABELS
    from Testing.benchmark.stages import ERASED, erased

    truth = synthetic_case(grid_of("straight"))[1]
    before, after = truth.labels.array, erased(truth).labels.array
    assert set(np.unique(before[before != after])) == {LABELS["L1"]} and set(np.unique(after[before != after])) == {0}
    assert (before != after).any(axis=(0, 2)).sum() == ERASED and (after == LABELS["L1"]).any()


@pytest.mark.slow
def test_dicom_series_hold_the_scan(tmp_path: Path):
    import numpy as np

    from OpportunisticBMDLib.core.grid import Grid
    from OpportunisticBMDLib.core.volume import Volume
    from OpportunisticBMDLib.reading import read_ct
    from Testing.benchmark.scan import series_forms, write_series

    array = np.random.default_rng(0).integers(-1000, 1000, (24, 24, 12)).astype(np.int16)
    scan = Volume(array, Grid.axis_aligned(array.shape, (2.0, 2.0, 3.0)))
    for form in series_forms():
        write_series(tmp_path / form, scan, form)
        read = read_ct(tmp_path / form).volume
        np.testing.assert_array_equal(read.resampled(read.grid).array[::-1, ::-1].astype(np.int16), array)


@pytest.mark.slow
def test_the_short_form_runs_real_stages(tmp_path: Path):
    program = "import sys; from Testing.benchmark.__main__ import main; sys.exit(main(sys.argv[1:]))"
    printed = of_small_process(program, "--short", "--slices", 100, "-o", tmp_path)
    told = json.loads((tmp_path / "benchmark.json").read_text())
    assert printed == (tmp_path / "benchmark.md").read_text()
    rows = {timing["what"]: timing for timing in told["timings"]}
    assert {*STAGES, CHAIN, NETWORKS, EDIT, COMPUTE, f"{NETWORKS}: bmd", f"{NETWORKS}: localizer"} <= rows.keys()
    assert all(len(timing["wall_s"]) == len(timing["cpu_s"]) == 1 for timing in rows.values())
    of_chain = sum(rows[stage]["wall_s"][0] for stage in STAGES[1:-1])
    assert 0 < of_chain <= rows[CHAIN]["wall_s"][0] < rows[COMPUTE]["wall_s"][0]
    assert rows[NETWORKS]["wall_s"][0] < of_chain
    assert rows[COMPUTE]["peak_bytes"][0] > 2 * 512 * 512 * 100
    assert told["floor"]["operations"].keys() == {"localizer", "skeleton", "segmentation", "bmd"}
    header, *_ = tables(printed)[0]
    assert header[0] == "512 x 512 x 100"
