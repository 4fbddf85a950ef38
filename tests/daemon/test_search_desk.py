"""Search from event to event: what is like one, what words find, and what is said where there is nothing."""

import pytest

from daemon.archive_reader import ArchiveReader
from daemon.event_log import BegunFilter
from daemon.search.desk import NO_MODEL, NO_VECTOR, NOT_MEASURED, UNKNOWN_WORDS, SearchDesk
from daemon.search.index import SearchIndex
from tests.fakes import ManualClock
from tests.logs import log_of
from tests.searching import EAST, NORTH, seen, word_table

ANYTHING = BegunFilter()


@pytest.fixture
def outbox(tmp_path):
    with log_of(tmp_path) as opened:
        yield opened


def filled(tmp_path, outbox, *events, model="m 1", words=None):
    """Return the desk of an index with these events, which the log has, too."""
    index = SearchIndex(tmp_path, model, ManualClock()).__enter__()
    for event in events:
        outbox.append(event)
        index.on_event(event)
    return SearchDesk(index, ArchiveReader(tmp_path), words)


def ids(hits):
    return [(hit.event.id, hit.likeness) for hit in hits]


def test_what_points_elsewhere_is_not_like_it(tmp_path, outbox):
    desk = filled(tmp_path, outbox, seen("a"), seen("b"), seen("c", NORTH), seen("d", -EAST))
    assert ids(desk.similar("a", ANYTHING, limit=9).hits) == [("b", 1.0)]


def test_an_event_that_the_log_lacks_is_not_known(tmp_path, outbox):
    desk = filled(tmp_path, outbox, seen("a"))
    assert desk.similar("never", ANYTHING, limit=9) is None


def test_what_the_log_has_forgotten_is_not_found(tmp_path, outbox):
    index = SearchIndex(tmp_path, "m 1", ManualClock()).__enter__()
    index.on_event(seen("a"))
    index.on_event(seen("b"))
    outbox.append(seen("a"))
    desk = SearchDesk(index, ArchiveReader(tmp_path), None)
    assert desk.similar("a", ANYTHING, limit=9).hits == ()
    assert [event.id for event in desk.words("fall", ANYTHING, limit=9).said] == ["a"]


def test_it_is_said_why_there_can_be_nothing_alike(tmp_path, outbox):
    blind = seen("a")
    assert filled(tmp_path, outbox, blind, model=None).similar("a", ANYTHING, limit=9).remark == NO_MODEL
    assert filled(tmp_path, outbox, model="m 2").similar("a", ANYTHING, limit=9).remark == NO_VECTOR


def test_words_find_clips_of_which_they_would_be_said(tmp_path, outbox):
    # To the east lies fall, to the north fight; every clip is a quarter fall already.
    desk = filled(tmp_path, outbox, seen("a"), seen("b", NORTH), seen("c", -EAST), words=word_table())
    found = desk.words("fall", ANYTHING, limit=9)
    assert ids(found.alike.hits) == [("a", 1.0), ("b", 0.25)]
    assert (found.nearest, found.trust) == ("fall", NOT_MEASURED)
    assert ids(desk.words("fight", ANYTHING, limit=9).alike.hits) == [("b", 1.0)]


def test_the_checkpoint_says_how_far_to_trust_its_words(tmp_path, outbox):
    desk = filled(tmp_path, outbox, words=word_table(trust="Half the time."))
    assert desk.words("fall", ANYTHING, limit=9).trust == "Half the time."


def test_unknown_words_and_a_checkpoint_without_words_find_only_what_is_written(tmp_path, outbox):
    desk = filled(tmp_path, outbox, seen("a", explanation="A giraffe."), words=word_table())
    found = desk.words("giraffe", ANYTHING, limit=9)
    assert ([event.id for event in found.said], found.alike.remark) == (["a"], UNKNOWN_WORDS)
    plain = filled(tmp_path, outbox)
    assert plain.words("giraffe", ANYTHING, limit=9).alike.remark == NO_MODEL
