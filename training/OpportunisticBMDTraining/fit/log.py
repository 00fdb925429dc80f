"""What a fit logs: a CSV file for each start, and TensorBoard's events where that is installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from lightning.fabric.loggers import CSVLogger, TensorBoardLogger

from OpportunisticBMDTraining.fit.curves import LOG_FOLDER

EVENTS_FOLDER = "tensorboard"


class Log:
    """Figures by step, in RUN/log/version_N/metrics.csv and RUN/tensorboard.

    Args:
        folder: of the run.
        first_step: of this start; what TensorBoard holds of it and later ones is taken back.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        self._table = CSVLogger(folder, name=LOG_FOLDER)
        self._events: TensorBoardLogger | None = None
        if find_spec("tensorboard"):
            self._events = TensorBoardLogger(folder, name=EVENTS_FOLDER, version="", purge_step=first_step)

    def write(self, figures: Mapping[str, float], step: int) -> None:
        """Keeps the figures of a step, counted from 0."""
        for logger in filter(None, (self._table, self._events)):
            logger.log_metrics(dict(figures), step)

    def save(self) -> None:
        """Puts on disk what was written."""
        self._table.save()
        if self._events is not None:
            self._events.experiment.flush()
