"""Runs trials, each in a process of its own with bounded memory and time, and tells how each ended."""

from __future__ import annotations

import json
import os
import resource
import select
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fuzz.mutators import mutate
from fuzz.seeds import SEEDS, Seed
from OpportunisticBMDLib.core.errors import BadInput, Refused
from OpportunisticBMDLib.system.printable import printable

MOST_SECONDS = 60.0
MOST_BYTES = 4 * 2**30
MOST_MESSAGE = 4000  # characters of a sentence


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Args:
        number: of the trial; -1 for an input that nothing was done to.
        how: which file was changed, and how.
        kind: "read", "bad input" or "refused", which are right; else what went wrong.
        detail: the sentence, or where it went wrong.
    """

    number: int
    seed: str
    how: str
    kind: str
    detail: str
    seconds: float

    @property
    def is_right(self) -> bool:
        return self.kind in ("read", "bad input", "refused") and (self.number >= 0 or self.kind == "read")


def run(numbers: range, keep: Path | None = None) -> Iterator[Outcome]:
    """Reads an intact input of every kind, then those of these trials; the same number is the same trial.

    Args:
        keep: where the inputs stay, to look at; nothing stays otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
        folder = Path(temporary)
        for seed in SEEDS:
            made = folder / seed.name
            made.mkdir()
            _in_child(lambda made=made, seed=seed: seed.make(made))
            yield _trial(-1, seed, made, folder / "intact")
        for number in numbers:
            seed = SEEDS[number % len(SEEDS)]
            yield _trial(number, seed, folder / seed.name, (keep or folder) / f"trial {number}", keep is not None)


def _in_child(work) -> None:
    """ITK starts threads; a process that has threads can be forked no more."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise RuntimeError("an intact input cannot be made")


def _trial(number: int, seed: Seed, intact: Path, folder: Path, keep: bool = False) -> Outcome:
    start = time.monotonic()
    (folder / "tmp").mkdir(parents=True)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(told)
            _read_mutated(number, seed, intact, folder, tell)
        finally:  # nothing of the parent may go on here
            os._exit(1)
    os.close(tell)
    said, is_late = _heard(told, start + MOST_SECONDS)
    if is_late:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    how, kind, detail = _judged(said, is_late, status, used.ru_maxrss * 1024)
    if kind in ("read", "bad input", "refused"):
        left = _left_behind(child, folder, said[1])
        if left:
            kind, detail = "left behind", left
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(number, seed.name, how, kind, detail, time.monotonic() - start)


def _heard(told: int, until: float) -> tuple[list, bool]:
    """What a child said, one JSON value a line, and whether it had to be given up."""
    data = b""
    with os.fdopen(told, "rb", buffering=0) as pipe:
        while True:
            ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return [json.loads(line) for line in data.splitlines()], True
            more = pipe.read(2**16)
            if not more:
                return [json.loads(line) for line in data.splitlines()], False
            data += more


def _judged(said: list, is_late: bool, status: int, most_bytes: int) -> tuple[str, str, str]:
    how = said[0] if said else ""
    if is_late:
        return how, "hang", f"more than {MOST_SECONDS:.0f} s"
    if os.WIFSIGNALED(status):
        return how, "crash", signal.Signals(os.WTERMSIG(status)).name
    if len(said) < 3:
        return how, "crash", f"exit status {os.waitstatus_to_exitcode(status)}"
    if most_bytes > MOST_BYTES:
        return how, "memory", f"{most_bytes / 2**30:.1f} GiB"
    kind, detail = said[2]
    return how, kind, detail


def _left_behind(child: int, folder: Path, before: list[str]) -> str:
    """Files that were not there before, and processes that go on."""
    files = sorted({str(path) for path in folder.rglob("*")} - set(before))
    if files:
        return ", ".join(files)
    with suppress(ProcessLookupError):
        os.killpg(child, 0)
        return "a process"
    return ""


def _read_mutated(number: int, seed: Seed, intact: Path, folder: Path, tell: int) -> None:
    """The child; it never returns."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
    shutil.copytree(intact, folder / "input")
    try:
        how = mutate(Random(number), folder / "input") if number >= 0 else "intact"
    except Exception:
        how = f"not mutated: {traceback.format_exc()}"
    _say(tell, how)
    _say(tell, [str(path) for path in folder.rglob("*")])
    _bound_memory()
    _say(tell, _outcome(seed, folder / "input" / seed.input))
    os._exit(0)


def _outcome(seed: Seed, path: Path) -> tuple[str, str]:
    try:
        faults = seed.read(path)
    except (BadInput, Refused) as error:
        message = str(error)
        if printable(message) != message or "\n" in message or len(message) > MOST_MESSAGE:
            return "not one plain sentence", repr(message[:500])
        return ("bad input" if isinstance(error, BadInput) else "refused"), message
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in place if "OpportunisticBMDLib" in frame.filename] or place
        at = ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in own[-2:])
        return type(error).__name__, f"{str(error)[:300]!r} at {at}"
    return ("implausible", "; ".join(faults)) if faults else ("read", "")


def _bound_memory() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (own + MOST_BYTES, own + MOST_BYTES))


def _say(tell: int, what: object) -> None:
    data = json.dumps(what).encode() + b"\n"
    while data:
        data = data[os.write(tell, data) :]
