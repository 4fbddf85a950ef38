"""What the user knows beforehand decides what is told: zones, silence, severity."""

from dataclasses import replace
from datetime import UTC, time

import pytest

from pipeline.rules import Action, Knowledge, Rule, RuleListener
from pipeline.schedule import Schedule
from pipeline.types import CameraState, CameraStatus, Event, EventKind, EventPhase, Region, Severity
from pipeline.zones import Zone, ZoneMap
from tests.fakes import RecordingListener, pictures

STREET = Region(0.1, 0.1, 0.2, 0.2)
GARDEN = Region(0.7, 0.1, 0.2, 0.2)
ZONES = ZoneMap([Zone("street", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))])
IGNORE_STREET = Rule(Action.IGNORE, zone="street", kinds=frozenset({EventKind.ANOMALY}))
EVENT = Event(
    id="1",
    camera="porch",
    phase=EventPhase.NEW,
    kind=EventKind.ANOMALY,
    label="unusual",
    score=0.9,
    severity=Severity.WARNING,
    start_utc_s=22 * 3600.0,
    explanation="",
    captured_s=0.0,
    region=STREET,
)


@pytest.fixture
def told():
    return RecordingListener()


@pytest.fixture
def listener(told):
    return RuleListener(told)


def know(listener, *rules):
    listener.know("porch", Knowledge(ZONES, rules, UTC))


def message(phase, region=STREET):
    end_utc_s = EVENT.start_utc_s + 9 if phase is EventPhase.END else None
    return replace(EVENT, phase=phase, region=region, end_utc_s=end_utc_s)


def phases(told):
    return [event.phase for event in told.events]


def test_each_message_names_the_zones_that_it_touches(listener, told):
    know(listener)
    listener.on_event(EVENT)
    listener.on_event(message(EventPhase.UPDATE, GARDEN))
    assert [event.zones for event in told.events] == [("street",), ()]


def test_without_knowledge_everything_is_told_as_it_is(listener, told):
    listener.on_event(EVENT)
    assert told.events == [EVENT]


def test_an_ignored_event_is_never_told_nor_shown(listener, told):
    know(listener, IGNORE_STREET)
    for phase in EventPhase:
        listener.on_event(message(phase))
    listener.on_event(EVENT)
    listener.on_snapshot(EVENT, pictures())
    assert (told.events, told.snapshots) == ([], [])


def test_an_event_elsewhere_or_of_another_kind_is_told(listener, told):
    know(listener, IGNORE_STREET)
    listener.on_event(replace(EVENT, region=GARDEN))
    listener.on_event(replace(EVENT, id="2", kind=EventKind.BEHAVIOUR))
    listener.on_event(replace(EVENT, id="3", region=None))
    assert [event.id for event in told.events] == ["1", "2", "3"]


def test_an_ignored_event_that_moves_on_is_told_from_then_on(listener, told):
    know(listener, IGNORE_STREET)
    listener.on_event(message(EventPhase.NEW))
    listener.on_event(message(EventPhase.UPDATE, GARDEN))
    listener.on_event(message(EventPhase.END, GARDEN))
    assert phases(told) == ["new", "end"]


def test_an_ignored_event_that_is_told_after_all_has_its_picture(listener, told):
    know(listener, IGNORE_STREET)
    listener.on_event(message(EventPhase.NEW))
    listener.on_snapshot(message(EventPhase.NEW), pictures())
    listener.on_event(message(EventPhase.UPDATE, GARDEN))
    assert [(event.phase, shown.marked) for event, shown in told.snapshots] == [("new", b"jpeg")]


def test_an_ignored_behaviour_does_not_go_on_for_anybody(listener, told):
    know(listener, Rule(Action.IGNORE, labels=frozenset({"fall"})))
    listener.on_event(replace(EVENT, kind=EventKind.BEHAVIOUR, label="fall"))
    listener.on_state(CameraState("porch", True, 0.0, 1.0, "fall", ("fall",)))
    assert (told.states[0].behaviour, told.states[0].active_events) == (None, ())


def test_a_told_event_is_told_to_its_end(listener, told):
    know(listener, IGNORE_STREET)
    listener.on_event(message(EventPhase.NEW, GARDEN))
    listener.on_event(message(EventPhase.UPDATE))
    listener.on_event(message(EventPhase.END))
    assert phases(told) == ["new", "update", "end"]


def test_an_ignored_event_is_not_among_those_that_are_open(listener, told):
    know(listener, IGNORE_STREET)
    listener.on_event(EVENT)
    listener.on_state(CameraState("porch", True, 0.9, 1.0, None, ("unusual", "fall")))
    listener.on_event(message(EventPhase.END))
    listener.on_state(CameraState("porch", True, 0.9, 1.0, None, ("unusual",)))
    assert [state.active_events for state in told.states] == [("fall",), ("unusual",)]


def test_a_rule_raises_the_severity(listener, told):
    know(listener, Rule(Action.RAISE, labels=frozenset({"unusual"})))
    listener.on_event(EVENT)
    listener.on_event(replace(EVENT, id="2", label="fall"))
    assert [event.severity for event in told.events] == [Severity.ALERT, Severity.WARNING]


def test_a_rule_holds_in_its_hours(listener, told):
    know(listener, Rule(Action.IGNORE, when=Schedule(time(8), time(17))))
    listener.on_event(EVENT)  # at 22:00
    listener.on_event(replace(EVENT, id="2", start_utc_s=9 * 3600.0))
    assert [event.id for event in told.events] == ["1"]


def test_the_first_rule_that_matches_decides(listener, told):
    know(listener, Rule(Action.RAISE, zone="street"), IGNORE_STREET)
    listener.on_event(EVENT)
    assert told.events[0].severity is Severity.ALERT


def test_a_camera_that_is_forgotten_has_no_rules(listener, told):
    know(listener, IGNORE_STREET)
    listener.forget("porch")
    listener.on_event(EVENT)
    assert phases(told) == ["new"]


def test_statuses_and_pictures_pass(listener, told):
    know(listener, IGNORE_STREET)
    listener.on_status("porch", CameraStatus.OFFLINE, "gone")
    listener.on_snapshot(replace(EVENT, id="2"), pictures())
    assert (len(told.statuses), len(told.snapshots)) == (1, 1)


def test_a_snapshot_says_how_the_zones_lay_at_that_time(listener, told):
    know(listener, IGNORE_STREET)
    listener.on_snapshot(replace(EVENT, id="2"), pictures())
    ((_, shown),) = told.snapshots
    assert shown.outlines == {"street": ((0, 0), (0.5, 0), (0.5, 1), (0, 1))}
