"""One sentence under what was done."""

from __future__ import annotations

from typing import Any

from OpportunisticBMDPanel.slicer import theme


def show_message(label: Any, text: str, *, is_fault: bool = False) -> None:
    """Writes it into a label, in the colour of a refusal where something went wrong."""
    label.styleSheet = f"color: {theme.severity_colour('refusal')};" if is_fault else ""
    label.text = text
