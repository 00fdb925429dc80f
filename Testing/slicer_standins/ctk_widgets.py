# ruff: noqa: N801, N802, N815 - Qt, CTK and Slicer chose these names
"""CTK's widgets, as far as the module uses them."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from slicer_standins.pythonqt import PythonQt

HEADER_PX = 26


class ctkCollapsibleButton(PythonQt, QtWidgets.QWidget):
    """A titled section that opens and closes."""

    _qt_class = QtWidgets.QWidget
    CPP_SIGNALS = {"contentsCollapsed(bool)": "contentsCollapsed", "clicked(bool)": "clicked"}  # noqa: RUF012

    contentsCollapsed = QtCore.Signal(bool)
    clicked = QtCore.Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._collapsed = "", False
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)  # it is a button
        self.setContentsMargins(0, HEADER_PX, 0, 0)

    def _get_text(self) -> str:
        return self._text

    def _set_text(self, text: str) -> None:
        self._text = text
        self.update()

    def _get_collapsed(self) -> bool:
        return self._collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self.setMaximumHeight(HEADER_PX if collapsed else 16777215)
        self.setMinimumHeight(HEADER_PX if collapsed else 0)
        self.contentsCollapsed.emit(collapsed)
        self.update()

    text = QtCore.Property(str, _get_text, _set_text)
    collapsed = QtCore.Property(bool, _get_collapsed, _set_collapsed)

    def click(self) -> None:
        self._set_collapsed(not self._collapsed)
        self.clicked.emit(not self._collapsed)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.position().y() <= HEADER_PX:
            self.click()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        area = QtCore.QRectF(0, 0, QtWidgets.QWidget.width(self), HEADER_PX - 2)
        palette = QtWidgets.QWidget.palette(self)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(palette.midlight())
        painter.drawRoundedRect(area, 3, 3)
        painter.setBrush(palette.windowText())
        middle = HEADER_PX / 2 - 1
        corners = [(8, middle - 4), (8, middle + 4), (14, middle)]
        if not self._collapsed:
            corners = [(7, middle - 3), (15, middle - 3), (11, middle + 3)]
        painter.drawPolygon(QtGui.QPolygonF([QtCore.QPointF(*corner) for corner in corners]))
        painter.setPen(palette.windowText().color())
        painter.drawText(area.adjusted(22, 0, 0, 0), int(QtCore.Qt.AlignmentFlag.AlignVCenter), self._text)
        painter.end()


class ctkPathLineEdit(PythonQt, QtWidgets.QWidget):
    """A path with a button to browse for it, and a history.

    As `ctkPathLineEdit.cpp` shows: nothing is kept of itself. `addCurrentPathToHistory` keeps a path, if there is one,
    in the settings under the key, the latest first. Setting the key retrieves the latest five, and where no path was
    given takes the latest. While a path is added, others are the current one for a moment, and are told.
    """

    _qt_class = QtWidgets.QWidget
    CPP_SIGNALS = {"currentPathChanged(QString)": "currentPathChanged"}  # noqa: RUF012

    currentPathChanged = QtCore.Signal(str)

    Files, Readable, Dirs, Writable = 2, 16, 1, 32
    _MOST = 5

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._filters, self._setting_key = 0, ""
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox()
        self._box.setEditable(True)
        self._box.setInsertPolicy(QtWidgets.QComboBox.InsertPolicy.NoInsert)
        # By itself CTK's widget is as wide as its place, however long the paths are (`recomputeSizeHint`).
        self._box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._edit = self._box.lineEdit()
        self._edit.setCompleter(None)
        self._edit.textChanged.connect(self.currentPathChanged)
        button = QtWidgets.QToolButton()
        button.setText("…")
        layout.addWidget(self._box, 1)
        layout.addWidget(button)

    def comboBox(self) -> QtWidgets.QComboBox:
        return self._box

    def retrieveHistory(self) -> None:
        path = self._edit.text()
        was_blocked = self.blockSignals(True)
        self._box.clear()
        self._box.addItems(self._history()[: self._MOST])
        if path:
            self._edit.setText(path)
        self.blockSignals(was_blocked)
        if not path:
            self._box.setCurrentIndex(0)

    def addCurrentPathToHistory(self) -> None:
        path = self._edit.text()
        if not path:
            return
        history = [path, *(other for other in self._history() if other != path)]
        QtCore.QSettings().setValue(self._key(), history)
        index = self._box.findText(path)
        if index >= 0:
            self._box.removeItem(index)
        while self._box.count() >= self._MOST:
            self._box.removeItem(self._box.count() - 1)
        self._box.insertItem(0, path)
        self._box.setCurrentIndex(0)

    def _key(self) -> str:
        return f"ctkPathLineEdit/{self._setting_key or QtCore.QObject.objectName(self)}"

    def _history(self) -> list[str]:
        stored = QtCore.QSettings().value(self._key()) or []
        return [stored] if isinstance(stored, str) else list(stored)

    def _get_path(self) -> str:
        return self._edit.text()

    def _set_path(self, path: str) -> None:
        self._edit.setText(path)

    def _get_filters(self) -> int:
        return self._filters

    def _set_filters(self, filters: int) -> None:
        self._filters = filters

    def _get_setting_key(self) -> str:
        return self._setting_key

    def _set_setting_key(self, key: str) -> None:
        self._setting_key = key
        self.retrieveHistory()

    currentPath = QtCore.Property(str, _get_path, _set_path)
    filters = QtCore.Property(int, _get_filters, _set_filters)
    settingKey = QtCore.Property(str, _get_setting_key, _set_setting_key)


WIDGETS = {"ctkCollapsibleButton": ctkCollapsibleButton, "ctkPathLineEdit": ctkPathLineEdit}
