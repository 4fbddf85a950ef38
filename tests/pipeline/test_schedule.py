"""Times of day: over midnight, on some days, through the change to summer time."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from pipeline.schedule import ALWAYS, Day, Schedule

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Schedule(time(21), time(7))


def holds(schedule, *moment, zone=UTC, fold=0):
    return schedule.holds(datetime(*moment, tzinfo=zone, fold=fold).timestamp(), zone)


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(20, 59, False), (21, 0, True), (23, 59, True), (0, 0, True), (6, 59, True), (7, 0, False)],
)
def test_a_night_runs_over_midnight(hour, minute, expected):
    assert holds(NIGHT, 2026, 11, 24, hour, minute) is expected


@pytest.mark.parametrize(("hour", "expected"), [(7, False), (8, True), (16, True), (17, False)])
def test_a_day_begins_with_its_first_minute_and_ends_before_its_last(hour, expected):
    assert holds(Schedule(time(8), time(17)), 2026, 11, 24, hour) is expected


def test_equal_times_are_the_whole_day():
    assert holds(ALWAYS, 2026, 11, 24, 0)
    assert holds(Schedule(time(9), time(9)), 2026, 11, 24, 8)


def test_a_night_belongs_to_the_day_on_which_it_began():
    fridays = Schedule(time(21), time(7), frozenset({Day.FRI}))  # 27 November 2026 is a friday
    assert holds(fridays, 2026, 11, 28, 3)
    assert not holds(fridays, 2026, 11, 27, 3)
    assert holds(fridays, 2026, 11, 27, 22)
    assert not holds(fridays, 2026, 11, 28, 22)


def test_the_clock_on_the_wall_counts_in_summer_and_in_winter():
    # 19:30 UTC is 21:30 in Berlin in July and 20:30 in January.
    assert NIGHT.holds(datetime(2026, 7, 1, 19, 30, tzinfo=UTC).timestamp(), BERLIN)
    assert not NIGHT.holds(datetime(2026, 1, 1, 19, 30, tzinfo=UTC).timestamp(), BERLIN)


def test_an_hour_that_comes_twice_counts_both_times():
    early = Schedule(time(2), time(3))  # on 25 October 2026 the clock goes back from 3 to 2
    assert holds(early, 2026, 10, 25, 2, 30, zone=BERLIN, fold=0)
    assert holds(early, 2026, 10, 25, 2, 30, zone=BERLIN, fold=1)


def test_an_hour_that_does_not_come_is_nobody_s():
    early = Schedule(time(2), time(3))  # on 29 March 2026 the clock goes from 2 to 3
    moments = (datetime(2026, 3, 29, 0, tzinfo=UTC).timestamp() + 60 * minute for minute in range(180))
    assert not any(early.holds(moment, BERLIN) for moment in moments)
