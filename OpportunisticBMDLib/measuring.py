"""From a CT on disk to its results on disk: what one command, an archive and a cohort have in common."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.inference.device import chosen_device
from OpportunisticBMDLib.system.progress import Progress, silent

if TYPE_CHECKING:
    from OpportunisticBMDLib.core.calibration_line import Calibration
    from OpportunisticBMDLib.core.ct import CT
    from OpportunisticBMDLib.core.result import Result
    from OpportunisticBMDLib.core.run import Run
    from OpportunisticBMDLib.core.standing import Person
    from OpportunisticBMDLib.pipeline import Pipeline
    from OpportunisticBMDLib.reading.series.source_slices import SourceSlices
    from OpportunisticBMDLib.scanners.registry import ScannerRegistry

CHAIN, WRITING = 0.15, 0.9  # where, of a CT's progress, the chain and writing begin


@dataclass(frozen=True)
class Setup:
    """How CTs are measured, in plain values that another process can be given.

    Args:
        models: another model folder; None for the models that ship.
        device, engine: see `device.DEVICES` and `engine.ENGINES`.
        calibration: a line given by the user, before all others; None takes the best at hand.
        uses_registry: whether lines of scanners that were measured before are taken.
    """

    models: Path | None = None
    device: str = "auto"
    engine: str = "auto"
    thresholds: Thresholds = field(default_factory=Thresholds)
    calibration: Calibration | None = None
    uses_registry: bool = True

    @property
    def scanners(self) -> ScannerRegistry | None:
        from OpportunisticBMDLib.scanners.registry import ScannerRegistry

        return ScannerRegistry.of_user() if self.uses_registry else None

    def pipeline(self, progress: Progress = silent) -> Pipeline:
        """Loads the models, which takes seconds: once, for any number of CTs.

        Raises:
            BadInput: see `Pipeline.load`.
        """
        from OpportunisticBMDLib.pipeline import Pipeline

        device = chosen_device(self.device, self.engine)
        loaded = Pipeline.load(self.models, device, self.engine, progress)
        return replace(loaded, thresholds=self.thresholds, calibration=self.calibration, scanners=self.scanners)


def measure_file(
    pipeline: Pipeline,
    source: Path,
    directory: Path,
    *,
    series_uid: str | None = None,
    as_dicom: bool = False,
    progress: Progress = silent,
) -> Result:
    """Reads a CT, measures it and writes its results, which appear together or not at all.

    Args:
        source, series_uid: see `read_ct`.
        directory: see `write_results`.
        as_dicom: whether DICOM objects of the patient's study are written, too.

    Raises:
        BadInput: the CT cannot be read, no object can refer to it, or the folder cannot be written.
    """
    from OpportunisticBMDLib.reading import read_ct

    progress("read", 0.0)
    start = time.perf_counter()
    ct = read_ct(source, series_uid)
    load_s = time.perf_counter() - start
    slices = slices_for_objects(ct, source, series_uid) if as_dicom else None
    run = pipeline.run(ct, chain_of(progress))
    progress("write", WRITING)
    return written(run, ct, load_s, directory, slices=slices)


def slices_for_objects(ct: CT, source: Path, series_uid: str | None) -> SourceSlices:
    """What a CT was read from; that no object can refer to it is said before the long part.

    Raises:
        BadInput: see `source_slices` and `read_source`.
    """
    from OpportunisticBMDLib.reading.series.source_slices import source_slices

    slices = source_slices(source, series_uid, ct)
    from OpportunisticBMDLib.dicom.objects.source import read_source  # here: a wrong file is told before it is imported

    read_source(slices, ct.volume.grid)
    return slices


def chain_of(progress: Progress) -> Progress:
    """The chain's own progress as a part of the whole."""
    return lambda stage, fraction: progress(stage, CHAIN + fraction * (WRITING - CHAIN))


def written(
    run: Run,
    ct: CT,
    load_s: float,
    directory: Path,
    *,
    person: Person | None = None,
    slices: SourceSlices | None = None,
) -> Result:
    """Writes the results of a run and gives them back as they were written.

    Raises:
        BadInput: see `write_results`.
    """
    from OpportunisticBMDLib.reference import with_standing
    from OpportunisticBMDLib.results.folder import write_results

    result = with_standing(run.result, person)
    result = replace(result, timing_s={"load": load_s, **result.timing_s})
    return write_results(directory, ct, run.segmentation, result, slices)
