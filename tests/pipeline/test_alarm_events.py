"""One alarm is one event: told at once when it begins, then sparingly, and ended with its highest score."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from pipeline.alarm import AlarmPhase
from pipeline.alarm_events import AlarmEvents
from pipeline.events import EventBook
from pipeline.gallery import NormalMoment
from pipeline.metrics import Metrics
from pipeline.types import EventKind, Region, Severity, Sight
from tests.fakes import ManualClock, RecordingListener, ScriptedDetector, Verdict, observed_frame

OPENED, CHANGED, CLOSED = AlarmPhase.OPENED, AlarmPhase.CHANGED, AlarmPhase.CLOSED
LEFT, RIGHT = Region(0.0, 0.0, 0.5, 1.0), Region(0.5, 0.0, 0.5, 1.0)


def play(script, until_s, normal=None):
    """Take one frame a second and return the events that went out."""
    listener, detector = RecordingListener(), ScriptedDetector(script, normal=normal)
    book = EventBook(listener, ManualClock(), metrics=Metrics(CollectorRegistry()))
    events = AlarmEvents("porch", detector, book)
    for second in range(until_s + 1):
        events.take(detector.rest(second, suppressed=False), observed_frame(second))
    return listener.events


def told(events):
    return [(event.phase.value, event.captured_s, event.score) for event in events]


def test_an_opened_alarm_is_a_new_event_with_all_that_is_known():
    (event,) = play({1: Verdict(0.6, OPENED, LEFT, "unusual motion")}, until_s=1)
    assert (event.kind, event.label, event.camera) == (EventKind.ANOMALY, "unusual", "porch")
    assert (event.score, event.p_value, event.region) == (0.6, 0.01, LEFT)
    assert (event.explanation, event.start_utc_s, event.captured_s) == ("unusual motion", 1, 1)


@pytest.mark.parametrize(("level", "severity"), [(0.74, Severity.WARNING), (0.75, Severity.ALERT)])
def test_a_high_level_asks_for_more_attention(level, severity):
    (event,) = play({0: Verdict(level, OPENED)}, until_s=0)
    assert event.severity is severity


def test_each_message_says_when_it_last_looked_most_like_its_beginning_and_was_normal():
    script = {0: Verdict(0.6, OPENED), 4: Verdict(0.9, CHANGED), 5: Verdict(0.1, CLOSED)}
    events = play(script, until_s=5, normal=NormalMoment(-300.0, b"", np.zeros(0)))
    assert [(event.phase, event.nearest_normal_utc_s) for event in events] == [
        ("new", -300.0),
        ("update", -300.0),
        ("end", -300.0),
    ]


def test_while_nothing_is_open_neither_change_nor_close_says_anything():
    assert play({1: Verdict(0.9, CHANGED), 2: Verdict(0.1, CLOSED)}, until_s=3) == []


def test_an_alarm_that_changes_nothing_is_told_no_more():
    assert len(play({0: Verdict(0.6, OPENED), 5: Verdict(0.55), 6: Verdict(0.58)}, until_s=9)) == 1


def test_higher_scores_are_told_after_one_second_then_every_three_and_the_highest_wins():
    script = {0: Verdict(0.6, OPENED), 1: Verdict(0.7, CHANGED), 2: Verdict(0.9, CHANGED), 3: Verdict(0.5)}
    assert told(play(script, until_s=6)) == [("new", 0, 0.6), ("update", 1, 0.7), ("update", 4, 0.9)]


def test_the_score_is_the_alarms_highest_and_not_that_of_the_newest_frame():
    script = {0: Verdict(0.3, OPENED, peak=0.8), 4: Verdict(0.6, CHANGED, peak=0.9)}
    assert told(play(script, until_s=4)) == [("new", 0, 0.8), ("update", 4, 0.9)]


def test_a_new_place_is_told():
    script = {0: Verdict(0.6, OPENED, LEFT), 4: Verdict(0.6, None, RIGHT, "unusual look")}
    new, update = play(script, until_s=8)
    assert (new.region, update.region, update.explanation) == (LEFT, RIGHT, "unusual look")
    assert (update.score, update.captured_s) == (0.6, 4)


def test_a_place_that_shares_half_of_the_union_is_the_same_place():
    # Shifted by 0.15 of 0.5: shared 0.35, union 0.65, ratio 0.54. By 0.2: 0.3 / 0.7 = 0.43.
    near, far = (Region(shift, 0.0, 0.5, 1.0) for shift in (0.15, 0.2))
    assert len(play({0: Verdict(0.6, OPENED, LEFT), 4: Verdict(0.6, None, near)}, until_s=8)) == 1
    assert len(play({0: Verdict(0.6, OPENED, LEFT), 4: Verdict(0.6, None, far)}, until_s=8)) == 2


def test_the_place_of_a_frame_below_the_threshold_means_nothing():
    assert len(play({0: Verdict(0.6, OPENED, LEFT), 4: Verdict(0.49, None, RIGHT)}, until_s=8)) == 1


def test_a_frame_that_is_usual_again_while_the_last_second_was_not_shows_nothing_of_the_alarm():
    after = Verdict(0.6, None, RIGHT, signature=(3.0,), frame_level=0.49)
    new, end = play({0: Verdict(0.6, OPENED, LEFT), 4: after, 6: Verdict(0.1, CLOSED)}, until_s=8)
    assert (end.region, end.sights) == (new.region, new.sights)


def test_a_closed_alarm_ends_the_event():
    new, end = play({0: Verdict(0.6, OPENED), 9: Verdict(0.1, CLOSED)}, until_s=12)
    assert (end.id, end.phase.value, end.score) == (new.id, "end", 0.6)
    assert (end.end_utc_s, end.captured_s, end.explanation) == (9, 9, "The picture is as usual again.")


def test_a_rise_that_was_not_told_yet_goes_out_before_the_end():
    script = {0: Verdict(0.6, OPENED), 1: Verdict(0.7, CHANGED), 2: Verdict(0.9, CHANGED)}
    *_, update, end = told(play({**script, 3: Verdict(0.1, CLOSED)}, until_s=3))
    assert (update, end) == (("update", 3, 0.9), ("end", 3, 0.9))


def test_the_next_alarm_is_another_event():
    script = {0: Verdict(0.6, OPENED), 2: Verdict(0.1, CLOSED), 4: Verdict(0.7, OPENED)}
    events = play(script, until_s=4)
    assert [event.phase.value for event in events] == ["new", "end", "new"]
    assert events[0].id != events[2].id


def test_an_event_remembers_the_different_things_that_it_showed():
    # Seconds 0, 4 and 6 are above the threshold of 0.5; second 6 shows what second 4 did.
    places = {0: 0.0, 4: 3.0, 6: 3.1, 7: 9.0}
    levels = {0: 0.6, 4: 0.7, 6: 0.6, 7: 0.4}
    script = {
        second: Verdict(levels[second], OPENED if second == 0 else None, LEFT, signature=(place,))
        for second, place in places.items()
    }
    new, end = play({**script, 9: Verdict(0.1, CLOSED)}, until_s=9)
    assert [sight.signature for sight in new.sights] == [(0.0,)]
    assert end.sights == (Sight("motion", (0.0,), 0.6), Sight("motion", (3.0,), 0.7))
