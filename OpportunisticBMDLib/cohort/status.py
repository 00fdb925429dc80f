"""How far a cohort is, in words."""

from __future__ import annotations

from collections.abc import Iterator

from OpportunisticBMDLib.cohort import counts
from OpportunisticBMDLib.cohort.manifest import Manifest
from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.row import REFUSED, REVIEW

LATELY_S = 3600.0


def in_words(place: Place) -> Iterator[str]:
    """Line by line.

    Raises:
        BadInput: there is no cohort, or its manifest is damaged.
    """
    total, manifest = place.noted("cases"), Manifest(place.manifest)
    frame = manifest.table().to_pandas()
    left = max(0, total - len(frame))
    yield f"{place.folder}: {len(frame)} of {total} CTs done, {left} left"
    yield _pace(place, manifest, left)
    yield ", ".join(f"{count} {status}" for status, count in counts.by_status(frame).items())
    reasons = {"Refused:": counts.reasons(frame, REFUSED), "To be looked at:": counts.reasons(frame, REVIEW)}
    tables = {title: [(f"{code}: {why}", count) for code, why, count in table] for title, table in reasons.items()}
    for title, table in (tables | {"Failed:": counts.failures(frame)}).items():
        if table:
            yield title
            yield from (f"{count:8}  {why}" for why, count in table)


def _pace(place: Place, manifest: Manifest, left: int) -> str:
    """By the parts of the last hour: the first of them says when, the others how many."""
    if not place.is_held:
        return "No process measures into it now" + (": the same command goes on." if left else ".")
    times = {part: part.stat().st_mtime for part in manifest.parts}
    lately = [part for part, when in times.items() if when > max(times.values()) - LATELY_S]
    if len(lately) < 2:
        return "It is being measured; how fast will be known in some minutes."
    done = manifest.rows_in(lately[1:])
    an_hour = 3600 * done / max(1.0, times[lately[-1]] - times[lately[0]])
    return f"It is being measured: {an_hour:.0f} CTs an hour, {left / max(an_hour, 1e-9):.1f} hours left."
