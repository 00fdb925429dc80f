"""What worker and client tell each other: one JSON object a line, numbers to the last bit. Never pickles."""

from __future__ import annotations

import base64
import dataclasses
import json
import types
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.core.ranges import extent
from OpportunisticBMDLib.core.run import Run
from OpportunisticBMDLib.core.segmentation import Segmentation
from OpportunisticBMDLib.core.volume import Volume

Kind = Literal["bad_input", "models", "packages", "memory", "no_space", "killed"]


@dataclass(frozen=True)
class Ready:
    """The models are loaded.

    Args:
        device: "cpu" or "cuda".
        note: one sentence where this is not the device that was asked for; else "".
    """

    device: str
    note: str = ""


@dataclass(frozen=True)
class Progressed:
    """A job has come this far.

    Args:
        stage: "prepare" (the networks for this processor, once), "localize", "name", "segment" or "measure".
        fraction: of the whole job, 0..1; never less than before.
    """

    stage: str
    fraction: float


@dataclass(frozen=True, eq=False)
class Finished:
    """A job is done."""

    run: Run


@dataclass(frozen=True)
class Failed:
    """There is no result.

    Args:
        message: what happened and what to do, for a reader.
        kind: "bad_input", "models" (missing or damaged), "packages" (missing), "memory" (too little), "no_space" (for
            the voxels) or "killed" (the worker ended unexpectedly).
    """

    message: str
    kind: Kind


Event = Ready | Progressed | Finished | Failed


def line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def plain(value: Any) -> Any:
    """Frozen dataclasses, arrays and numbers as what JSON knows."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [plain(entry) for entry in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def built(kind: Any, value: Any) -> Any:
    """The inverse of `plain`, by the type that is expected: a dataclass, or one of its fields' types."""
    if value is None:
        return None
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: built(hints[field.name], value[field.name]) for field in dataclasses.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if kind is np.ndarray:
        return np.array(value, dtype=float)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return built(_meant(arguments, value), value)
    if origin in (tuple, frozenset):
        return origin(built(arguments[0], entry) for entry in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: built(arguments[1], entry) for key, entry in value.items()}
    return value


def _meant(kinds: Sequence[Any], value: Any) -> Any:
    """Of several types the one that a value is of: the dataclass with just these fields, else the first."""
    known = [kind for kind in kinds if kind is not types.NoneType]
    records = [kind for kind in known if dataclasses.is_dataclass(kind)]
    keys = set(value) if isinstance(value, Mapping) else set()
    return next((r for r in records if {field.name for field in dataclasses.fields(r)} == keys), known[0])


def packed(segmentation: Segmentation) -> dict[str, Any]:
    """A segmentation without its grid, which both sides know: the part that holds bone, compressed."""
    labels = segmentation.labels.array
    ranges = extent(labels) or (slice(0, 1),) * 3
    part = np.ascontiguousarray(labels[ranges], np.uint8)
    return {
        "start": [r.start for r in ranges],
        "shape": part.shape,
        "voxels": base64.b64encode(zlib.compress(part.tobytes(), 1)).decode(),
        "confidence": plain(segmentation.confidence),
    }


def unpacked(message: Mapping[str, Any], grid: Grid) -> Segmentation:
    voxels = np.frombuffer(zlib.decompress(base64.b64decode(message["voxels"])), np.uint8)
    labels = np.zeros(grid.size, np.uint8)
    ranges = tuple(slice(start, start + n) for start, n in zip(message["start"], message["shape"]))
    labels[ranges] = voxels.reshape(message["shape"])
    return Segmentation(Volume(labels, grid), message["confidence"])
