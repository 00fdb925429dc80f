"""Entries of a JSON object, read as what they must be: a file may hold anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from OpportunisticBMDLib.system.printable import printable

LARGEST = 1e9  # no figure of a result comes near
Value = TypeVar("Value")


@dataclass(frozen=True)
class Entries:
    """A JSON object.

    Args:
        values: as json reads it.
        place: where it lies in the document, e.g. "levels.answers[0]".

    Every method raises ValueError, with the place, where the entry is missing or holds something else.
    """

    values: Mapping[str, Any]
    place: str

    @classmethod
    def of(cls, value: Any, place: str) -> Entries:
        if not isinstance(value, Mapping):
            raise ValueError(f"{place} is no object")
        return cls(value, place)

    def of_key(self, key: str) -> Any:
        if key not in self.values:
            raise ValueError(f"{self._named(key)} is missing")
        return self.values[key]

    def has(self, key: str) -> bool:
        """Whether there is an entry that is not null."""
        return self.values.get(key) is not None

    def optional(self, read: Callable[[str], Value], key: str) -> Value | None:
        """What a method reads; None for null."""
        return None if self.of_key(key) is None else read(key)

    def text(self, key: str) -> str:
        """Control characters are escaped."""
        return printable(self._checked(key, isinstance(self.of_key(key), str), "a text"))

    def word(self, key: str, known: Collection[str]) -> str:
        """One of those that are known."""
        word = self.text(key)
        return str(self._checked(key, word in known, f"one of {', '.join(known)}") and word)

    def flag(self, key: str) -> bool:
        return bool(self._checked(key, isinstance(self.of_key(key), bool), "true or false"))

    def number(self, key: str) -> float:
        return _number(self.of_key(key), self._named(key))

    def number_or_nan(self, key: str) -> float:
        """NaN for null."""
        return math.nan if self.of_key(key) is None else self.number(key)

    def whole(self, key: str) -> int:
        return _whole(self.of_key(key), self._named(key))

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        listed = self._list(key)
        self._checked(key, len(listed) == count, f"a list of {count} numbers")
        return tuple(_number(value, f"{self._named(key)}[{n}]") for n, value in enumerate(listed))

    def wholes(self, key: str, count: int) -> tuple[int, ...]:
        listed = self._list(key)
        self._checked(key, len(listed) == count, f"a list of {count} numbers")
        return tuple(_whole(value, f"{self._named(key)}[{n}]") for n, value in enumerate(listed))

    def points(self, key: str) -> list[tuple[float, ...]]:
        """A list of points in space."""
        listed = {str(n): point for n, point in enumerate(self._list(key))}
        points = Entries(listed, self._named(key))
        return [points.numbers(n, 3) for n in listed]

    def part(self, key: str) -> Entries:
        """An object in this one."""
        return Entries.of(self.of_key(key), self._named(key))

    def parts(self, key: str) -> list[Entries]:
        """A list of objects."""
        return [Entries.of(value, f"{self._named(key)}[{n}]") for n, value in enumerate(self._list(key))]

    def words(self, key: str, known: Collection[str]) -> tuple[str, ...]:
        """A list of different words, each of which is known."""
        listed = self._list(key)
        is_known = all(isinstance(word, str) and word in known for word in listed) and len(set(listed)) == len(listed)
        return tuple(self._checked(key, is_known, f"a list of {', '.join(known)}"))

    def _list(self, key: str) -> list[Any]:
        listed: list[Any] = self._checked(key, isinstance(self.of_key(key), list), "a list")
        return listed

    def _checked(self, key: str, is_right: bool, what: str) -> Any:
        if not is_right:
            raise ValueError(f"{self._named(key)} is not {what}")
        return self.values[key]

    def _named(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def _number(value: Any, place: str) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not -LARGEST <= value <= LARGEST:  # NaN is not either
        raise ValueError(f"{place} is not a number that could be")
    return value  # type: ignore[no-any-return]  # checked above


def _whole(value: Any, place: str) -> int:
    number = _number(value, place)
    if int(number) != number:
        raise ValueError(f"{place} is not a whole number")
    return int(number)
