"""The result as a structured report: Comprehensive 3D SR (PS3.3 A.35.13), TID 1500 (PS3.16)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as PydicomCode

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.reason import Reason, ReasonCode
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebra import Vertebra, VertebraFigures
from OpportunisticBMDLib.dicom.codes import (
    BMD_LOWER,
    BMD_RANGE,
    BMD_RANGES,
    BMD_SD,
    BMD_UPPER,
    CUBIC_MILLIMETRE,
    GENANT_GRADE,
    GENANT_GRADES,
    HOUNSFIELD_UNIT,
    MEAN_ATTENUATION,
    MG_PER_CM3,
    NO,
    PRIVATE_SCHEME,
    QUALITATIVE_EVALUATIONS,
    REASONS,
    SD_OF_ATTENUATION,
    SPINE,
    STATUS,
    STATUSES,
    TRABECULAR_BMD,
    USED_IN_MEAN,
    VERTEBRA_CODES,
    VERTEBRAL_BODY,
    VOLUME,
    YES,
    Code,
)
from OpportunisticBMDLib.dicom.objects.program import DEVICE_UID, MAKER, NAME, stamp
from OpportunisticBMDLib.dicom.objects.references import sources_of_segment
from OpportunisticBMDLib.dicom.objects.segmentation import concept
from OpportunisticBMDLib.dicom.objects.source import SourceSeries
from OpportunisticBMDLib.quality.compression import Compression

_SCAN = "Scan"  # tracking identifier of the group of a scan without masks
_DECIMALS = 4  # as many as a decimal string of any figure here has room for


def structured_report(source: SourceSeries, segmentation: Segmentation | None, result: Result) -> Comprehensive3DSR:
    """A measurement group for each vertebra that has a segment, which it refers to; then what holds of the whole case.

    Args:
        segmentation: of the same result; None where it has no masks.
    """
    report = MeasurementReport(
        observation_context=_observer(),
        procedure_reported=codes.cid100.CTUnspecifiedBodyRegion,
        imaging_measurements=_groups(source, segmentation, result),
        title=codes.DCM.ImagingMeasurementReport,
    )
    report[0].ContentSequence.extend(_of_case(result))
    return Comprehensive3DSR(
        evidence=[*source.files, *([] if segmentation is None else [segmentation])],
        content=report,
        is_complete=True,
        coding_schemes=[_scheme()],
        **stamp("measurements"),
    )


def _groups(
    source: SourceSeries, segmentation: Segmentation | None, result: Result
) -> list[VolumetricROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations]:
    if segmentation is None:
        return [_of_scan(source, result)]
    return [_of_vertebra(segment, segmentation, source, result) for segment in _segments(segmentation)]


def _segments(segmentation: Segmentation) -> list[tuple[int, str]]:
    """Number and vertebra of each segment."""
    return [(int(item.SegmentNumber), str(item.SegmentLabel)) for item in segmentation.SegmentSequence]


def _of_vertebra(
    segment: tuple[int, str], segmentation: Segmentation, source: SourceSeries, result: Result
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    """TID 1411."""
    number, name = segment
    used = YES if name in result.vertebrae_used else NO
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(identifier=name),
        referenced_segment=_reference_to(number, segmentation, source),
        finding_type=concept(VERTEBRAL_BODY),
        finding_sites=[FindingSite(concept(VERTEBRA_CODES[name]))],
        algorithm_id=_algorithm(result),
        measurements=list(_figures(result.vertebrae.get(name))),
        qualitative_evaluations=[_answer(USED_IN_MEAN, used), *_evaluations(result.reasons, name)],
    )


def _reference_to(segment: int, segmentation: Segmentation, source: SourceSeries) -> ReferencedSegment:
    return ReferencedSegment(
        segmentation.SOPClassUID,
        segmentation.SOPInstanceUID,
        segment,
        source_images=sources_of_segment(segmentation, segment, source),
    )


def _of_scan(source: SourceSeries, result: Result) -> MeasurementsAndQualitativeEvaluations:
    """TID 1501: where there is no mask to refer to, the files of the slices."""
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(identifier=_SCAN),
        finding_type=concept(VERTEBRAL_BODY),
        finding_sites=[FindingSite(concept(SPINE))],
        algorithm_id=_algorithm(result),
        qualitative_evaluations=[_answer(STATUS, STATUSES[result.status])],
        source_images=[SourceImageForMeasurementGroup.from_source_image(file) for file in source.files],
    )


def _of_case(result: Result) -> Iterator[ContainerContentItem]:
    """Rows 10 to 13 of TID 1500: the mean of the vertebrae used, its category, and what holds of the whole scan."""
    mean = [item for measurement in _mean(result) for item in measurement]
    if mean:
        yield _container(codes.DCM.DerivedImagingMeasurements, mean)
    answers = [_answer(STATUS, STATUSES[result.status])]
    if result.category is not None:
        answers.append(_answer(BMD_RANGE, BMD_RANGES[result.category]))
    answers += _evaluations(result.reasons, None)
    yield _container(concept(QUALITATIVE_EVALUATIONS), [item for answer in answers for item in answer])


def _container(name: CodedConcept | PydicomCode, items: Sequence[ContentItem]) -> ContainerContentItem:
    container = ContainerContentItem(name, relationship_type=RelationshipTypeValues.CONTAINS)
    container.ContentSequence = ContentSequence(items)
    return container


def _figures(vertebra: Vertebra | None) -> Iterator[Measurement]:
    """Those of a vertebra that are known. What is known of more vertebrae comes first: 3D Slicer puts the figures of
    each into columns one after the other, whatever they are called."""
    figures = VertebraFigures.of(vertebra)
    if vertebra is not None and vertebra.mask is not None:
        yield from _measured(VOLUME, figures.volume_mm3, CUBIC_MILLIMETRE)
    yield from _measured(MEAN_ATTENUATION, figures.hu_region, HOUNSFIELD_UNIT)
    yield from _measured(SD_OF_ATTENUATION, figures.hu_region_sd, HOUNSFIELD_UNIT)
    yield from _measured(TRABECULAR_BMD, figures.bmd_mg_cm3, MG_PER_CM3)
    yield from _measured(BMD_SD, figures.bmd_sd_mg_cm3, MG_PER_CM3)


def _mean(result: Result) -> Iterator[Measurement]:
    yield from _measured(TRABECULAR_BMD, result.bmd_mg_cm3, MG_PER_CM3)
    yield from _measured(BMD_SD, result.bmd_sd_mg_cm3, MG_PER_CM3)
    if result.uncertainty is not None:
        for code, limit in zip((BMD_LOWER, BMD_UPPER), result.uncertainty.interval_mg_cm3):
            yield from _measured(code, limit, MG_PER_CM3)


def _measured(code: Code, value: float | None, unit: Code) -> Iterator[Measurement]:
    if value is not None and isfinite(value):
        yield Measurement(concept(code), round(value, _DECIMALS), concept(unit))


def _evaluations(reasons: Iterable[Reason], vertebra: str | None) -> Iterator[QualitativeEvaluation]:
    """The reasons of a vertebra, or those of the whole case."""
    for reason in reasons:
        if reason.vertebra == vertebra:
            yield _answer(REASONS[reason.severity], _code_of(reason.code))
            if reason.code == ReasonCode.COMPRESSED and reason.figure is not None:
                yield _answer(GENANT_GRADE, GENANT_GRADES[Compression("", reason.figure.value / 100).grade])


def _code_of(code: ReasonCode) -> Code:
    """Where it is longer than 16 characters it is written as Long Code Value (PS3.3, 8.8)."""
    return Code(code.value, PRIVATE_SCHEME, code.value.replace("_", " "))


def _answer(question: Code, answer: Code) -> QualitativeEvaluation:
    return QualitativeEvaluation(concept(question), concept(answer))


def _algorithm(result: Result) -> AlgorithmIdentification:
    """TID 4019: the program, its models with their checksums, and the line."""
    models = [f"{stage}: {model['name']}, SHA-256 {model['sha256']}" for stage, model in result.models.items() if model]
    line = result.calibration
    calibration = f"HU = {line.slope_hu_per_mg_cm3:.6g} x BMD + {line.intercept_hu:.6g}, line of kind {line.kind}"
    return AlgorithmIdentification(NAME, __version__, [*models, calibration])


def _observer() -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=DEVICE_UID, name=NAME, manufacturer_name=MAKER, model_name=f"{NAME} {__version__}"
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _scheme() -> CodingSchemeIdentificationItem:
    return CodingSchemeIdentificationItem(
        designator=PRIVATE_SCHEME,
        name="Codes of OpportunisticBMD, as docs/dicom.md defines them",
        responsible_organization=MAKER,
    )
