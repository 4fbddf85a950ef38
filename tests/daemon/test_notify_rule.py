"""Which messages one service hears of: filters, cool-down, quiet hours and age, on literal times."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from daemon.notify.rule import Moment, NotifyRule, Outcome
from pipeline.schedule import Day, Schedule
from pipeline.types import EventKind, Severity
from tests.notices import message

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Schedule(time(22), time(7))


def moment(written=1000.0, now=None, told=None):
    return Moment(written, written if now is None else now, told)


def judge(rule, *, told=None, at=None, **changes):
    return rule.judge(message(**changes), told=told, moment=at or moment())


def at(text):
    """Return the moment that a clock in Berlin shows."""
    return moment(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


def quiet(schedule=NIGHT):
    return NotifyRule(quiet=schedule, time_zone=BERLIN)


def test_a_rule_without_filters_hears_of_every_beginning_and_of_nothing_else():
    rule = NotifyRule()
    assert judge(rule) is Outcome.SENT
    assert judge(rule, told=True, type="update") is None
    assert judge(rule, told=True, type="end") is None


@pytest.mark.parametrize(
    ("rule", "changes", "hears"),
    [
        (NotifyRule(cameras=frozenset({"porch", "yard"})), {"camera": "yard"}, True),
        (NotifyRule(cameras=frozenset({"porch"})), {"camera": "yard"}, False),
        (NotifyRule(kinds=frozenset({EventKind.BEHAVIOUR})), {"kind": "behaviour"}, True),
        (NotifyRule(kinds=frozenset({EventKind.BEHAVIOUR})), {"kind": "camera"}, False),
        (NotifyRule(labels=frozenset({"fall"})), {"label": "fall"}, True),
        (NotifyRule(labels=frozenset({"fall"})), {"label": "fight"}, False),
        (NotifyRule(zones=frozenset({"pool"})), {"zones": ["path", "pool"]}, True),
        (NotifyRule(zones=frozenset({"pool"})), {"zones": ["path"]}, False),
        (NotifyRule(zones=frozenset({"pool"})), {"zones": []}, False),
        (NotifyRule(severity=Severity.WARNING), {"severity": "alert"}, True),
        (NotifyRule(severity=Severity.WARNING), {"severity": "warning"}, True),
        (NotifyRule(severity=Severity.WARNING), {"severity": "info"}, False),
    ],
)
def test_each_filter_lets_through_what_it_names(rule, changes, hears):
    assert (judge(rule, **changes) is Outcome.SENT) is hears


def test_an_event_whose_severity_rises_is_told_at_that_update_and_not_again():
    rule = NotifyRule(severity=Severity.ALERT)
    assert judge(rule, severity="warning") is None
    assert judge(rule, type="update", severity="alert") is Outcome.SENT
    assert judge(rule, told=True, type="update", severity="alert") is None
    assert judge(rule, told=False, type="update", severity="alert") is None


@pytest.mark.parametrize(("told", "outcome"), [(True, Outcome.SENT), (False, None), (None, None)])
def test_with_both_the_end_is_told_to_whoever_heard_of_the_beginning(told, outcome):
    rule = NotifyRule(ends=True)
    assert judge(rule, told=told, type="end", at=moment(told=999.0)) is outcome


def test_with_ends_alone_a_beginning_is_not_told_and_each_end_is():
    rule = NotifyRule(begins=False, ends=True, cooldown_s=60)
    assert judge(rule) is None
    assert judge(rule, type="end") is Outcome.SENT
    assert judge(rule, type="end", at=moment(told=941.0)) is Outcome.COOLDOWN


@pytest.mark.parametrize(
    # Told at 1000 with a cool-down of 300 s: 1300 is the first second that is told again. At 900 the clock
    # was set back.
    ("written", "outcome"),
    [(1000, Outcome.COOLDOWN), (1299.9, Outcome.COOLDOWN), (1300, Outcome.SENT), (900, Outcome.SENT)],
)
def test_the_cooldown_counts_from_the_event_that_was_told(written, outcome):
    assert judge(NotifyRule(cooldown_s=300), at=moment(written, told=1000.0)) is outcome


@pytest.mark.parametrize(
    ("when", "outcome"),
    [
        ("2026-11-25 21:59:59", Outcome.SENT),
        ("2026-11-25 22:00:00", Outcome.QUIET),
        ("2026-11-26 03:00:00", Outcome.QUIET),
        ("2026-11-26 06:59:59", Outcome.QUIET),
        ("2026-11-26 07:00:00", Outcome.SENT),
    ],
)
def test_quiet_hours_go_over_midnight(when, outcome):
    assert judge(quiet(), at=at(when)) is outcome


@pytest.mark.parametrize(
    # Summer time begins at 01:00 UTC on 29 March 2026 and ends at 01:00 UTC on 25 October: 07:00 in Berlin is
    # 06:00 UTC the day before the change of March and 05:00 UTC after it, and the other way in October.
    ("utc", "outcome"),
    [
        ("2026-03-28 05:30", Outcome.QUIET),
        ("2026-03-29 05:30", Outcome.SENT),
        ("2026-10-24 05:30", Outcome.SENT),
        ("2026-10-25 05:30", Outcome.QUIET),
        ("2026-10-25 06:00", Outcome.SENT),
    ],
)
def test_quiet_hours_follow_the_summer_time(utc, outcome):
    written_s = datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()
    assert judge(quiet(), at=moment(written_s)) is outcome


def test_quiet_hours_belong_to_the_day_on_which_they_begin():
    rule = quiet(Schedule(time(22), time(7), frozenset({Day.FRI})))
    assert judge(rule, at=at("2026-11-28 06:00")) is Outcome.QUIET  # saturday, the night of friday
    assert judge(rule, at=at("2026-11-28 23:00")) is Outcome.SENT


def test_what_was_held_up_until_quiet_hours_waits_no_longer_and_what_happened_in_them_stays_quiet():
    evening, night = at("2026-11-25 21:50").written_utc_s, at("2026-11-25 22:10").written_utc_s
    dawn, morning = at("2026-11-26 06:50").written_utc_s, at("2026-11-26 07:10").written_utc_s
    assert judge(quiet(), at=moment(evening, now=night)) is Outcome.QUIET
    assert judge(quiet(), at=moment(dawn, now=morning)) is Outcome.QUIET


def test_what_is_older_than_the_age_allowed_is_not_told():
    rule = NotifyRule(max_age_s=3600)
    assert judge(rule, at=moment(1000, now=4600)) is Outcome.SENT
    assert judge(rule, at=moment(1000, now=4600.1)) is Outcome.TOO_OLD
