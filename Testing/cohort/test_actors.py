"""Processes that measure: one that ends is replaced, one that hangs is ended, and all CTs get their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from OpportunisticBMDLib.cohort import cluster
from OpportunisticBMDLib.cohort.actors import Actors
from OpportunisticBMDLib.cohort.case import Case
from OpportunisticBMDLib.cohort.row import failed_row
from OpportunisticBMDLib.core.errors import BadInput

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="cohorts are measured by the extra cohort"),
]

Make = Callable[[], Any]
CASES = [Case(name, Path(name)) for name in ("one", "two", "three")]


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    """With room for two processes."""
    with cluster.local(2):
        yield


def worker(load: Callable[[], None] = lambda: None, work: Callable[[Case], None] = lambda case: None) -> Make:
    """Makes actors that do something, and then give a row."""
    import ray  # here: what Ray is told by the environment, it hears when it is imported

    class Worker:  # here: another process cannot import this file
        def load(self) -> None:
            load()

        def work(self, case: Case) -> Any:
            work(case)
            return failed_row(case, "done")

    return ray.remote(Worker).options(num_cpus=1, max_restarts=0).remote


def rows(make: Make, jobs: int = 2, limit_s: float = 60.0) -> dict[str, str]:
    actors = Actors(make, jobs, limit_s, lambda case: failed_row(case, "too long"))
    found = [(row.name, row.message) for row in actors.rows(CASES)]
    assert len(dict(found)) == len(found) == len(CASES) and actors.underway == []
    return dict(found)


def test_every_ct_gets_a_row_also_where_there_is_no_room_for_all_processes():
    assert rows(worker(), jobs=5) == dict.fromkeys(("one", "two", "three"), "done")


def test_a_process_that_ends_is_replaced_and_its_ct_begun_again(tmp_path: Path):
    def work(case: Case) -> None:
        import os

        if case.name == "two" and len(list(tmp_path.iterdir())) < 2:
            (tmp_path / str(os.getpid())).touch()
            os._exit(1)

    assert rows(worker(work=work), jobs=1) == dict.fromkeys(("one", "two", "three"), "done")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_process_that_hangs_is_ended():
    def work(case: Case) -> None:
        import threading

        if case.name == "two":
            threading.Event().wait()

    assert rows(worker(work=work), jobs=1, limit_s=1.0) == {"one": "done", "two": "too long", "three": "done"}


def test_models_that_cannot_be_loaded_are_one_sentence():
    def load() -> None:
        raise BadInput("There are no models.")

    with pytest.raises(BadInput, match=r"^There are no models\.$"):
        rows(worker(load))


def test_processes_that_end_while_they_load_are_one_sentence():
    def load() -> None:
        import os

        os._exit(1)

    with pytest.raises(BadInput, match="end while they load"):
        rows(worker(load))


def test_a_full_disk_is_told():
    def work(case: Case) -> None:
        raise OSError(28, "No space left on device", "/cohort")

    with pytest.raises(OSError, match="No space left") as told:
        rows(worker(work=work))
    assert told.value.filename == "/cohort"
