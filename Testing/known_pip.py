"""A `PythonSlicer` whose pip is known: it writes down what it is asked, and may bring it, without a network."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

PROGRAM = """#!{python}
import json, shutil, sys
from pathlib import Path

folder = Path({folder!r})
with (folder / "asked").open("a") as file:
    file.write(json.dumps(sys.argv[2:]) + "\\n")
print("Collecting", flush=True)
behaviour = json.loads((folder / "behaviour").read_text())
if behaviour == "fails":
    sys.exit(1)
for wanted in sys.argv[4:] if behaviour == "installs" else []:
    name, _, version = wanted.partition(">=")
    stem = name.replace("-", "_")
    for former in (folder / "site").glob(stem + "-*.dist-info"):
        shutil.rmtree(former)
    brought = folder / "site" / (stem + "-" + version + ".dist-info")
    brought.mkdir()
    (brought / "METADATA").write_text("Metadata-Version: 2.1\\nName: " + name + "\\nVersion: " + version + "\\n")
"""


class KnownPip:
    """Takes the place of Slicer's Python, as a real process.

    Args:
        folder: an empty one, for what it writes.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._site = folder / "site"
        self._site.mkdir()
        program = folder / "PythonSlicer"
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        monkeypatch.syspath_prepend(str(self._site))
        self.will("installs")

    @property
    def asked(self) -> list[list[str]]:
        """The module that was run and its arguments, for each run."""
        path = self._folder / "asked"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def will(self, behaviour: str) -> None:
        """What it does from now on: "installs", "fails", or "brings nothing" without an error."""
        (self._folder / "behaviour").write_text(json.dumps(behaviour))

    def bring(self, name: str, version: str, *, module: str = "") -> None:
        """As if a package had been installed.

        Args:
            version: "" as where an installation broke off.
            module: what can be imported from it, where that matters.
        """
        folder = self._site / f"{name.replace('-', '_')}-{version or '1.0'}.dist-info"
        folder.mkdir()
        if version:
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        if module:
            (folder / "top_level.txt").write_text(module)
