"""What a network gives has to be numbers."""

from __future__ import annotations

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.models import ModelCard


def finite(values: np.ndarray, card: ModelCard) -> np.ndarray:
    """The values, unchanged.

    Args:
        card: of the model that gave them.

    Raises:
        BadInput: one of them is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise BadInput(
            f"The {card.stage} model {card.name} {card.version} gives no finite numbers on this CT: install it anew, "
            "or compute on the processor."
        )
    return values
