"""When a node is lost, because it breaks or because it is given to somebody else, and for how long."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NEVER = (np.inf, np.inf)


@dataclass(frozen=True)
class Loss:
    """A way in which nodes are lost, each for itself and at any moment alike.

    Args:
        every_s: mean time that a node runs until it is lost.
        away_s: how long it is missing then.
    """

    every_s: float
    away_s: float


class Node:
    """The losses of one node in their order, drawn as far as somebody asks."""

    def __init__(self, ways: Sequence[Loss], random: np.random.Generator) -> None:
        self._ways = ways
        self._shares = np.array([1 / way.every_s for way in ways])
        self._random = random
        self._lost_s: list[float] = []
        self._back_s = [0.0]  # one more than there are losses: it begins by being there

    def next_loss(self, from_s: float) -> tuple[float, float]:
        """When it is lost next, counted from a time at which it runs, and when it is back."""
        if not self._ways:
            return NEVER
        while not self._lost_s or self._lost_s[-1] < from_s:
            self._draw()
        n = bisect_left(self._lost_s, from_s)
        return self._lost_s[n], self._back_s[n + 1]

    def started(self, from_s: float, start_s: float) -> float:
        """When a process is ready that takes `start_s` to start, and that starts anew whenever the node is lost."""
        lost_s, back_s = self.next_loss(from_s)
        return from_s + start_s if from_s + start_s <= lost_s else self.started(back_s, start_s)

    def _draw(self) -> None:
        rate = self._shares.sum()
        way = self._ways[self._random.choice(len(self._ways), p=self._shares / rate)]
        lost_s = self._back_s[-1] + self._random.exponential(1 / rate)
        self._lost_s.append(lost_s)
        self._back_s.append(lost_s + way.away_s)
