"""The model store: one folder per stage with its weights (safetensors, never pickles) and its card (JSON)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import FITTED_ON_CASES
from OpportunisticBMDLib.models.card import STAGES, ModelCard
from OpportunisticBMDLib.system.files import open_regular, write_bytes

FOLDER_VARIABLE = "OPPORTUNISTIC_BMD_MODELS"
CARD_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
MOST_CARD_BYTES, MOST_BYTES = 2**20, 2**30


class Verdict(NamedTuple):
    """What `verify` found for one stage."""

    stage: str
    ok: bool
    message: str


def model_folder(folder: str | Path | None = None) -> Path:
    """The folder that holds the stages: the one given, else the environment's, else the one that ships.

    It ships as Resources/Models beside the package (source tree, Slicer extension) or inside it (wheel).
    """
    chosen = folder or os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else _shipped()


def _shipped() -> Path:
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "Resources" / "Models"
    return beside if beside.is_dir() else package / "Models"


def _stage_folder(stage: str, folder: str | Path | None) -> Path:
    """Of a stage; one that no annotated cases can fit is taken from what ships where the folder lacks it."""
    chosen = model_folder(folder) / stage
    return chosen if stage in FITTED_ON_CASES or chosen.is_dir() else _shipped() / stage


def weights_path(stage: str, folder: str | Path | None = None) -> Path:
    """The file that holds a stage's weights."""
    return _stage_folder(stage, folder) / WEIGHTS_FILE


def load_card(stage: str, folder: str | Path | None = None) -> ModelCard:
    """Reads a stage's card.

    Raises:
        BadInput: no card, or one that does not describe a model for this stage.
    """
    path = _stage_folder(stage, folder) / CARD_FILE
    text = _read(path, stage, MOST_CARD_BYTES)
    try:
        card = ModelCard.from_json(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The model card {path} is not valid ({error}); install the model again.") from error
    if card.stage != stage:
        raise BadInput(f"The model in {path.parent} is for the stage {card.stage}; move it to {card.stage}/.")
    return card


def load_bytes(stage: str, folder: str | Path | None = None) -> tuple[ModelCard, bytes]:
    """Reads a stage's card and its weights as they lie in their file, after comparing their SHA-256.

    Raises:
        BadInput: a file is missing, or the weights are not those of the card.
    """
    card = load_card(stage, folder)
    path = weights_path(stage, folder)
    data = _read(path, stage, MOST_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256.lower():
        raise BadInput(
            f"The weights {path} are not those of their card (SHA-256 {found[:12]}..., not "
            f"{card.sha256[:12] or 'stated'}...); install the model again."
        )
    return card, data


def load_weights(stage: str, folder: str | Path | None = None) -> tuple[ModelCard, dict[str, np.ndarray]]:
    """Reads a stage's card and its weights, as float32, after comparing their SHA-256.

    Raises:
        BadInput: a file is missing, damaged, or not what its card says.
    """
    card, data = load_bytes(stage, folder)
    path = weights_path(stage, folder)
    try:
        weights = safetensors.numpy.load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadInput(f"{path} is not a safetensors file ({error}); install the model again.") from error
    for name, values in weights.items():
        if not np.isfinite(values).all():
            raise BadInput(f"{path} holds weights that are no numbers (in {name}); install the model again.")
    return card, {name: _single(values) for name, values in weights.items()}


def _single(values: np.ndarray) -> np.ndarray:
    """A copy, as float32 where it was a float."""
    return values.astype(np.float32) if np.issubdtype(values.dtype, np.floating) else values.copy()


def save_card(folder: str | Path, card: ModelCard) -> None:
    """Replaces the card of a model whose weights stay, whole or not at all."""
    write_bytes(Path(folder) / card.stage / CARD_FILE, card.to_json().encode("utf-8"))


def verify(folder: str | Path | None = None) -> list[Verdict]:
    """Loads every stage's model and says what it is, or what is wrong with it."""
    verdicts = []
    for stage in STAGES:
        try:
            card, weights = load_weights(stage, folder)
        except BadInput as error:
            verdicts.append(Verdict(stage, False, str(error)))
            continue
        count = sum(values.size for values in weights.values())
        message = f"{card.name} {card.version}, {card.architecture['name']}, {count:,} values, SHA-256 {card.sha256}"
        verdicts.append(Verdict(stage, True, message))
    return verdicts


def _read(path: Path, stage: str, most_bytes: int) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise BadInput(
            f"No {stage} model at {path} ({error.strerror}); choose another model folder or install the models again."
        ) from error
    if len(content) > most_bytes:
        raise BadInput(f"{path} is larger than {most_bytes / 2**20:.0f} MB, as no {stage} model is; install it again.")
    return content
