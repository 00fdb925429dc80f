"""The model store: one folder per stage with its weights (safetensors, never pickles) and its card (JSON)."""

from OpportunisticBMDLib.models.card import ARCHITECTURES, STAGES, ModelCard, is_number
from OpportunisticBMDLib.models.store import (
    CARD_FILE,
    FOLDER_VARIABLE,
    WEIGHTS_FILE,
    Verdict,
    device_of,
    fill,
    halved,
    load_card,
    load_network,
    load_weights,
    model_folder,
    save_card,
    save_model,
    verify,
)

__all__ = [
    "ARCHITECTURES",
    "CARD_FILE",
    "FOLDER_VARIABLE",
    "STAGES",
    "WEIGHTS_FILE",
    "ModelCard",
    "Verdict",
    "device_of",
    "fill",
    "halved",
    "is_number",
    "load_card",
    "load_network",
    "load_weights",
    "model_folder",
    "save_card",
    "save_model",
    "verify",
]
