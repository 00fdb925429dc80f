"""A campaign over an archive, CT by CT: who is free takes the next one, and all share one line to the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

import numpy as np

from OpportunisticBMDTraining.sizing.losses import Loss, Node
from OpportunisticBMDTraining.sizing.times import Times

BITS_A_BYTE = 8


@dataclass(frozen=True)
class Cluster:
    """Where a campaign runs.

    Args:
        workers: processes that measure, each on a core of its own.
        workers_a_node: how many are lost together.
        start_s: until a new process has loaded the models.
        ended_share: of attempts at a CT; in these the process ends unexpectedly, at any moment alike.
        losses: of nodes.
    """

    workers: int
    workers_a_node: int = 1
    start_s: float = 0.0
    ended_share: float = 0.0
    losses: Sequence[Loss] = ()


@dataclass(frozen=True)
class Line:
    """The way to the archive, which serves one worker after the other at its full rate.

    Args:
        gbit_s: gigabits a second.
        ct_mb: megabytes that cross it for each CT: the CT as it is sent, and its results.
    """

    gbit_s: float
    ct_mb: float

    @property
    def ct_s(self) -> float:
        """For a CT, with nobody else on the line."""
        return self.ct_mb * 1e6 * BITS_A_BYTE / (self.gbit_s * 1e9)

    def enough_workers(self, mean_s: float) -> float:
        """How many keep the line busy all the time if each takes so long for a CT; more are no faster."""
        return 1 + mean_s / self.ct_s


@dataclass(frozen=True)
class Campaign:
    """What came of it.

    Args:
        cts: how many were measured.
        workers: see `Cluster`.
        wall_s: from its start to the last result.
        measuring_s: of all cores together, for results that were written.
        line_s: for which the line was in use.
        repeated: attempts that came to nothing.
    """

    cts: int
    workers: int
    wall_s: float
    measuring_s: float
    line_s: float
    repeated: int

    @property
    def core_s(self) -> float:
        """Of the cores that were held, whether or not they worked."""
        return self.workers * self.wall_s

    @property
    def measuring_share(self) -> float:
        return self.measuring_s / self.core_s

    @property
    def line_share(self) -> float:
        return self.line_s / self.wall_s


def simulated(cts: int, times: Times, cluster: Cluster, line: Line, random: np.random.Generator) -> Campaign:
    """A worker fetches a CT, then measures it; if it is lost meanwhile, the CT is begun again by whoever is free."""
    waiting = times.drawn(cts, random).tolist()
    measuring_s = sum(waiting)
    nodes = [Node(cluster.losses, random) for _ in range(-(-cluster.workers // cluster.workers_a_node))]
    node_of = [nodes[worker // cluster.workers_a_node] for worker in range(cluster.workers)]
    free = [(node.started(0.0, cluster.start_s), worker) for worker, node in enumerate(node_of)]
    heapify(free)
    line_free_s = wall_s = 0.0
    repeated = 0
    while waiting:
        now_s, worker = free[0]
        node, seconds = node_of[worker], waiting[-1]
        line_free_s = max(line_free_s, now_s) + line.ct_s
        done_s = line_free_s + seconds
        ended_s = line_free_s + seconds * random.random() if random.random() < cluster.ended_share else np.inf
        lost_s, back_s = node.next_loss(now_s)
        if done_s <= min(ended_s, lost_s):
            waiting.pop()
            wall_s = max(wall_s, done_s)
            free_s = done_s
        else:
            repeated += 1
            free_s = node.started(ended_s if ended_s < lost_s else back_s, cluster.start_s)
        heapreplace(free, (free_s, worker))
    return Campaign(cts, cluster.workers, wall_s, measuring_s, (cts + repeated) * line.ct_s, repeated)
