"""How many CTs of a cohort came out how, and why."""

from __future__ import annotations

import re

import pandas as pd

from OpportunisticBMDLib.cohort.row import FAILED, STATUSES
from OpportunisticBMDLib.core.reason import ReasonCode

_ITS_OWN = re.compile(r"\S*(?:\d|[./\\](?=\S))\S*")  # a file name or a figure: what differs from one CT to the next


def by_status(frame: pd.DataFrame) -> dict[str, int]:
    """Of every status, also of those that no CT has.

    Args:
        frame: the manifest's columns, a row for each CT; here and below.
    """
    counts = frame["status"].value_counts()
    return {status: int(counts.get(status, 0)) for status in STATUSES}


def failures(frame: pd.DataFrame) -> list[tuple[str, int]]:
    """What went wrong, without names and figures, and how often; the most frequent first."""
    failed = frame[frame["status"] == FAILED]
    reasons = [_in_general(message, name) for name, message in zip(failed["name"], failed["message"])]
    return [(str(why), int(count)) for why, count in pd.Series(reasons, dtype=str).value_counts().items()]


def reasons(frame: pd.DataFrame, status: str) -> list[tuple[str, str, int]]:
    """The codes of the reasons of results with a status, their meanings, and how often; the most frequent first."""
    meanings = {code.value: code.meaning for code in ReasonCode}
    counts = frame.loc[frame["status"] == status, "reasons"].explode().value_counts()
    return [(str(code), meanings.get(str(code), ""), int(count)) for code, count in counts.items()]


def _in_general(message: str, name: str) -> str:
    rest = message.removeprefix(f"{name} ")
    return _ITS_OWN.sub("…", message if rest == message else f"… {rest}")
