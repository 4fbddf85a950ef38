"""The book of open events: one new, any updates, one end, whoever calls in whatever order."""

import threading
from dataclasses import replace
from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from pipeline.events import EventBook, EventKey, Finding, new_event_id
from pipeline.metrics import Metrics
from pipeline.types import Event, EventKind, EventPhase, Region, Severity
from tests.fakes import ManualClock, RecordingListener

NEW, UPDATE, END = EventPhase.NEW, EventPhase.UPDATE, EventPhase.END
UNUSUAL = EventKey("porch", EventKind.ANOMALY, "unusual")
FALL = EventKey("porch", EventKind.BEHAVIOUR, "fall")
GARDEN = EventKey("garden", EventKind.ANOMALY, "unusual")


def finding(score: float = 0.6, utc_s: float = 50.0, captured_s: float = 7.0) -> Finding:
    region = Region(0.1, 0.2, 0.3, 0.4)
    return Finding(score, Severity.WARNING, "unusual motion", utc_s, captured_s, p_value=0.01, region=region)


def open_book(listener=None, metrics=None):
    listener = listener or RecordingListener()
    metrics = metrics or Metrics(CollectorRegistry())
    numbers = count(1)
    book = EventBook(listener, ManualClock(), metrics=metrics, new_id=lambda _utc_s: f"id{next(numbers)}")
    return book, listener


def test_a_new_event_carries_everything_that_was_found():
    book, listener = open_book()
    event = book.begin(UNUSUAL, finding())
    assert listener.events == [event]
    assert event == Event(
        id="id1",
        camera="porch",
        phase=NEW,
        kind=EventKind.ANOMALY,
        label="unusual",
        score=0.6,
        severity=Severity.WARNING,
        start_utc_s=50.0,
        explanation="unusual motion",
        captured_s=7.0,
        p_value=0.01,
        region=Region(0.1, 0.2, 0.3, 0.4),
    )


def test_a_second_begin_of_the_same_key_is_an_update_of_the_open_event():
    book, _ = open_book()
    book.begin(UNUSUAL, finding(0.6, utc_s=50.0))
    again = book.begin(UNUSUAL, finding(0.9, utc_s=51.0, captured_s=8.0))
    assert (again.id, again.phase, again.score) == ("id1", UPDATE, 0.9)
    assert (again.start_utc_s, again.captured_s) == (50.0, 8.0)


def test_an_end_keeps_the_event_and_says_when_and_why():
    book, _ = open_book()
    book.begin(UNUSUAL, finding(0.6))
    end = book.end(UNUSUAL, "as usual again", utc_s=62.5, captured_s=19.5)
    assert (end.id, end.phase, end.score, end.start_utc_s) == ("id1", END, 0.6, 50.0)
    assert (end.end_utc_s, end.explanation, end.captured_s) == (62.5, "as usual again", 19.5)


def test_an_event_has_the_key_times_of_its_last_finding():
    book, _ = open_book()
    book.begin(UNUSUAL, replace(finding(), key_times_utc_s=(49.0,)))
    assert book.update(UNUSUAL, replace(finding(), key_times_utc_s=(49.4,))).key_times_utc_s == (49.4,)
    assert book.end(UNUSUAL, "over", utc_s=60.0, captured_s=9.0).key_times_utc_s == (49.4,)


def test_an_event_never_ends_before_it_began():
    book, _ = open_book()
    book.begin(UNUSUAL, finding(utc_s=50.0))
    assert book.end(UNUSUAL, "the clock was set back", utc_s=40.0, captured_s=8.0).end_utc_s == 50.0


def test_what_is_not_open_can_neither_change_nor_end():
    book, listener = open_book()
    assert book.update(UNUSUAL, finding()) is None
    assert book.end(UNUSUAL, "", utc_s=1.0, captured_s=1.0) is None
    assert listener.events == []


def test_after_its_end_the_same_key_opens_another_event():
    book, listener = open_book()
    for _ in range(2):
        book.begin(UNUSUAL, finding())
        book.end(UNUSUAL, "", utc_s=60.0, captured_s=9.0)
    assert [(event.id, event.phase) for event in listener.events] == [
        ("id1", NEW),
        ("id1", END),
        ("id2", NEW),
        ("id2", END),
    ]


def test_all_events_of_one_camera_end_together_and_no_other():
    book, _ = open_book()
    for key in (UNUSUAL, FALL, GARDEN):
        book.begin(key, finding())
    ends = book.end_all("porch", "the camera was removed")
    assert [(end.label, end.end_utc_s, end.captured_s) for end in ends] == [
        ("unusual", 1_700_000_000.0, 100.0),
        ("fall", 1_700_000_000.0, 100.0),
    ]
    assert [event.camera for event in book.active("garden")] == ["garden"]


def test_one_kind_of_a_camera_can_end_alone():
    book, _ = open_book()
    book.begin(UNUSUAL, finding())
    book.begin(FALL, finding())
    book.end_all("porch", "switched off", kind=EventKind.BEHAVIOUR)
    assert [event.label for event in book.active("porch")] == ["unusual"]


def test_closing_the_book_ends_every_event_of_every_camera():
    book, listener = open_book()
    book.begin(UNUSUAL, finding())
    book.begin(GARDEN, finding())
    book.close("the daemon stops")
    assert [(event.camera, event.phase) for event in listener.events[2:]] == [("porch", END), ("garden", END)]


def test_active_events_are_the_last_messages_oldest_event_first():
    book, _ = open_book()
    book.begin(UNUSUAL, finding(0.6))
    book.begin(FALL, finding(0.7))
    book.update(UNUSUAL, finding(0.8))
    assert [(event.label, event.score) for event in book.active("porch")] == [("unusual", 0.8), ("fall", 0.7)]


def test_each_new_event_is_counted_once():
    metrics = Metrics(CollectorRegistry())
    book, _ = open_book(metrics=metrics)
    book.begin(FALL, finding())
    book.begin(FALL, finding())
    book.end(FALL, "", utc_s=60.0, captured_s=9.0)
    labels = {"camera": "porch", "kind": "behaviour", "label": "fall"}
    assert metrics.registry.get_sample_value("videobert_events_total", labels) == 1


def test_a_listener_may_ask_the_book_and_even_end_the_event_it_hears_of():
    class Ender(RecordingListener):
        def on_event(self, event):
            super().on_event(event)
            if event.phase is NEW:
                book.end(UNUSUAL, "seen", utc_s=60.0, captured_s=9.0)

    book, listener = open_book(Ender())
    book.begin(UNUSUAL, finding())
    assert [event.phase for event in listener.events] == [NEW, END]


def test_a_camera_does_not_wait_for_a_listener_that_is_busy_with_another():
    busy, release = threading.Event(), threading.Event()

    class Slow(RecordingListener):
        def on_event(self, event):
            if event.camera == "porch":
                busy.set()
                release.wait(5)
            super().on_event(event)

    book, listener = open_book(Slow())
    porch = threading.Thread(target=book.begin, args=(UNUSUAL, finding()))
    porch.start()
    assert busy.wait(5)
    book.begin(GARDEN, finding())
    assert [event.camera for event in listener.events] == ["garden"]
    release.set()
    porch.join(5)


def test_an_end_waits_until_the_listener_has_taken_the_new():
    overtaken, hears_new = threading.Event(), threading.Event()

    class Slow(RecordingListener):
        def on_event(self, event):
            if event.phase is NEW:
                hears_new.set()
                overtaken.wait(0.2)
            else:
                overtaken.set()
            super().on_event(event)

    book, listener = open_book(Slow())
    thread = threading.Thread(target=book.begin, args=(UNUSUAL, finding()))
    thread.start()
    assert hears_new.wait(5)
    book.end(UNUSUAL, "", utc_s=60.0, captured_s=9.0)
    thread.join(5)
    assert [event.phase for event in listener.events] == [NEW, END]


def test_two_threads_never_make_an_end_overtake_its_new():
    book, listener = open_book()
    barrier = threading.Barrier(4)

    def churn():
        barrier.wait()
        for _ in range(100):
            book.begin(UNUSUAL, finding())
            book.end(UNUSUAL, "", utc_s=60.0, captured_s=9.0)

    threads = [threading.Thread(target=churn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert_lives_are_whole(listener.events)
    assert book.active("porch") == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["begin", "update", "end", "end_all", "close"]),
            st.sampled_from([UNUSUAL, FALL, GARDEN]),
        )
    )
)
def test_whatever_is_called_each_new_has_one_end_and_nothing_follows_it(calls):
    book, listener = open_book()
    for call, key in calls:
        {
            "begin": lambda key: book.begin(key, finding()),
            "update": lambda key: book.update(key, finding()),
            "end": lambda key: book.end(key, "", utc_s=60.0, captured_s=9.0),
            "end_all": lambda key: book.end_all(key.camera, ""),
            "close": lambda _key: book.close(""),
        }[call](key)
    book.close("")
    assert_lives_are_whole(listener.events)


def assert_lives_are_whole(events):
    """Each id is heard as new, then updates, then one end; at most one is open per key."""
    lives, open_ids = {}, {}
    for event in events:
        lives.setdefault(event.id, []).append(event.phase)
        key = (event.camera, event.kind, event.label)
        assert open_ids.setdefault(key, event.id) == event.id
        if event.phase is END:
            del open_ids[key]
    for phases in lives.values():
        assert phases == [NEW, *[UPDATE] * (len(phases) - 2), END]


def test_ids_sort_by_time_and_differ_within_a_millisecond():
    ids = [new_event_id(utc_s) for utc_s in (1_699_999_999.999, 1_700_000_000.0, 1_700_000_000.001, 2e9)]
    assert sorted(ids) == ids
    assert len({new_event_id(1_700_000_000.0) for _ in range(100)}) == 100


def test_an_id_can_stand_in_a_url_and_in_a_file_name():
    # 6 + 8 bytes are 112 bits: 23 letters of 5 bits.
    event_id = new_event_id(1_700_000_000.0)
    assert len(event_id) == 23
    assert set(event_id) <= set("0123456789abcdefghijklmnopqrstuv")
