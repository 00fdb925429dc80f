"""Tab goes through the panel as the eye does: from top to bottom, and in a row from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

from PySide6 import QtCore, QtTest, QtWidgets

from panel_harness import MODULE, Panel

FILES = ("OpportunisticBMD.ui", "Annotating.ui")
NEVER_BY_TAB = {"QLabel", "QFrame", "QWidget", "QGroupBox", "QProgressBar", "qMRMLWidget"}
SECTIONS = ("compareSection", "correctSection", "batchSection", "settingsSection", "annotatingSection")


@pytest.fixture
def panel() -> Iterator[Panel]:
    """All of it to be seen and enabled."""
    panel = Panel()
    for name in SECTIONS:
        getattr(panel.ui, name).collapsed = False
    panel.widget._annotating.ui.fitSection.collapsed = False
    panel.root.resize(700, 3000)
    panel.root.show()
    panel.root.activateWindow()
    QtTest.QTest.qWaitForWindowActive(panel.root)
    panel.widget._timer.stop()  # nothing is hidden or disabled again
    panel.widget.refresh = lambda: None
    for ui in (panel.ui, panel.widget._annotating.ui):
        for widget in vars(ui).values():
            if isinstance(widget, QtWidgets.QWidget):
                widget.visible = widget.enabled = True
    QtWidgets.QApplication.processEvents()
    yield panel
    panel.close()


def by_tab(panel: Panel) -> list[QtWidgets.QWidget]:
    """Everything that Tab stops at, in its order, from the top of the panel on."""
    panel.ui.boneWindowButton.setFocus()
    found = [QtWidgets.QApplication.focusWidget()]
    while True:
        QtTest.QTest.keyClick(found[-1], QtCore.Qt.Key.Key_Tab)
        reached = QtWidgets.QApplication.focusWidget()
        if reached is found[0]:
            break
        assert reached not in found, f"Tab does not leave {QtCore.QObject.objectName(reached)}"
        found.append(reached)
    top = min(range(len(found)), key=lambda number: place(found[number], panel.root).top())
    return found[top:] + found[:top]


def place(widget: QtWidgets.QWidget, root: QtWidgets.QWidget) -> QtCore.QRect:
    corner = QtWidgets.QWidget.mapTo(widget, root, QtCore.QPoint(0, 0))
    return QtCore.QRect(corner, QtCore.QSize(QtWidgets.QWidget.size(widget)))


def follows(before: QtCore.QRect, after: QtCore.QRect) -> bool:
    """Whether the eye comes to one after the other: it lies below, to the right, or inside."""
    is_below = after.center().y() > before.bottom() or after.top() > before.center().y()
    is_beside = after.left() > before.left() and after.bottom() > before.top()
    return is_below or is_beside or before.contains(after)


def test_tab_goes_as_the_eye_does(panel: Panel):
    order = by_tab(panel)
    assert len(order) > 50
    for before, after in zip(order, order[1:]):
        names = QtCore.QObject.objectName(before), QtCore.QObject.objectName(after)
        assert follows(place(before, panel.root), place(after, panel.root)), names


def test_boxes_and_editors_that_are_made_in_python_are_in_their_place(panel: Panel):
    order = by_tab(panel)
    names = [QtCore.QObject.objectName(widget) for widget in order]
    first = names.index("measureAgainButton") + 1
    assert order[first : first + 3] == list(panel.widget.results.use_boxes.values())
    editors = [number for number, name in enumerate(names) if name == "effectsInHere"]
    assert [names[number - 1] for number in editors] == ["correctSection", "automaticButton"]


@pytest.mark.parametrize("file", FILES)
def test_every_widget_of_a_ui_file_has_its_place_in_the_order(file: str):
    document = ElementTree.parse(MODULE / "Resources" / "UI" / file)
    reached = [
        widget.get("name")
        for widget in document.iter("widget")
        if widget.get("class") not in NEVER_BY_TAB
        and widget.find("property[@name='focusPolicy']/enum[.='Qt::NoFocus']") is None
    ]
    assert [stop.text for stop in document.iter("tabstop")] == reached
