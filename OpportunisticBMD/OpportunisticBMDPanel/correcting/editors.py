"""Which of the panel's Segment Editors is open."""

from __future__ import annotations

from typing import Protocol


class Editing(Protocol):
    """One editor (`SegmentEditing`)."""

    @property
    def can_edit(self) -> bool: ...
    def open(self) -> None: ...
    def close(self) -> None: ...


class Editors:
    """Opens one Segment Editor at a time, while the module is entered: of those with masks, the one used last.

    An editor is used when it gets masks (a CT was computed or chosen, a case was opened), and when one of its effects
    is chosen. Two open ones would leave every key ambiguous and therefore dead, and paint each stroke twice.
    """

    def __init__(self) -> None:
        self._by_use: list[Editing] = []  # the one used last at the end
        self._is_entered = False

    def add(self, editing: Editing) -> None:
        """Knows an editor from now on."""
        self._by_use.insert(0, editing)

    def remove(self, editing: Editing) -> None:
        """Forgets an editor."""
        self._by_use = [known for known in self._by_use if known is not editing]

    def enter(self) -> None:
        """The reader turns to the module."""
        self._is_entered = True
        self.settle()

    def exit(self) -> None:
        """The reader turns to another module, whose keys and views these are now."""
        self._is_entered = False
        self.settle()

    def use(self, editing: Editing) -> None:
        """The reader turns to an editor."""
        self._by_use.remove(editing)
        self._by_use.append(editing)
        self.settle()

    def settle(self) -> None:
        """Closes all editors but the one whose turn it is."""
        useful = (editing for editing in reversed(self._by_use) if self._is_entered and editing.can_edit)
        turn = next(useful, None)
        for editing in self._by_use:
            if editing is not turn:
                editing.close()
        if turn is not None:
            turn.open()
