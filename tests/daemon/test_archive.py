"""Past events: found by camera, kind, label and day, page by page, and shown one by one."""

import sqlite3
from dataclasses import replace
from datetime import UTC

import pytest

from daemon.archive import ArchiveFilter, parse_filter, to_query
from daemon.archive_reader import ArchiveReader
from daemon.event_log import BegunFilter
from daemon.sql import reading
from pipeline.types import Event, EventKind, EventPhase, Severity
from tests.logs import log_of

DAY_S = 86400.0
FALL = Event("a", "hall", EventPhase.NEW, EventKind.BEHAVIOUR, "fall", 0.9, Severity.ALERT, 10.0, "fell", 0.0)


@pytest.fixture
def outbox(tmp_path):
    with log_of(tmp_path) as opened:
        yield opened


@pytest.fixture
def archive(outbox, tmp_path):
    """Return the archive of four events: a to d, one a day; a has ended."""
    for position, (name, camera, label) in enumerate(
        [("a", "hall", "fall"), ("b", "yard", "fight"), ("c", "hall", "fight"), ("d", "hall", "fall")]
    ):
        event = replace(FALL, id=name, camera=camera, label=label, start_utc_s=10.0 + position * DAY_S)
        outbox.append(event)
        outbox.append(replace(event, phase=EventPhase.UPDATE, explanation="still"))
    outbox.append(replace(FALL, phase=EventPhase.END, end_utc_s=20.0, explanation="got up"))
    return ArchiveReader(tmp_path)


def ids(page):
    return [event.id for event in page.events]


def test_each_event_is_one_entry_and_says_what_was_said_while_it_lasted(archive):
    page = archive.page(BegunFilter())
    assert [(event.id, event.explanation) for event in page.events] == [
        ("d", "still"),
        ("c", "still"),
        ("b", "still"),
        ("a", "still"),
    ]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (BegunFilter(camera="hall"), ["d", "c", "a"]),
        (BegunFilter(label="fight"), ["c", "b"]),
        (BegunFilter(camera="hall", label="fight"), ["c"]),
        (BegunFilter(kind=EventKind.ANOMALY), []),
        (BegunFilter(since_utc_s=DAY_S, until_utc_s=3 * DAY_S), ["c", "b"]),
        (BegunFilter(camera="' OR 1=1 --"), []),
        (BegunFilter(cameras=("yard", "attic")), ["b"]),
        (BegunFilter(cameras=()), []),
    ],
)
def test_events_are_found_by_what_they_began_with(archive, which, found):
    assert ids(archive.page(which)) == found


def test_a_page_says_where_the_next_one_begins(archive):
    first = archive.page(BegunFilter(), limit=3)
    second = archive.page(BegunFilter(before=first.older), limit=3)
    assert (ids(first), ids(second), second.older) == (["d", "c", "b"], ["a"], None)


def test_a_last_page_that_is_full_has_none_after_it(archive):
    assert archive.page(BegunFilter(), limit=4).older is None


def test_the_course_of_an_event_is_told_in_order(archive):
    assert [message.type for message in archive.messages("a")] == ["new", "update", "end"]
    assert archive.messages("nobody") == ()


def test_every_label_is_offered(archive):
    assert archive.labels() == ("fall", "fight")
    assert archive.labels(("yard",)) == ("fight",)
    assert archive.labels(()) == ()


def test_an_event_is_somebody_s(archive):
    assert (archive.camera_of("b"), archive.camera_of("nobody")) == ("yard", None)


def test_of_a_long_event_the_end_is_told_too(archive):
    assert [message.type for message in archive.messages("a", limit=1)] == ["new", "end"]


def test_the_archive_looks_through_its_index_and_not_through_the_log(archive, tmp_path):
    query = (
        "EXPLAIN QUERY PLAN SELECT seq, id FROM events WHERE label = 'x' AND phase = 'new' ORDER BY seq DESC"
    )
    with reading(tmp_path / "videobertd.sqlite") as database:
        (plan,) = (row[3] for row in database.execute(query))
    assert "COVERING INDEX events_begun" in plan


def test_a_reader_changes_nothing(archive, tmp_path):
    with (
        reading(tmp_path / "videobertd.sqlite") as database,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        database.execute("DELETE FROM events")


def test_a_day_runs_from_midnight_to_midnight():
    which = to_query(ArchiveFilter(since="1971-01-02", until="1971-01-02"), UTC)
    assert (which.since_utc_s, which.until_utc_s) == (366 * DAY_S, 367 * DAY_S)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"colour": "red"}, "unknown parameter 'colour'"),
        ({"camera": "x" * 65}, "camera must be at most 64 printable letters"),
        ({"label": "a\x00b"}, "label must be at most 64 printable letters"),
        ({"kind": "ghost"}, "kind must be one of anomaly, behaviour, camera"),
        ({"since": "yesterday"}, "since must be a day such as 2026-11-24"),
        ({"until": "9999-12-31"}, "until must lie between 1971 and 9000"),
        ({"since": "2026-11-24", "until": "2026-11-23"}, "until must not be before since"),
        ({"before": "-1"}, "before must come from a link of the archive"),
        ({"before": "1" * 40}, "before must come from a link of the archive"),
    ],
)
def test_what_cannot_be_asked_for_is_said_in_one_sentence(query, sentence):
    with pytest.raises(ValueError, match=sentence):
        to_query(parse_filter(query), UTC)


def test_an_address_keeps_the_filter():
    wanted = ArchiveFilter(camera="hall", label="a b")
    assert wanted.address(before="7") == "/events?camera=hall&label=a+b&before=7"
    assert ArchiveFilter().address() == "/events"
