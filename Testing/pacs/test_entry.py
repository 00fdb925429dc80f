"""How what is known of a study changes."""

from __future__ import annotations

from OpportunisticBMDLib.pacs.entry import Entry, Patience, State


def test_a_study_is_complete_when_two_looks_see_the_same():
    looks = [0, 40, 80, 80, 81]
    entry, complete = Entry("1.2"), []
    for instances in looks:
        entry = entry.seen(instances)
        complete.append(entry.is_complete)
    assert complete == [False, False, False, True, False]


def test_pauses_double_up_to_the_longest_and_are_not_all_the_same():
    patience = Patience(first_s=30, longest_s=3600)
    for tries, whole_s in ((1, 30), (2, 60), (4, 240), (8, 3600), (10_000, 3600)):
        pauses_s = {patience.pause_s(tries) for _ in range(50)}
        assert whole_s / 2 <= min(pauses_s) <= max(pauses_s) <= whole_s and len(pauses_s) > 1


def test_what_fails_is_tried_again_later_and_at_last_set_aside():
    patience = Patience(first_s=30, tries=2)
    once = Entry("1.2").failed("gone", 1000.0, patience)
    assert (once.state, once.tries, once.reason) == (State.WAITING, 1, "gone") and 1015 <= once.due_s <= 1030
    twice = once.failed("gone", 1000.0, patience)
    assert (twice.state, twice.reason) == (State.SET_ASIDE, "gone (tried 2 times)")
    assert twice.again() == Entry("1.2")


def test_a_clock_that_is_put_back_keeps_no_study_waiting():
    patience = Patience(first_s=30, longest_s=3600)
    entry = Entry("1.2").failed("gone", 1_000_000.0, patience)
    assert [entry.is_due(now_s, patience) for now_s in (1_000_000.0, 1_000_030.0, 900_000.0)] == [False, True, True]
