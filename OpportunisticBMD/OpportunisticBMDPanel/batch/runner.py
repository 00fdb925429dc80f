"""A folder of CTs in one go: the child process as the window sees it. Nothing here waits."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import OpportunisticBMDLib
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX, clear_leftovers
from OpportunisticBMDLib.system.processes import end_tree, finding, in_own_group
from OpportunisticBMDLib.system.scratch import Scratch
from OpportunisticBMDPanel.batch.process import BatchRow
from OpportunisticBMDPanel.settings.settings import Settings
from OpportunisticBMDPanel.signals import Signal

# Where the child finds the same packages: both beside the module, or the library one level above in the source tree.
FOLDERS = (Path(__file__).resolve().parents[2], Path(OpportunisticBMDLib.__file__).resolve().parents[1])


@dataclass(frozen=True, eq=False)
class _Child:
    """The process that measures.

    Args:
        scratch: for what it says, to be removed when it has ended.
        said: its standard output, as far as it was not heard yet.
    """

    process: subprocess.Popen[bytes]
    scratch: Scratch
    said: IO[bytes]

    @classmethod
    def started(cls, command: list[str]) -> _Child:
        clear_leftovers()
        scratch = Scratch(Path(tempfile.gettempdir()), TEMPORARY_PREFIX)
        folder = scratch.folder
        with (folder / "out").open("wb") as out, (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=finding(FOLDERS), **in_own_group()
            )
        return cls(process, scratch, (folder / "out").open("rb"))

    def lines(self) -> list[bytes]:
        """What it said since the last time; whole lines only: it may be in the middle of one."""
        lines: list[bytes] = []
        while True:
            start = self.said.tell()
            line = self.said.readline()
            if not line.endswith(b"\n"):
                self.said.seek(start)
                return lines
            lines.append(line)

    def last_words(self) -> str:
        """The last line of its standard error."""
        text = (self.scratch.folder / "errors").read_text(errors="replace").strip()
        return text.splitlines()[-1] if text else "The process that measures ended unexpectedly."

    def clean(self) -> None:
        """Leaves no file, once it has ended."""
        self.said.close()
        self.scratch.close()


class Batch:
    """Measures the CTs of a folder in a child process.

    Args:
        python: the interpreter that has the packages.
    """

    def __init__(self, python: str = sys.executable) -> None:
        self.changed = Signal()
        self.names: list[str] = []
        self.rows: list[BatchRow] = []
        self.message = ""
        self.fraction = 0.0
        self._python = python
        self._child: _Child | None = None

    @property
    def is_running(self) -> bool:
        return self._child is not None

    def start(self, folder: Path, output: Path, settings: Settings) -> None:
        """Begins.

        Raises:
            RuntimeError: it is running already.
        """
        if self.is_running:
            raise RuntimeError("a folder is being measured already; wait for it or cancel it")
        self.names, self.rows, self.message, self.fraction = [], [], "", 0.0
        entries = {name: value for name, value in vars(settings).items() if name != "models"}
        if settings.models is not None:
            entries["models"] = str(settings.models)
        command = [self._python, "-m", "OpportunisticBMDPanel.batch.process", str(folder), str(output)]
        self._child = _Child.started([*command, "--settings", json.dumps(entries)])
        self.changed.emit()

    def tick(self) -> bool:
        """Hears the child; True while it runs."""
        if self._child is None:
            return False
        status = self._child.process.poll()  # asked first: what it said before is then heard to the end
        lines = self._child.lines()
        for line in lines:
            self._hear(json.loads(line))
        if status is not None:
            if status not in (0, 2) and not self.message:
                self.message = self._child.last_words()
            self._end()
        if lines or status is not None:
            self.changed.emit()
        return self.is_running

    def cancel(self) -> None:
        """Stops at once; what was finished stays in the output folder."""
        if self._child is None:
            return
        end_tree(self._child.process)
        self._end()
        self.changed.emit()

    def _hear(self, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "began":
                self.names = message["names"]
            case "progressed":
                self.fraction = (message["number"] + message["fraction"]) / max(1, len(self.names))
            case "measured":
                self.rows.append(BatchRow(**message["row"]))
                self.fraction = len(self.rows) / max(1, len(self.names))
            case "failed":
                self.message = message["message"]

    def _end(self) -> None:
        if self._child is not None:
            self._child.clean()
            self._child = None
