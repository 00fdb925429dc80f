"""The model store: one folder per stage with its weights (safetensors, never pickles) and its card (JSON).

What torch makes of them is in `modules`, which is imported by itself: who reads a card needs no torch.
"""

from OpportunisticBMDLib.models.card import ARCHITECTURES, STAGES, ModelCard, is_number
from OpportunisticBMDLib.models.store import (
    CARD_FILE,
    FOLDER_VARIABLE,
    WEIGHTS_FILE,
    Verdict,
    load_card,
    load_weights,
    model_folder,
    save_card,
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
    "is_number",
    "load_card",
    "load_weights",
    "model_folder",
    "save_card",
    "verify",
]
