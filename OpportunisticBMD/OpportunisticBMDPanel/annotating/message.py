"""One sentence under what was done."""

from __future__ import annotations

from typing import Any

FAULT_STYLE = "color: #b3261e;"


def show_message(label: Any, text: str, *, is_fault: bool = False) -> None:
    """Writes it into a label, in red where something went wrong."""
    label.styleSheet = FAULT_STYLE if is_fault else ""
    label.text = text
