"""What the fractures of a virtual patient took of its bodies' heights."""

from __future__ import annotations

from OpportunisticBMDLib.quality.compression import FRACTURE, Compression
from OpportunisticBMDTraining.virtual.parameters import PatientParameters, VertebraParameters
from OpportunisticBMDTraining.virtual.true_levels import measured_levels

PLACES = {"wedge": "front", "biconcave": "middle"}


def true_compression(shape: VertebraParameters) -> Compression:
    """What a fracture took; a hollow may be shallower than it was drawn."""
    place = PLACES.get(shape.fracture, "back")
    if place != "middle":
        return Compression(place, shape.loss)
    deepest = (max((d.depth for d in shape.dents if d.above == above), default=0.0) for above in (True, False))
    return Compression(place, min(shape.loss, sum(deepest) / shape.height))


def fractured(parameters: PatientParameters) -> frozenset[str]:
    """Vertebrae, as their ribs name them, whose density is that of collapsed bone."""
    levels = measured_levels(parameters.body, parameters.vertebrae)
    broken = (shape.name for shape in parameters.vertebrae if true_compression(shape).grade >= FRACTURE)
    return frozenset(levels[name] for name in broken if name in levels)
