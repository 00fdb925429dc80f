"""How far a run is: as a bar, or as lines for other programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from OpportunisticBMDLib.system.progress import Progress
from OpportunisticBMDLib.system.streams import Unfailing


@contextmanager
def reported(kind: str) -> Iterator[Progress]:
    """A function that hears the name of each step as it begins and, now and then, how much of all is done (0..1)."""
    said = Unfailing(sys.stderr)
    if kind == "bar":
        from tqdm import tqdm

        with tqdm(total=1.0, bar_format="{desc:<12} {bar:30} {percentage:3.0f} % {elapsed}", file=said) as bar:

            def show(step: str, fraction: float) -> None:
                bar.set_description_str(step, refresh=False)
                bar.n = fraction
                bar.refresh()

            yield show
            show("done", 1.0)
    elif kind == "json":
        yield lambda step, fraction: print(
            json.dumps({"stage": step, "percent": round(100 * fraction), "fraction": round(fraction, 4)}),
            file=said,
            flush=True,
        )
    else:
        yield lambda step, fraction: None
