"""From a CT on disk to its results on disk: what one command, an archive and a cohort have in common."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.core.errors import BadInput
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
    kvp: float | None = None,
    person: Person | None = None,
    progress: Progress = silent,
) -> Result:
    """Reads a CT, measures it and writes its results, which appear together or not at all.

    Args:
        source, series_uid: see `read_ct`.
        directory: see `write_results`.
        as_dicom: whether DICOM objects of the patient's study are written, too.
        kvp: the tube voltage where the file states none, kV.
        person: whom to look up in the reference curves.

    Raises:
        BadInput: the CT cannot be read, no object can refer to it, or the folder cannot be written.
    """
    from OpportunisticBMDLib.reading import read_ct_with_slices

    progress("read", 0.0)
    start = time.perf_counter()
    ct, slices = read_ct_with_slices(source, series_uid)
    load_s = time.perf_counter() - start
    slices = slices_for_objects(ct, slices, source) if as_dicom else None
    ct = with_voltage(ct, kvp)
    run = pipeline.run(ct, chain_of(progress))
    progress("write", WRITING)
    return written(run, ct, load_s, directory, person=person, slices=slices)


def with_voltage(ct: CT, kvp: float | None) -> CT:
    """A CT with this tube voltage, kV, if its file states nothing of the kind."""
    from OpportunisticBMDLib.core.ct import ImageKind

    known = ct.acquisition
    states_other = known.spectrum is not None or known.image_kind is not ImageKind.CONVENTIONAL
    if kvp is None or known.kvp is not None or states_other:
        return ct
    return replace(ct, acquisition=replace(known, kvp=kvp, kvp_by_user=True))


def slices_for_objects(ct: CT, slices: SourceSlices | None, source: Path) -> SourceSlices:
    """The slices of a CT, if objects can refer to them: that they cannot is said before the long part.

    Raises:
        BadInput: there are none, or see `source_series`.
    """
    if slices is None:
        raise BadInput(f"{source} is not DICOM, so no DICOM study can get the results: leave out --dicom.")
    from OpportunisticBMDLib.dicom.objects.source import source_series  # here: what is not DICOM is told before

    source_series(slices, ct.volume.grid)
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
