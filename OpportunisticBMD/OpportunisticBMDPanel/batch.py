"""A folder of CTs in one go: the child process as the window sees it. Nothing here waits."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from OpportunisticBMDPanel.batch_process import Row
from OpportunisticBMDPanel.settings import Settings
from OpportunisticBMDPanel.signals import Signal

IS_WINDOWS = os.name == "nt"
MODULE_FOLDER = Path(__file__).resolve().parents[1]


class Batch:
    """Measures the CTs of a folder in a child process.

    Args:
        python: the interpreter that has the packages.
    """

    def __init__(self, python: str = sys.executable) -> None:
        self.changed = Signal()
        self.names: list[str] = []
        self.rows: list[Row] = []
        self.stage = ""
        self.message = ""
        self.fraction = 0.0
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._said: Any = None

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self, folder: Path, output: Path, settings: Settings) -> None:
        """Begins.

        Raises:
            RuntimeError: it is running already.
        """
        if self.is_running:
            raise RuntimeError("a folder is being measured already; wait for it or cancel it")
        self.names, self.rows, self.stage, self.message, self.fraction = [], [], "", "", 0.0
        self._folder = Path(tempfile.mkdtemp(prefix="obmd-batch-"))
        entries = {name: value for name, value in vars(settings).items() if name != "models"}
        if settings.models is not None:
            entries["models"] = str(settings.models)
        command = [self._python, "-m", "OpportunisticBMDPanel.batch_process", str(folder), str(output)]
        command += ["--settings", json.dumps(entries)]
        with (self._folder / "out").open("wb") as out, (self._folder / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                env=_environment(),
                **({"creationflags": subprocess.CREATE_NO_WINDOW} if IS_WINDOWS else {"start_new_session": True}),
            )
        self._said = (self._folder / "out").open("rb")
        self.changed.emit()

    def tick(self) -> bool:
        """Hears the child; True while it runs."""
        if self._process is None:
            return False
        has_ended = self._process.poll() is not None
        heard = False
        for line in self._lines():
            self._hear(json.loads(line))
            heard = True
        if has_ended:
            if self._process.returncode not in (0, 2) and not self.message:
                self.message = self._last_words()
            self._clean()
        if heard or has_ended:
            self.changed.emit()
        return self.is_running

    def cancel(self) -> None:
        """Stops at once; what was finished stays in the output folder."""
        if self._process is None:
            return
        if IS_WINDOWS:
            command = ["taskkill", "/F", "/T", "/PID", str(self._process.pid)]
            subprocess.run(command, capture_output=True, creationflags=subprocess.CREATE_NO_WINDOW, check=False)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._clean()
        self.changed.emit()

    def _lines(self) -> list[bytes]:
        """Whole lines only: the child may be in the middle of one."""
        lines = []
        while True:
            start = self._said.tell()
            line = self._said.readline()
            if not line.endswith(b"\n"):
                self._said.seek(start)
                return lines
            lines.append(line)

    def _hear(self, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "began":
                self.names = message["names"]
            case "progressed":
                self.stage = message["stage"]
                self.fraction = (message["number"] + message["fraction"]) / max(1, len(self.names))
            case "measured":
                self.rows.append(Row(**message["row"]))
                self.fraction = len(self.rows) / max(1, len(self.names))
            case "failed":
                self.message = message["message"]

    def _last_words(self) -> str:
        text = (self._folder / "errors").read_text(errors="replace").strip()
        return text.splitlines()[-1] if text else "The process that measures ended unexpectedly."

    def _clean(self) -> None:
        self._said.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._process = self._said = self._folder = None


def _environment() -> dict[str, str]:
    """The child finds the same packages as this process: beside the module, or one level above in the source tree."""
    import OpportunisticBMDLib

    library = Path(OpportunisticBMDLib.__file__).resolve().parents[1]
    environment = dict(os.environ)
    paths = [str(MODULE_FOLDER), str(library), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment
