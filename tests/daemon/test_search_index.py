"""The index beside the log: it catches up, forgets with it, survives damage, and never stops an event."""

import sqlite3
from dataclasses import replace

import pytest

from daemon.event_log import BegunFilter
from daemon.outbox import Retention
from daemon.search.index import SearchIndex
from daemon.search.store import FILE_NAME, match_of
from pipeline.types import EventKind, EventPhase
from tests.fakes import ManualClock
from tests.logs import log_of
from tests.searching import EAST, FALL, NORTH, seen

ANYTHING = BegunFilter()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def outbox(tmp_path, clock):
    with log_of(tmp_path, clock, retention=Retention(keep_days=1)) as opened:
        yield opened


@pytest.fixture
def index(tmp_path, outbox, clock):
    with SearchIndex(tmp_path, "m 1", clock) as opened:
        yield opened


def near(index, direction=EAST):
    return "".join(one.id for one in index.nearest(direction, ANYTHING, limit=9))


def said(index, words, which=ANYTHING):
    return "".join(index.said(words, which, limit=9))


def test_events_are_found_by_what_is_written_of_them_the_newest_first(index):
    index.on_event(seen("a", explanation="Moves faster than usual.", label="unusual", zones=("gate",)))
    index.on_event(seen("b", camera="yard"))
    index.on_event(seen("c"))
    assert said(index, "fall") == "cb"
    assert (said(index, "Falls"), said(index, "fal")) == ("cb", "cb")  # the stem, and the beginning of a word
    assert (said(index, "gate"), said(index, "fall yard"), said(index, "faster")) == ("a", "b", "a")
    assert (said(index, "giraffe"), said(index, ""), said(index, '" OR *')) == ("", "", "")


def test_words_are_quoted_whatever_they_are():
    assert match_of('fall" NEAR(x)') == '"fall" "NEAR" "x"*'


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (BegunFilter(camera="yard"), "b"),
        (BegunFilter(cameras=("hall",)), "a"),
        (BegunFilter(cameras=()), ""),
        (BegunFilter(label="fight"), ""),
        (BegunFilter(kind=EventKind.BEHAVIOUR), "ba"),
        (BegunFilter(since_utc_s=20.0), "b"),
        (BegunFilter(until_utc_s=20.0), "a"),
    ],
)
def test_words_are_looked_for_where_the_filter_says(index, which, expected):
    index.on_event(seen("a"))
    index.on_event(seen("b", camera="yard", start_utc_s=20.0))
    assert said(index, "fall", which) == expected


def test_an_update_is_found_by_its_new_words_and_vector_and_an_end_changes_nothing(index):
    index.on_event(seen("a"))
    index.on_event(seen("a", NORTH, phase=EventPhase.UPDATE, explanation="Somebody lies there."))
    index.on_event(seen("a", phase=EventPhase.END, end_utc_s=12.0, explanation="No more fall."))
    assert (said(index, "lies"), said(index, "person"), said(index, "more")) == ("a", "", "")
    assert index.vector("a").tolist() == [0, 1]


def test_an_event_without_a_vector_keeps_the_one_it_had(index):
    index.on_event(seen("a"))
    index.on_event(replace(FALL, phase=EventPhase.UPDATE))
    assert index.vector("a").tolist() == [1, 0]
    index.on_event(replace(FALL, id="b"))
    assert index.vector("b") is None


def test_what_was_kept_is_there_after_a_kill(index, tmp_path, clock):
    index.on_event(seen("a"))
    # A second one opens the file while the first has not closed it, as after a kill.
    with SearchIndex(tmp_path, "m 1", clock) as again:
        assert (near(again), said(again, "fall")) == ("a", "a")


def test_vectors_of_another_model_are_never_compared(index, tmp_path, clock):
    index.on_event(seen("a"))
    with SearchIndex(tmp_path, "m 2", clock) as other:
        assert (near(other), said(other, "fall")) == ("", "a")
        other.on_event(seen("b"))
        assert near(other) == "b"
    with SearchIndex(tmp_path, None, clock) as without:
        assert (near(without), without.has_vectors) == ("", False)


def test_words_that_only_the_log_has_are_taken_from_it(outbox, tmp_path, clock):
    outbox.append(seen("a"))
    outbox.append(seen("a", phase=EventPhase.END, end_utc_s=12.0))
    with SearchIndex(tmp_path, "m 1", clock) as index:
        assert said(index, "person hall") == "a"
        outbox.append(seen("b"))
        index.on_event(seen("b"))
    with SearchIndex(tmp_path, "m 1", clock) as again:
        assert (said(again, "fall"), near(again)) == ("ba", "b")


def test_a_damaged_file_is_put_aside_and_words_are_taken_from_the_log_again(outbox, tmp_path, clock, caplog):
    outbox.append(seen("a"))
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    with SearchIndex(tmp_path, "m 1", clock) as index:
        assert (said(index, "fall"), near(index), index.problem) == ("a", "", "")
        index.on_event(seen("b"))
        assert near(index) == "b"
    assert "is damaged" in caplog.text
    assert (tmp_path / "search.damaged").read_bytes().startswith(b"no database")


def test_a_file_of_another_version_is_put_aside(outbox, tmp_path, clock):
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("PRAGMA user_version = 9")
    with SearchIndex(tmp_path, "m 1", clock) as index:
        index.on_event(seen("a"))
        assert near(index) == "a"


def test_a_disk_that_takes_nothing_stops_no_event_and_memory_still_finds_it(index, tmp_path, caplog):
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("DROP TABLE events")
    for name in "ab":
        index.on_event(seen(name))
    assert near(index) == "ab"
    assert said(index, "fall") == ""
    assert "no such table" in index.problem
    assert caplog.text.count("cannot be used") == 1


def test_a_folder_that_cannot_be_written_is_a_problem_and_no_failure(tmp_path, clock):
    (tmp_path / "file").touch()
    with SearchIndex(tmp_path / "file", "m 1", clock) as index:
        index.on_event(seen("a"))
        assert (near(index), index.prune()) == ("a", 0)
        assert index.problem


def test_events_that_the_log_has_forgotten_are_forgotten_here_unless_they_have_just_begun(
    index, outbox, clock
):
    for name, age_s in (("old", 3 * 86400), ("kept", 7200), ("young", 10)):
        event = seen(name, start_utc_s=clock.utc - age_s)
        index.on_event(event)
        if name == "kept":
            outbox.append(event)
    assert index.prune() == 1
    assert sorted(one.id for one in index.nearest(EAST, ANYTHING, limit=9)) == ["kept", "young"]
    assert said(index, "fall") == "youngkept"
