"""How far a cohort is: as a bar, or as lines for other programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from OpportunisticBMDLib.system.streams import Unfailing

if TYPE_CHECKING:
    from OpportunisticBMDLib.cohort.row import Row

BAR = "{desc} {bar:30} {n_fmt} of {total_fmt} CTs{postfix}"


@dataclass
class _Pace:
    """Of this run: how many CTs it did, and how fast."""

    left: int
    done: int = 0
    failed: int = 0
    since: float = field(default_factory=time.monotonic)

    def hear(self, row: Row) -> None:
        self.done, self.left, self.failed = self.done + 1, self.left - 1, self.failed + (row.status == "failed")

    @property
    def an_hour(self) -> float:
        return 3600 * self.done / self._passed_s

    @property
    def left_s(self) -> float:
        """At the same pace; once a CT is done."""
        return self._passed_s * self.left / self.done

    @property
    def _passed_s(self) -> float:
        return max(1e-3, time.monotonic() - self.since)


@contextmanager
def reported(kind: str, total: int, left: int) -> Iterator[Callable[[Row], None]]:
    """A function that hears each row.

    Args:
        kind: "bar", "json" or "none".
        total: CTs of the cohort.
        left: of these, as the run begins.
    """
    said, pace = Unfailing(sys.stderr), _Pace(left)
    if kind == "bar":
        from tqdm import tqdm

        with tqdm(total=total, initial=total - left, desc="measure", bar_format=BAR, file=said) as bar:

            def show(row: Row) -> None:
                pace.hear(row)
                time_left = tqdm.format_interval(pace.left_s)
                bar.set_postfix_str(f"{pace.an_hour:.0f}/h, {time_left} left, {pace.failed} failed", refresh=False)
                bar.update()

            yield show
    elif kind == "json":

        def tell(row: Row) -> None:
            pace.hear(row)
            line = {
                "name": row.name,
                "status": row.status,
                "done": total - pace.left,
                "total": total,
                "failed": pace.failed,
                "per_hour": round(pace.an_hour, 1),
                "left_s": round(pace.left_s, 1),
            }
            print(json.dumps(line), file=said, flush=True)

        yield tell
    else:
        yield lambda row: None
