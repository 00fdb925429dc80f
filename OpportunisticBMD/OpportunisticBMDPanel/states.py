"""What a volume's panel can be in, from nothing chosen to a result."""

from __future__ import annotations

import enum


class State(enum.Enum):
    EMPTY = "no volume is chosen"
    READY = "a volume is chosen and was not measured"
    RUNNING = "the chain runs, or waits for its turn"
    RESULT = "the result belongs to what is on the screen"
    STALE = "something changed since the result; it is being measured again"
    REFUSED = "the chain ran, and no trustworthy density can be given"
    FAILED = "the chain could not run; the message says why"
