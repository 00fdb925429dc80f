"""What all tests share: where they run, and real CTs, those at hand, else those that published packages hold."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

# Before anything imports torch: processes that test side by side share the processor.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
if WORKERS > 1:
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // WORKERS))

# A shell's background job ignores Ctrl-C, and so would the programs that tests start in it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _no_scanners_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or writes the lines that whoever runs it has measured; child processes inherit that."""
    os.environ["OPPORTUNISTIC_BMD_SCANNERS"] = str(tmp_path_factory.mktemp("scanners") / "scanners.sqlite")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real CTs beside the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no folder shared/data with real CTs lies beside the repository")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_ct() -> Callable[[str], Path]:
    """Gives the folder of a real CT by name: "chest-contrast", "abdomen-native" or "chest-aorta".

    It holds ct.nii.gz and label files. A CT that is not at hand is downloaded once from the package that publishes it.
    """
    unavailable: dict[str, str] = {}

    def folder_of(name: str) -> Path:
        if (SHARED_DATA / name / "ct.nii.gz").is_file():
            return SHARED_DATA / name
        from OpportunisticBMDLib.core.errors import BadInput
        from OpportunisticBMDTraining.public_cts import fetch

        if name not in unavailable:
            try:
                return fetch(name)
            except BadInput as error:
                unavailable[name] = str(error)
        pytest.skip(f"the real CT {name} is not at hand: {unavailable[name]}")

    return folder_of
