"""Nothing that packages say about values of a header is shown or logged: they quote them, and so tell the patient."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("highdicom", "pydicom")
_SILENT = logging.CRITICAL + 1


@contextmanager
def unheard() -> Iterator[None]:
    """Within the block they neither warn nor log."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(_SILENT)
            yield
        finally:
            for logger, level in zip(loggers, levels):
                logger.setLevel(level)
