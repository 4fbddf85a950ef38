import random

import pytest

from daemon.mqtt import BrokerError
from daemon.reconnects import Reconnects

LOST = BrokerError("lost", "the connection was lost")
REFUSED = BrokerError("unreachable", "refused")
STOLEN = BrokerError("taken_over", "another client took the session over")


def test_a_broker_that_is_away_is_asked_at_growing_intervals_with_jitter():
    reconnects = Reconnects(random.Random(1))
    delays = [reconnects.delay_s(REFUSED, absent_s=float(i)) for i in range(8)]
    # 0.5 doubles to the cap of 5; jitter takes away up to a half.
    whole = [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0]
    assert all(want / 2 <= delay <= want for delay, want in zip(delays, whole, strict=True))
    assert 15 <= reconnects.delay_s(REFUSED, absent_s=3600.0) <= 30


def test_a_long_life_makes_the_next_wait_short_again():
    reconnects = Reconnects(random.Random(1))
    for _ in range(10):
        reconnects.delay_s(REFUSED, absent_s=1.0)
    assert reconnects.judge(LOST, lived_s=3600.0) is LOST
    assert reconnects.delay_s(LOST, absent_s=0.0) <= 0.5


def test_a_session_taken_over_is_left_alone_for_longer_and_longer():
    reconnects = Reconnects(random.Random(1))
    delays = [reconnects.delay_s(STOLEN, absent_s=0.0) for _ in range(8)]
    whole = [60, 120, 240, 480, 900, 900, 900, 900]
    assert all(want <= delay <= 1.5 * want for delay, want in zip(delays, whole, strict=True))
    reconnects.judge(LOST, lived_s=1800.0)
    assert reconnects.delay_s(STOLEN, absent_s=0.0) <= 90


def test_five_short_lives_in_a_row_are_taken_for_a_theft():
    reconnects = Reconnects(random.Random(1))
    reasons = [reconnects.judge(LOST, lived_s=0.5).reason for _ in range(5)]
    assert reasons == ["lost"] * 4 + ["taken_over"]


@pytest.mark.parametrize(("error", "lived_s"), [(REFUSED, None), (LOST, 11.0)])
def test_a_broker_that_restarts_is_no_thief(error, lived_s):
    reconnects = Reconnects(random.Random(1))
    for _ in range(4):
        reconnects.judge(LOST, lived_s=0.5)
    reconnects.judge(error, lived_s)
    assert reconnects.judge(LOST, lived_s=0.5).reason == "lost"
