"""The worker's life: it starts when it is needed, or shortly before, and ends when it was not needed for long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness
from mrml import new_scene
from OpportunisticBMDPanel.following.worker_life import IDLE_S, LEFT_S, QUIET_S
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.settings.settings import Settings
from OpportunisticBMDPanel.slicer.nodes import Nodes
from panel_harness import Clock, KnownAnatomy, Panel


@pytest.fixture
def panel() -> Iterator[Panel]:
    made = Panel()
    made.widget._timer.blockSignals(True)  # time passes in `wait` alone
    yield made
    made.close()


def wait(panel: Panel, seconds: float) -> None:
    """What the panel's timer does in the meantime, as far as it runs."""
    ticks = 10
    for _ in range(ticks):
        panel.clock.seconds += seconds / ticks
        if panel.widget._timer.active:
            panel.widget._on_tick()


def living(panel: Panel) -> list[KnownAnatomy]:
    return [worker for worker in panel.workers if not worker.closed]


def test_entering_the_module_without_a_ct_starts_nothing(panel: Panel):
    panel.widget.enter()
    wait(panel, IDLE_S)
    assert panel.workers == []


def test_with_a_ct_it_starts_when_nothing_happened_for_some_seconds(panel: Panel):
    panel.choose(panel_harness.patient(panel.scene))
    wait(panel, IDLE_S)
    assert panel.workers == [], "the reader is elsewhere"
    panel.widget.enter()
    assert panel.workers == [], "Slicer's window is not held up"
    wait(panel, QUIET_S + 1.0)
    assert len(panel.workers) == 1


def test_a_ct_that_comes_later_starts_it_too(panel: Panel):
    panel.widget.enter()
    wait(panel, QUIET_S + 1.0)
    first, second = (panel_harness.patient(panel.scene, name) for name in ("first", "second"))
    panel.choose(first)
    wait(panel, QUIET_S - 1.0)
    panel.choose(second)
    wait(panel, QUIET_S - 1.0)
    assert panel.workers == [], "the reader is choosing"
    wait(panel, 2.0)
    assert len(panel.workers) == 1


def test_it_does_not_start_where_packages_are_missing(panel: Panel):
    panel.packages.lacking = ["torch>=2.4"]
    panel.choose(panel_harness.patient(panel.scene))
    panel.widget.enter()
    wait(panel, IDLE_S)
    assert panel.workers == [] and panel.answers.asked == []


def test_who_leaves_at_once_starts_nothing(panel: Panel):
    panel.choose(panel_harness.patient(panel.scene))
    panel.widget.enter()
    panel.widget.exit()
    wait(panel, IDLE_S)
    assert panel.workers == [] and not panel.widget._timer.active


def test_after_the_module_was_left_it_ends_and_so_does_the_timer(panel: Panel):
    panel.choose(panel_harness.patient(panel.scene))
    panel.widget.enter()
    wait(panel, QUIET_S + 1.0)
    panel.widget.exit()
    wait(panel, LEFT_S - 5.0)
    assert len(living(panel)) == 1 and panel.widget._timer.active
    wait(panel, 10.0)
    assert living(panel) == [] and not panel.widget._timer.active


def test_who_comes_back_soon_finds_it_warm(panel: Panel):
    panel.choose(panel_harness.patient(panel.scene))
    panel.widget.enter()
    wait(panel, QUIET_S + 1.0)
    panel.widget.exit()
    wait(panel, LEFT_S - 5.0)
    panel.widget.enter()
    wait(panel, IDLE_S - 5.0)
    assert len(panel.workers) == 1 and not panel.worker.closed
    wait(panel, 10.0)
    assert panel.worker.closed


def test_after_idleness_it_ends_and_the_next_job_starts_it(panel: Panel):
    panel.widget.enter()
    session = panel.compute(panel_harness.patient(panel.scene))
    bmd = session.result.bmd_mg_cm3
    wait(panel, IDLE_S + 10.0)
    assert living(panel) == [] and len(panel.workers) == 1, "it is not started again for nothing"
    panel_harness.paint(session, "L2")
    panel.settle()
    assert len(panel.workers) == 2 and panel.session.result.bmd_mg_cm3 != bmd


def test_it_never_ends_while_a_job_runs(panel: Panel):
    panel.widget.enter()
    panel.choose(panel_harness.patient(panel.scene))
    panel.logic.warm_up()
    panel.worker.holds_back = True
    panel.ui.computeButton.click()
    panel.widget.exit()
    wait(panel, 10 * IDLE_S)
    assert not panel.worker.closed and panel.session.state is State.RUNNING
    panel.worker.holds_back = False
    wait(panel, LEFT_S / 2)
    assert not panel.worker.closed and panel.session.state is State.RESULT
    wait(panel, LEFT_S)
    assert panel.worker.closed


def test_a_worker_that_never_gets_ready_is_waited_for(panel: Panel):
    class Slow(KnownAnatomy):
        def start(self) -> None:
            """It loads and loads."""

    slow = Panel(worker=Slow)
    slow.choose(panel_harness.patient(slow.scene))
    slow.widget.enter()
    wait(slow, QUIET_S + 1.0)
    wait(slow, 2 * IDLE_S)
    assert len(living(slow)) == 1
    slow.close()


def test_closing_the_scene_leaves_no_worker_behind_for_long(panel: Panel):
    panel.widget.enter()
    panel.compute(panel_harness.patient(panel.scene))
    panel.scene.Clear(False)
    panel.widget.exit()
    wait(panel, LEFT_S + 10.0)
    assert living(panel) == []


@pytest.mark.slow
def test_the_real_process_is_gone_when_it_was_idle():
    clock = Clock()
    logic = PanelLogic(Nodes(new_scene()), Settings(device="cpu"), clock=clock)
    logic.warm_up()
    panel_harness.wait(lambda: not logic.tick())
    child = logic._worker._worker._child
    assert not child.has_ended
    clock.seconds += LEFT_S
    assert not logic.tick()
    assert child.has_ended and not logic.has_worker
