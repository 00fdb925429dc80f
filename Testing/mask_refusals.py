"""What the reader of masks says of those that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.grid import Grid
from OpportunisticBMDLib.results.segmentation_file import read_segmentation


def refusal(path: Path, grid: Grid) -> str:
    """One sentence that names the file."""
    with pytest.raises(BadInput) as caught:
        read_segmentation(path, grid)
    message = str(caught.value)
    assert path.name in message and "\n" not in message and message.endswith(".")
    return message
