"""What is made ready in another thread never shows in what a block does, but for its time."""

from __future__ import annotations

import sys
import threading
from importlib import import_module

import pytest

from OpportunisticBMDLib.system.meanwhile import meanwhile

PATIENCE_S = 60


def test_steps_are_taken_in_their_order_while_the_block_works():
    taken, done = [], threading.Event()
    with meanwhile(lambda: taken.append("first"), lambda: taken.append("second"), done.set):
        assert done.wait(PATIENCE_S)
    assert taken == ["first", "second"]


def test_no_step_begins_once_the_block_has_ended():
    begun, ended, taken = threading.Event(), threading.Event(), []

    def long() -> None:
        begun.set()
        assert ended.wait(PATIENCE_S)
        taken.append("the one that was begun")

    with meanwhile(long, lambda: taken.append("another")):
        assert begun.wait(PATIENCE_S)
        threading.Timer(0.2, ended.set).start()  # by then the block has ended
    assert taken == ["the one that was begun"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_no_thread_is_left_where_the_block_fails(error):
    before = threading.active_count()
    with pytest.raises(error), meanwhile(lambda: None, lambda: None):
        raise error
    assert threading.active_count() == before


def test_the_block_meets_by_itself_what_is_wrong_with_a_module(tmp_path, monkeypatch):
    """And the steps after it are taken."""
    (tmp_path / "broken_module.py").write_text("raise OSError('no such library')")
    monkeypatch.syspath_prepend(tmp_path)
    tried = threading.Event()
    with meanwhile(lambda: import_module("broken_module"), tried.set):
        assert tried.wait(PATIENCE_S) and "broken_module" not in sys.modules
        with pytest.raises(OSError, match="no such library"):
            import_module("broken_module")


def test_the_block_waits_for_a_module_that_is_on_its_way(tmp_path, monkeypatch):
    slow = "import threading, time\nimport_begun.set()\ntime.sleep(0.3)\nWHOLE = True\n"
    (tmp_path / "slow_module.py").write_text(f"from builtins import import_begun\n{slow}")
    monkeypatch.syspath_prepend(tmp_path)
    begun = threading.Event()
    monkeypatch.setattr("builtins.import_begun", begun, raising=False)
    with meanwhile(lambda: import_module("slow_module")):
        assert begun.wait(PATIENCE_S)
        assert import_module("slow_module").WHOLE
