"""What was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from Testing.benchmark.report import Report
from Testing.benchmark.timing import CHAIN, COMPUTE, EDIT, NETWORKS, PLAIN, READ, STAGES, WRITE, Timing, find

ROWS = (*STAGES[:-1], CHAIN, NETWORKS, WRITE, EDIT, COMPUTE)  # the rows, in their order
WORDS = {
    CHAIN: "localize to measure",
    NETWORKS: "networks alone",
    EDIT: "new BMD after an edit",
    PLAIN: "plain PyTorch",
    "openvino": "OpenVINO",
    "torch": "PyTorch",
    COMPUTE: "whole `compute`",
}
GIGA = 1e9
NONE = "–"


def as_markdown(report: Report) -> str:
    """The machine in words, and a table of each kind of what was measured."""
    parts = [
        _machine(report),
        _stages(report),
        _floor(report),
        _growth(report, "slices"),
        _growth(report, "cores"),
        _series(report),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _machine(report: Report) -> str:
    about = report.machine
    features, versions = ", ".join(about["features"]), ", ".join(" ".join(v) for v in about["versions"].items())
    return (
        f"{about['processor']}, {about['cores']} cores ({features or 'no features known'}), "
        f"{about['memory_bytes'] / GIGA:.0f} GB of memory, {about['system']}; {versions}."
    )


def _stages(report: Report) -> str:
    """Engines beside each other: median (least to most) of wall time, and median of CPU time."""
    engines = report.engines
    header = [f"512 x 512 x {report.slices}", *(WORDS[engine] for engine in engines)]
    has_plain = PLAIN in engines and engines[0] != PLAIN
    if has_plain:
        header.append(f"{WORDS[PLAIN]} : {WORDS[engines[0]]}")
    rows = []
    for what in ROWS:
        timings = [report.here(what, engine) for engine in engines]
        row = [WORDS.get(what, what), *(_cell(timing) for timing in timings)]
        if has_plain:
            row.append(_ratio(timings[engines.index(PLAIN)], timings[0]))
        rows.append(row)
    rows.append(["its most memory", *(_memory(report.here(COMPUTE, engine)) for engine in engines)])
    return _table(header, [row + [NONE] * (len(header) - len(row)) for row in rows])


def _floor(report: Report) -> str:
    floor, rows = report.floor, []
    for engine in report.engines:
        precisions = report.precisions(engine)
        parts = [
            f"{sum(floor.operations[stage] for stage in precisions if precisions[stage] == name) / GIGA:.0f} G"
            f" at {rate / GIGA:.0f} G/s"
            for name, rate in floor.matrix_per_s.items()
        ]
        bytes_read = f"{floor.ct_bytes / GIGA:.2f} GB at {floor.memory_bytes_per_s / GIGA:.0f} GB/s"
        least, chain = report.floor_s(engine), report.here(CHAIN, engine)
        share = f"{least / chain.median_s:.0%}" if chain else NONE
        rows.append([WORDS[engine], *parts, bytes_read, f"{least:.2f} s", share])
    header = ["floor", *(f"operations in {name}" for name in floor.matrix_per_s)]
    return _table([*header, "the CT read once", "together", "share of localize to measure"], rows)


def _growth(report: Report, name: str) -> str:
    steps = report.steps(name)
    if len(steps) < 2:
        return ""
    rows = []
    for step, timings in steps.items():
        found = [find(timings, what=what) for what in ROWS]
        rows.append([str(step), *(_seconds(timing) for timing in found), _memory(found[-1])])
    return _table([name, *(WORDS.get(what, what) for what in ROWS), "its most memory"], rows)


def _series(report: Report) -> str:
    rows = [
        [timing.what.removeprefix(f"{READ}: "), _cell(timing)]
        for timing in report.timings
        if timing.what.startswith(f"{READ}: ")
    ]
    return _table([f"DICOM series of {report.slices} slices", "read"], rows) if rows else ""


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(timing: Timing | None) -> str:
    if timing is None:
        return NONE
    spread = f" ({min(timing.wall_s):.2f} to {max(timing.wall_s):.2f})" if len(timing.wall_s) > 1 else ""
    return f"{timing.median_s:.2f} s{spread}, CPU {timing.median_cpu_s:.2f} s"


def _seconds(timing: Timing | None) -> str:
    return NONE if timing is None else f"{timing.median_s:.2f} s"


def _ratio(one: Timing | None, other: Timing | None) -> str:
    return f"{one.median_s / other.median_s:.1f}" if one and other else NONE


def _memory(timing: Timing | None) -> str:
    return f"{max(timing.peak_bytes) / GIGA:.2f} GB" if timing and timing.peak_bytes else NONE
