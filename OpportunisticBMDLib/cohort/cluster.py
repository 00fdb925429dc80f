"""Ray, on this computer for as long as it is needed, or a cluster that is there already."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from OpportunisticBMDLib.cohort.limits import GB
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.system.leftovers import TEMPORARY_PREFIX
from OpportunisticBMDLib.system.scratch import Scratch, clear_abandoned

OBJECT_STORE_BYTES = 80 * 2**20  # the least that Ray takes: rows are all that goes through it
LONGEST_FOLDER = 14  # letters of a temporary folder, below which Ray's sockets have paths that systems know (103)


@contextmanager
def local(jobs: int) -> Iterator[None]:
    """Starts Ray for so many processes on this computer, and leaves nothing of it. It listens to this computer alone.

    Raises:
        BadInput: it does not start.
    """
    _quieten()
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # its name for: no other computers, on any system
    # Without a token in the environment Ray writes one into the user's home, and says so.
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    place = _short_temporary_folder()
    clear_abandoned(place, TEMPORARY_PREFIX)
    with Scratch(place, TEMPORARY_PREFIX) as folder:
        try:
            ray.init(
                "local",  # else RAY_ADDRESS leads to a cluster
                num_cpus=jobs,
                num_gpus=0,
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                _temp_dir=str(folder),
            )
        except Exception as error:  # of many kinds
            raise BadInput(f"Ray cannot be started on this computer ({_first_line(error)}).") from error
        try:
            yield
        finally:
            ray.shutdown()


@contextmanager
def at(address: str) -> Iterator[None]:
    """Joins the cluster at an address, e.g. "auto", "10.0.0.1:6379" or "ray://10.0.0.1:10001".

    Raises:
        BadInput: there is none, or it lets this program not in.
    """
    _quieten()
    import ray

    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except Exception as error:  # of many kinds
        raise BadInput(
            f"The Ray cluster at {address} cannot be joined ({_first_line(error)}): start it with ray start, and "
            "where it asks for a token set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN here, too."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def most_processes(memory_gb: float) -> int:
    """How many processes with a core and so much memory have room in the cluster."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return max(1, sum(int(min(node.get("CPU", 0), node.get("memory", 0) / (memory_gb * GB))) for node in nodes))


def _quieten() -> None:
    """No statistics to Ray's makers, and no lines of it between ours; before it is imported."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = "."  # else the end of an actor is a line on standard output
    logging.getLogger("ray").setLevel(logging.CRITICAL)


def _short_temporary_folder() -> Path:
    folder = Path(tempfile.gettempdir())
    is_long = sys.platform != "win32" and len(os.fsencode(folder)) > LONGEST_FOLDER
    return Path("/tmp") if is_long else folder


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
