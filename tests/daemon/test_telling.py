"""What people are told of an event that has ended, or that goes on."""

from daemon.event_log import LoggedEvent
from daemon.pages import latest_by_event
from daemon.payloads import EventMessage
from daemon.telling import as_told
from tests.backstages import logged

BEGUN = {"explanation": "Moves fast.", "p_value": 0.01}
OVER = {"type": "end", "explanation": "The picture is as usual again.", "end_utc": "2026-11-22T10:00:09.000Z"}


def message(seq: int, **changes: object) -> EventMessage:
    """Return a message of one event."""
    return EventMessage.model_validate_json(logged(seq, **changes).payload)


def test_of_an_event_that_has_ended_it_is_told_what_was_seen_last():
    told = as_told([message(1), message(2, type="update", **BEGUN), message(3, **OVER)])
    assert (told.type, told.seq, told.end_utc) == ("end", 3, OVER["end_utc"])
    assert (told.explanation, told.p_value) == ("Moves fast.", 0.01)


def test_an_event_that_goes_on_is_told_by_its_newest_message():
    newest = message(2, type="update", **BEGUN)
    assert as_told([message(1), newest]) is newest


def test_an_end_whose_beginning_is_not_kept_speaks_for_itself():
    end = message(3, **OVER)
    assert as_told([end]) is end


def test_the_first_page_tells_of_ended_events_in_the_same_way():
    log: list[LoggedEvent] = [logged(1, **BEGUN), logged(2, **OVER)]
    (told,) = latest_by_event(log)
    assert (told.explanation, told.type) == ("Moves fast.", "end")
