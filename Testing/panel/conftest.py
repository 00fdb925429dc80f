"""What holds for every test of the panel.

An error in a slot or in an observer is printed by Qt and VTK, and by Slicer: here it fails the test. And the keys that
a test which failed left behind are not those of the next one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import TracebackType

import pytest


@pytest.fixture(autouse=True)
def _no_error_is_only_printed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    errors: list[BaseException] = []

    def keep(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        errors.append(error)

    monkeypatch.setattr(sys, "excepthook", keep)
    yield
    if errors:
        raise errors[0]


@pytest.fixture(autouse=True)
def _no_keys_of_a_former_test() -> Iterator[None]:
    yield
    editors = getattr(sys.modules.get("slicer"), "qMRMLSegmentEditorWidget", None)
    if editors is not None:
        editors._with_keys.clear()
