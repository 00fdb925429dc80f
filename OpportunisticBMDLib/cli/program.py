"""The program: which commands there are, and what every one of them has in common."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.cli.statuses import BAD_INPUT, MEASURED, STOPPED
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.leftovers import clear_leftovers
from OpportunisticBMDLib.system.memory import share_one_heap
from OpportunisticBMDLib.system.streams import complain, flush_output, prepare_streams

COMMANDS = {  # each a module of this room that has `prepare`
    "compute": "measure a CT",
    "calibrate": "measure a scanner's own line on the scan of a phantom",
    "cohort": "measure many CTs, on one computer or a cluster",
    "scanners": "scanners whose lines were measured, and how these drift",
    "compare": "what changed between the results of one patient",
    "pacs": "find, fetch, measure and send studies of an archive",
    "demo": "make a virtual patient of known BMD and measure it",
    "simulate": "write virtual patients as an annotated dataset",
    "models": "what is installed, with cards and checksums",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0 measured, 2 bad input or usage, 3 refused."""
    prepare_streams()
    share_one_heap()
    clear_leftovers()
    words = sys.argv[1:] if arguments is None else arguments
    status = BAD_INPUT
    try:
        options = _parser(words).parse_args(words)
        status = options.command(options)
    except SystemExit as end:  # of the parser: help, or wrong usage
        status = int(end.code or MEASURED)
    except BadInput as error:
        complain(f"opportunistic-bmd: {' '.join(str(error).split())}")
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        complain(f"opportunistic-bmd: the disk does not do what it should{where} ({error.strerror or error}).")
    except MemoryError:
        complain("opportunistic-bmd: there is not enough memory; close other programs, or crop the CT to the spine.")
    except KeyboardInterrupt:
        complain("opportunistic-bmd: stopped; nothing was written.")
        status = STOPPED
    unsaid = flush_output()
    if unsaid is not None:
        complain(f"opportunistic-bmd: what should be shown cannot be ({unsaid}); send the output elsewhere.")
        status = status or BAD_INPUT
    return status


def run() -> NoReturn:
    """The program as a process. All is written by its end: nobody waits until Python has taken itself apart."""
    os._exit(main())


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Of all commands by their names; of the one that the words ask for with what it takes."""
    parser = argparse.ArgumentParser(
        prog="opportunistic-bmd",
        description="Bone mineral density of T12, L1 and L2 from any CT that shows them. For research, not diagnosis.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, what in COMMANDS.items():
        command = commands.add_parser(name, help=what)
        if name == asked:
            import_module(f"{__package__}.{name}").prepare(command)
    return parser
