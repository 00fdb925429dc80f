"""The order in which Tab goes through widgets that are made in Python: Qt puts these behind all others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import qt


def put_behind(former: Any, widgets: Iterable[Any]) -> None:
    """Has Tab go from one widget through these, and then on as it went before."""
    for widget in widgets:
        qt.QWidget.setTabOrder(former, widget)
        former = widget


def reached_by_tab(widget: Any) -> list[Any]:
    """All in a widget that Tab stops at."""
    return [child for child in widget.findChildren(qt.QWidget) if child.focusPolicy & qt.Qt.TabFocus]
