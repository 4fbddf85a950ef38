"""Delays double, stay within their caps, and never march in step."""

import random

import pytest

from pipeline.backoff import Backoff, BackoffSettings


class HighestDraw(random.Random):
    """Random numbers that are always the highest possible."""

    def uniform(self, a, b):
        return b


class LowestDraw(random.Random):
    """Random numbers that are always the lowest possible."""

    def uniform(self, a, b):
        return a


def test_delays_double_up_to_the_early_cap():
    backoff = Backoff(BackoffSettings(first_s=0.25, early_cap_s=2.0), HighestDraw())
    assert [backoff.next_delay_s(0.0) for _ in range(5)] == [0.25, 0.5, 1.0, 2.0, 2.0]


def test_after_ten_minutes_of_absence_the_late_cap_holds():
    backoff = Backoff(BackoffSettings(), HighestDraw())
    for _ in range(10):
        backoff.next_delay_s(0.0)
    assert backoff.next_delay_s(599.9) == 1.0
    assert backoff.next_delay_s(600.0) == 30.0


def test_jitter_takes_up_to_half_of_a_delay_away():
    assert Backoff(BackoffSettings(first_s=1.0), LowestDraw()).next_delay_s(0.0) == 0.5


def test_two_cameras_wait_differently():
    delays = [Backoff(BackoffSettings(), random.Random(seed)).next_delay_s(0.0) for seed in (1, 2)]
    assert delays[0] != delays[1]


def test_a_reset_begins_with_the_shortest_delay():
    backoff = Backoff(BackoffSettings(), HighestDraw())
    for _ in range(6):
        backoff.next_delay_s(0.0)
    backoff.reset()
    assert backoff.next_delay_s(0.0) == 0.25


def test_a_year_of_attempts_does_not_overflow():
    backoff = Backoff(BackoffSettings(), HighestDraw())
    delays = {backoff.next_delay_s(1e7) for _ in range(5000)}
    assert max(delays) == pytest.approx(30.0)
