"""Work in a child process while a dialog asks to wait: the window stays alive, and Cancel ends the child at once."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.processes import end_tree, finding, in_own_group
from OpportunisticBMDPanel.slicer.python import python_executable

LOOK_S = 0.02  # between two looks at the child, in which Slicer's events are handled
ERRORS = "errors"  # what the child says of itself, a file in its folder


def run_beside(module: str, arguments: Sequence[str], folder: Path, *, finds: Sequence[Path], text: str) -> bool:
    """Runs `python -m module`; False when Cancel was clicked.

    Args:
        folder: of its own, for what it says.
        finds: folders in which it looks for modules first.
        text: shown meanwhile.

    Raises:
        BadInput: the child failed; the message is its last line.
        OSError: no child could be started.
    """
    with (folder / ERRORS).open("wb") as errors:
        process = subprocess.Popen(
            [python_executable(), "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=finding(finds),
            **in_own_group(),
        )
    try:
        if not _awaited(process, text):
            return False
    finally:
        end_tree(process)
    if process.returncode != 0:
        raise BadInput(_last_words(folder / ERRORS))
    return True


def _awaited(process: subprocess.Popen[bytes], text: str) -> bool:
    """Handles Slicer's events until the process has ended; False when Cancel was clicked."""
    dialog = slicer.util.createProgressDialog(
        labelText=text,
        windowTitle=_("Opportunistic BMD"),
        maximum=0,  # nobody knows how far it is
        windowModality=qt.Qt.WindowModal,
    )
    dialog.show()  # without a maximum, Qt itself would show it after some seconds only
    try:
        while process.poll() is None and not dialog.wasCanceled:
            slicer.app.processEvents()
            time.sleep(LOOK_S)
        return not dialog.wasCanceled
    finally:
        dialog.close()
        dialog.deleteLater()


def _last_words(errors: Path) -> str:
    """The last line of a traceback without the kind of exception: "No module named 'scipy'"."""
    lines = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if not lines:
        return "its process ended unexpectedly"
    kind, _colon, message = lines[-1].partition(": ")
    return message or kind
