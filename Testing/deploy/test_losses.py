"""When a node is lost: in order, never while it is away, and told the same to all of its workers."""

from __future__ import annotations

import numpy as np
import pytest

from OpportunisticBMDTraining.sizing.losses import Loss, Node


def node(*ways: Loss) -> Node:
    return Node(ways, np.random.default_rng(5))


def test_a_node_that_is_never_lost_starts_at_once():
    assert node().next_loss(1e9) == (np.inf, np.inf)
    assert node().started(10.0, 5.0) == 15.0


def test_losses_follow_each_other():
    lost, from_s = node(Loss(every_s=100.0, away_s=30.0)), 0.0
    runs = []
    for _ in range(5000):
        lost_s, back_s = lost.next_loss(from_s)
        assert lost_s >= from_s and back_s == lost_s + 30.0
        runs.append(lost_s - from_s)
        from_s = back_s
    assert np.mean(runs) == pytest.approx(100.0, rel=0.05)


def test_who_asks_later_hears_the_same():
    one = node(Loss(every_s=100.0, away_s=30.0))
    late = one.next_loss(10_000.0)
    first = one.next_loss(0.0)
    assert one.next_loss(0.0) == first and one.next_loss(10_000.0) == late and first < late


def test_a_process_on_a_node_that_is_lost_while_it_starts_starts_again_when_the_node_is_back():
    one = node(Loss(every_s=100.0, away_s=30.0))
    lost_s, back_s = one.next_loss(0.0)
    again_s, _ = one.next_loss(back_s)
    start_s = min(1.0, again_s - back_s)
    assert one.started(lost_s - start_s / 2, start_s) == pytest.approx(back_s + start_s)
