"""`opportunistic-bmd-lab COMMAND ...`: every command of the laboratory under one name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

BAD_USAGE = 2
COMMANDS = {
    "dataset": ("dataset", "check, split, rank and add to annotated datasets"),
    "public-cts": ("public_cts", "fetch public CTs: as a demo, as an annotated dataset"),
    "levels": ("known_levels", "CTs whose levels were read by eye: check the chain, draw drafts of masks"),
    "prepare": ("fit.samples.prepare", "samples for localizer and AnatomyNet"),
    "readings": ("fit.samples.readings", "samples for the DenseNet"),
    "skeletons": ("fit.samples.skeletons", "samples for the skeleton's network"),
    "fit": ("fit.__main__", "fit all three networks on an annotated dataset"),
    "fit-localizer": ("fit.tasks.localizer", "fit the localizer"),
    "fit-skeleton": ("fit.tasks.skeleton", "fit the network that shows bodies, ribs and sacrum"),
    "fit-ribs": ("fit.ribs", "measure what a piece of rib tells of the levels"),
    "fit-segmentation": ("fit.tasks.segmentation", "fit AnatomyNet"),
    "fit-bmd": ("fit.tasks.bmd", "fit the DenseNet"),
    "spread": ("fit.spread", "scale a DenseNet's spread to measured errors"),
    "calibrate-uncertainty": ("fit.uncertainty", "fit intervals and probabilities to measured errors"),
    "ablations": ("fit.ablations.__main__", "compare designs of the DenseNet"),
    "evaluate": ("evaluate.__main__", "measure the chain on virtual patients or an annotated dataset"),
    "evaluate-levels": ("evaluate.levels", "measure how vertebrae are named on virtual patients"),
    "calibrations": ("evaluate.calibrations", "measure how well the line of a scanner is measured on virtual phantoms"),
    "evaluate-lines": ("evaluate.lines", "measure how well each way to a calibration line reads on virtual patients"),
    "fit-contrast": ("fit.contrast", "measure what blood and kidneys show in each phase of contrast"),
    "evaluate-contrast": ("evaluate.contrast", "measure how contrast is seen and corrected for"),
    "evaluate-fractures": ("evaluate.fractures", "measure how fractures are graded on virtual patients"),
    "evaluate-faults": ("evaluate.faults", "measure what the checks find of faults that are planted in virtual scans"),
    "real-cts": ("real_cts.__main__", "measure the chain on real CTs"),
    "sizing": ("sizing.__main__", "days, core hours and cost of measuring a whole archive"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command with the arguments that follow it; returns its exit status, 2 for an unknown one."""
    command, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command in ("-h", "--help"):
        print(_usage())
        return 0
    if command not in COMMANDS:
        print(f"opportunistic-bmd-lab: there is no command {command!r}.\n\n{_usage()}", file=sys.stderr)
        return BAD_USAGE
    module, _ = COMMANDS[command]
    try:
        program = importlib.import_module(f"OpportunisticBMDTraining.{module}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("Opportunistic"):
            raise
        needed = "pip install 'opportunistic-bmd[training]'"
        print(
            f"opportunistic-bmd-lab {command} needs the training tools ({error.name} is missing): {needed}.",
            file=sys.stderr,
        )
        return BAD_USAGE
    try:
        return program.main(rest) or 0
    except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        print(f"opportunistic-bmd-lab {command}: {error.strerror}: {error.filename}; choose another.", file=sys.stderr)
        return BAD_USAGE


def _usage() -> str:
    lines = [f"  {name:<21} {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(("usage: opportunistic-bmd-lab COMMAND [-h] ...", "", *lines))


if __name__ == "__main__":
    sys.exit(main())
