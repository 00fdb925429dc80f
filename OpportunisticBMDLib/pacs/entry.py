"""What is known of a study that is watched, and how that changes. Nothing in it says who the patient is."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import Enum

UNSEEN = -1  # CT objects, before the first look


class State(str, Enum):
    """How far a study is."""

    WAITING = "waiting"  # until it is complete and its turn comes
    DONE = "done"  # its results are in the archive
    SET_ASIDE = "set aside"  # a person has to look


@dataclass(frozen=True)
class Patience:
    """How often, and after which pauses, something is tried that failed.

    Args:
        first_s, longest_s: the pause after the first try, and the longest; it doubles from one to the next.
        tries: after so many there is no other.
    """

    first_s: float = 30.0
    longest_s: float = 3600.0
    tries: int = 10

    def pause_s(self, tries: int) -> float:
        """The pause after so many tries, up to a half shorter, by chance: not all come back at the same moment."""
        whole_s = min(self.longest_s, self.first_s * 2.0 ** min(tries - 1, 60))
        return whole_s * random.uniform(0.5, 1.0)


@dataclass(frozen=True)
class Entry:
    """A study.

    Args:
        instances: how many CT objects the archive held of it at the last look.
        is_complete: they were as many the time before.
        tries: how many failed.
        due_s: when it may be tried again, seconds since 1970.
        reason: why it was set aside or the last try failed, or what there is to say of how it was done.
    """

    study_uid: str
    state: State = State.WAITING
    instances: int = UNSEEN
    is_complete: bool = False
    tries: int = 0
    due_s: float = 0.0
    reason: str = ""

    def seen(self, instances: int) -> Entry:
        """After another look at the archive."""
        return replace(self, instances=instances, is_complete=instances == self.instances)

    def is_due(self, now_s: float, patience: Patience) -> bool:
        """Whether it may be tried now, also where the clock was put back since it failed."""
        return not now_s < self.due_s <= now_s + patience.longest_s

    def done(self, reason: str = "") -> Entry:
        return replace(self, state=State.DONE, reason=reason)

    def set_aside(self, reason: str) -> Entry:
        return replace(self, state=State.SET_ASIDE, reason=reason)

    def failed(self, reason: str, now_s: float, patience: Patience) -> Entry:
        """After a try that failed for a reason that may pass."""
        tries = self.tries + 1
        if tries >= patience.tries:
            return replace(self, tries=tries).set_aside(f"{reason} (tried {tries} times)")
        return replace(self, tries=tries, due_s=now_s + patience.pause_s(tries), reason=reason)

    def again(self) -> Entry:
        """As if it had never been seen."""
        return Entry(self.study_uid)
