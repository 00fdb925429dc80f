"""What the commands share: bad input as one line with exit status 2, and arguments such as NAME=PATH."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput

BAD_INPUT = 2


def exit_status(work: Callable[[], int | None]) -> int:
    """What the work returns, 0 for None; 2 for bad input, after one line that tells of it."""
    try:
        return work() or 0
    except BadInput as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


def named_path(form: str) -> Callable[[str], tuple[str, Path]]:
    """The type of an argument that gives a name and a path.

    Args:
        form: how the help writes it, e.g. "NAME=PATH".
    """

    def parsed(text: str) -> tuple[str, Path]:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise argparse.ArgumentTypeError(f"{text!r} is not {form}")
        return name, Path(path)

    return parsed
