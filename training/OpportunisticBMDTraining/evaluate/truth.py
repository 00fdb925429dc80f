"""What is true of a case, virtual or annotated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from OpportunisticBMDLib.cases import Case, CaseInfo, age_band_of
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.core.volume import Volume
from OpportunisticBMDTraining.evaluate.comparisons import Facts
from OpportunisticBMDTraining.virtual.scanner import scanner_line
from OpportunisticBMDTraining.virtual.true_compression import fractured

if TYPE_CHECKING:
    from OpportunisticBMDTraining.virtual.parameters import PatientParameters
    from OpportunisticBMDTraining.virtual.patient import VirtualPatient


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of a case.

    Args:
        id: of the case.
        labels: cancellous bone on the CT's own grid (see `vertebrae.LABELS`).
        bmd_mg_cm3: by vertebra, as QCT reads it; absent or None where it is unknown, or cannot be measured.
        facts: of patient and scan.
        seed: of a virtual patient.
        not_measurable: vertebrae that nobody should measure in this scan: they hold cement, are cut off or fractured.
        scanner_line: HU from density on this very scanner, as a phantom would give it; None where it is unknown.
    """

    id: str
    labels: Volume
    bmd_mg_cm3: Mapping[str, float | None]
    facts: Facts = field(default_factory=Facts)
    seed: int | None = None
    not_measurable: frozenset[str] = frozenset()
    scanner_line: Calibration | None = None

    @classmethod
    def of_patient(cls, patient: VirtualPatient) -> Truth:
        """All that is true of a virtual patient."""
        seed, scan = patient.parameters.seed, patient.parameters.scan
        return cls(
            id=str(seed),
            labels=patient.labels,
            bmd_mg_cm3=patient.bmd_mg_cm3,
            facts=facts_of_parameters(patient.parameters),
            seed=seed,
            not_measurable=fractured(patient.parameters).union(patient.not_measurable),
            scanner_line=scanner_line(scan.kvp, scan.slope, scan.offset),
        )

    @classmethod
    def of_case(cls, case: Case) -> Truth:
        """What the annotators of a case say."""
        return cls(case.id, case.labels, case.info.reference_bmd_mg_cm3, facts_of_info(case.info))


def facts_of_parameters(parameters: PatientParameters) -> Facts:
    """The facts by which results are grouped."""
    return Facts(
        sex=parameters.sex,
        age_band=age_band_of(parameters.age),
        size=parameters.size,
        kvp=parameters.scan.kvp,
        slice_thickness_mm=parameters.scan.slice_thickness,
        contrast=parameters.contrast,
        scanner="virtual",
        variants=variants_of(parameters),
    )


def variants_of(parameters: PatientParameters) -> tuple[str, ...]:
    """What makes a virtual patient's spine unusual; `figures.NUMBERING_VARIANTS` names the first two."""
    names = [vertebra.name for vertebra in parameters.vertebrae]
    measured = [vertebra for vertebra in parameters.vertebrae if vertebra.name in VERTEBRAE]
    implants = {implant.kind for implant in parameters.implants}
    signs = {
        "13 ribs": max(parameters.body.rib13) > 0,
        "6 lumbar vertebrae": "L6" in names,
        "fracture": any(vertebra.fracture for vertebra in measured),
        "cement": "cement" in implants,
        "metal": bool(implants - {"cement"}),
    }
    return tuple(name for name, is_there in signs.items() if is_there)


def facts_of_info(info: CaseInfo) -> Facts:
    """The same of an annotated case, as far as case.json says."""
    return Facts(
        sex=info.sex,
        age_band=info.age_band,
        kvp=info.kvp,
        slice_thickness_mm=info.slice_thickness_mm,
        contrast=info.contrast,
        scanner=info.scanner,
        variants=info.exclusions,
    )
