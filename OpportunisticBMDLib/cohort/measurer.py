"""Measures CTs, one after the other, with models that are loaded once: what each process of a cohort does."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.cohort.case import Case, Study
from OpportunisticBMDLib.cohort.row import Row, child_row, failed_row, row_of
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.standing import ADULT_YEARS
from OpportunisticBMDLib.measuring import Setup, measure_file
from OpportunisticBMDLib.system.progress import Progress, silent

if TYPE_CHECKING:
    from OpportunisticBMDLib.core.result import Result
    from OpportunisticBMDLib.pipeline import Pipeline

NO_MEMORY = "There is not enough memory for this CT; give the processes more, or crop it to the spine."


@dataclass(frozen=True)
class Way:
    """How the CTs of a cohort are measured.

    Args:
        as_dicom: whether DICOM objects are written, too.
        kvp: the tube voltage of CTs whose file states none, kV.
    """

    setup: Setup = field(default_factory=Setup)
    as_dicom: bool = False
    kvp: float | None = None


class Measurer:
    """Whatever a CT is, it becomes a row.

    Raises:
        BadInput: the models cannot be loaded.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._pipeline: Pipeline = way.setup.pipeline()

    def measure(self, case: Case, folder: Path, progress: Progress = silent) -> Row:
        """Reads and measures a CT, and writes its results into a folder; the row is not kept yet."""
        if case.age_years is not None and case.age_years < ADULT_YEARS:
            return child_row(case)
        start = time.perf_counter()
        try:
            result = self._result(case, folder, progress)
        except BadInput as error:
            why = str(error)
        except (MemoryError, ImportError):  # a library that finds no room any more
            why = NO_MEMORY
        except Exception as error:  # a file that nobody thought of must not end the others
            why = f"The program did not expect this file ({type(error).__name__}); please tell its makers."
        else:
            return row_of(case, result, time.perf_counter() - start)
        return failed_row(case, why, time.perf_counter() - start)

    def _result(self, case: Case, folder: Path, progress: Progress) -> Result:
        with _on_disk(case.source) as path:
            try:
                return measure_file(
                    self._pipeline,
                    path,
                    folder,
                    series_uid=case.series,
                    as_dicom=self._way.as_dicom,
                    kvp=self._way.kvp,
                    person=case.person,
                    progress=progress,
                )
            except BadInput as error:
                raise BadInput(_by_name(str(error), path, case.name)) from error


def _on_disk(source: Path | Study) -> AbstractContextManager[Path]:
    if isinstance(source, Path):
        return nullcontext(source)
    from OpportunisticBMDLib.cohort.in_archive import arrived  # here: files need nothing of archives

    return arrived(source)


def _by_name(message: str, path: Path, name: str) -> str:
    """With the CT's name for its path: a file and the folders above it may tell the patient."""
    return message.replace(str(path), name).replace(f"{path.parent}{os.sep}", "")
