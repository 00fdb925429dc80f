"""The simulated campaign beside what can be worked out on paper."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from OpportunisticBMDTraining.sizing.campaign import Campaign, Cluster, Line, simulated
from OpportunisticBMDTraining.sizing.losses import Loss
from OpportunisticBMDTraining.sizing.times import Times, assumed_times

FAST = Line(gbit_s=1e9, ct_mb=1.0)
CTS = 20_000


def campaign(times: Times, cluster: Cluster, line: Line = FAST, cts: int = CTS) -> Campaign:
    return simulated(cts, times, cluster, line, np.random.default_rng(7))


def always(seconds: float) -> Times:
    return Times(np.array([seconds]), "always the same")


@pytest.fixture(scope="module")
def varied() -> Times:
    return assumed_times(4.0, 3.0, np.random.default_rng(3))


@pytest.mark.parametrize("workers", [1, 7, 64])
def test_without_losses_all_workers_work_until_the_last_ct(workers, varied):
    came = campaign(varied, Cluster(workers))
    longest_s = varied.seconds.max()
    assert came.measuring_s / workers <= came.wall_s <= came.measuring_s / workers + longest_s
    assert came.measuring_s == pytest.approx(CTS * varied.mean_s, rel=0.03)
    assert came.repeated == 0


def test_a_worker_fetches_and_then_measures():
    came = campaign(always(3.0), Cluster(1), Line(gbit_s=8.0, ct_mb=1000.0))
    assert came.wall_s == pytest.approx(CTS * (1.0 + 3.0))
    assert came.line_share == pytest.approx(0.25) and came.measuring_share == pytest.approx(0.75)


@pytest.mark.parametrize(("workers", "cts_a_second"), [(2, 0.5), (4, 1.0), (5, 1.0), (50, 1.0)])
def test_more_workers_than_the_line_can_serve_are_no_faster(workers, cts_a_second):
    line = Line(gbit_s=8.0, ct_mb=1000.0)
    assert line.enough_workers(mean_s=3.0) == 4
    came = campaign(always(3.0), Cluster(workers), line)
    assert CTS / came.wall_s == pytest.approx(cts_a_second, rel=0.01)


def test_a_node_that_is_lost_loses_what_it_was_at():
    """Work of s seconds that begins anew at every loss takes (1 / rate + away) (exp(rate s) - 1) on the average."""
    s, every_s, away_s = 4.0, 400.0, 100.0
    came = campaign(always(s), Cluster(workers=20, losses=[Loss(every_s, away_s)]))
    assert came.core_s / CTS == pytest.approx((every_s + away_s) * (exp(s / every_s) - 1), rel=0.03)


def test_two_ways_of_losing_nodes_add_up():
    s = 4.0
    losses = [Loss(800.0, 50.0), Loss(800.0, 150.0)]
    came = campaign(always(s), Cluster(workers=20, losses=losses))
    assert came.core_s / CTS == pytest.approx((400.0 + 100.0) * (exp(s / 400.0) - 1), rel=0.03)


def test_workers_of_a_node_are_lost_together():
    alone = campaign(always(4.0), Cluster(workers=16, losses=[Loss(400.0, 100.0)]))
    together = campaign(always(4.0), Cluster(workers=16, workers_a_node=16, losses=[Loss(400.0, 100.0)]))
    assert together.repeated % 16 == 0
    assert together.repeated == pytest.approx(alone.repeated, rel=0.5)


def test_a_worker_that_ends_starts_again_and_its_ct_with_it():
    """On the average half of the time for a CT is lost, p / (1 - p) times for each."""
    s, share, start_s = 4.0, 0.1, 6.0
    came = campaign(always(s), Cluster(workers=4, ended_share=share, start_s=start_s))
    assert came.core_s / CTS == pytest.approx(s + share / (1 - share) * (s / 2 + start_s), rel=0.01)
    assert came.repeated == pytest.approx(CTS * share / (1 - share), rel=0.05)
