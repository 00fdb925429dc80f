"""Lesions of the bone in one of the bodies, screws in its neighbours, and gas in the disc below it."""

from __future__ import annotations

from OpportunisticBMDTraining.virtual.faults.fault import Change, Fault, Random, one_of
from OpportunisticBMDTraining.virtual.lesions import with_lesion
from OpportunisticBMDTraining.virtual.parameters import PatientParameters

IN_PART = ("uneven", "region_in_part", "region_left_out", "not_in_body", "vertebrae_differ")


def _lesion(kind: str) -> Change[PatientParameters]:
    def planted(rng: Random, patient: PatientParameters) -> tuple[PatientParameters, str]:
        name = one_of(rng, "L1", "L1", "L2", "L2", "T12")
        return with_lesion(patient, kind, name, seed=int(rng.integers(1_000_000))), f"{kind} of {name}"

    return planted


ISLAND = Fault("bone island", "dense_lesion", IN_PART, patient=_lesion("bone island"))
SCLEROSIS = Fault("sclerotic Schmorl's node", "dense_lesion", IN_PART, patient=_lesion("sclerosis"))
LYSIS = Fault("lysis", "uneven", (*IN_PART, "below_zero"), patient=_lesion("lysis"))
HAEMANGIOMA = Fault("haemangioma", "haemangioma", IN_PART, patient=_lesion("haemangioma"))
CLEFT = Fault("gas cleft", "gas_in_body", (*IN_PART, "below_zero"), patient=_lesion("gas cleft"))
VACUUM = Fault("vacuum disc", "vacuum_disc", patient=_lesion("vacuum disc"))
NEAR_SCREWS = Fault("screws in the neighbours", "metal_near", ("metal",), patient=_lesion("screws in neighbour"))
