"""Chores are done in their time, and once."""

from dataclasses import dataclass

from daemon.housekeeping import Chore, Housekeeper


@dataclass
class HandClock:
    now_s: float = 100.0

    def monotonic_s(self):
        return self.now_s

    def utc_s(self):
        return self.now_s


def test_a_chore_is_first_done_one_interval_after_the_start():
    clock, done = HandClock(), []
    keeper = Housekeeper([Chore(10.0, lambda: done.append(clock.now_s))], clock)
    for clock.now_s in (100.0, 109.9, 110.0, 110.1):
        keeper.do_due()
    assert done == [110.0]


def test_the_wait_is_for_the_chore_that_is_due_first():
    clock = HandClock()
    keeper = Housekeeper([Chore(10.0, lambda: None), Chore(4.0, lambda: None)], clock)
    clock.now_s = 101.0
    assert keeper.wait_s() == 3.0


def test_a_chore_that_was_missed_is_done_once():
    clock, done = HandClock(), []
    keeper = Housekeeper([Chore(1.0, lambda: done.append(1))], clock)
    clock.now_s = 200.0
    keeper.do_due()
    keeper.do_due()
    assert (done, keeper.wait_s()) == ([1], 1.0)


def test_without_chores_there_is_no_end_to_the_wait():
    assert Housekeeper([], HandClock()).wait_s() is None
