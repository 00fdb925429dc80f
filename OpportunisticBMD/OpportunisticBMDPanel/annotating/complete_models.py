"""`python -m OpportunisticBMDPanel.annotating.complete_models MODELS [--start FOLDER]`: the last command of a fit.

It puts the stages that were not fitted beside the new one, and verifies them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.result import STAGES


def complete_models(models: Path, start: Path | None) -> None:
    """Puts the stages that a model folder lacks beside those that it has, and verifies all.

    A folder without the stages that are not fitted on cases is whole: those that ship take their place.

    Raises:
        BadInput: a model is missing or damaged.
    """
    from OpportunisticBMDLib.models import model_folder, verify

    source = model_folder(start)
    for stage in STAGES:
        if not (models / stage).is_dir() and (source / stage).is_dir():
            shutil.copytree(source / stage, models / stage)
    for verdict in verify(models):
        if not verdict.ok:
            raise BadInput(verdict.message)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("--start", type=Path)
    options = parser.parse_args()
    try:
        complete_models(options.models, options.start)
    except BadInput as error:
        print(error)
        return 1
    print(f"The new models lie in {options.models}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
