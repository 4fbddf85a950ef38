"""Queries of requests in, checked values out; no request can read the whole log at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from daemon.event_log import EventFilter
from daemon.feedback import FeedbackCommand, words
from pipeline.types import EventKind

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_SEQ = 2**63 - 1  # SQLite's largest integer
_KNOWN = ("after", "limit", "camera", "kind", "label", "id")


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which messages are asked for; without `after` the newest ones."""

    which: EventFilter
    after: int | None
    limit: int


def parse_event_query(query: Mapping[str, str]) -> EventQuery:
    """Check a query string's values.

    Raises:
        ValueError: one sentence about the first parameter that cannot be used.
    """
    for name in query:
        if name not in _KNOWN:
            raise ValueError(f"unknown parameter {name!r}; there are {', '.join(_KNOWN)}")
    kind = query.get("kind")
    if kind is not None and kind not in list(EventKind):
        raise ValueError(f"kind must be one of {', '.join(EventKind)}")
    which = EventFilter(
        camera=query.get("camera"),
        kind=None if kind is None else EventKind(kind),
        label=query.get("label"),
        id=query.get("id"),
    )
    after = _whole_number(query, "after", at_least=0, at_most=MAX_SEQ)
    limit = _whole_number(query, "limit", at_least=1, at_most=MAX_LIMIT)
    return EventQuery(which, after, DEFAULT_LIMIT if limit is None else limit)


def parse_feedback_query(event_id: str, query: Mapping[str, str]) -> FeedbackCommand:
    """Check the path and the query of somebody's word on an event.

    Raises:
        ValueError: one sentence about the first value that cannot be used.
    """
    if "event" in query:
        raise ValueError("event is given by the path alone")
    try:
        return FeedbackCommand.model_validate({**query, "event": event_id})
    except ValidationError as error:
        raise ValueError(words(error)) from error


def _whole_number(query: Mapping[str, str], name: str, *, at_least: int, at_most: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    # isascii: int() would also take ١٢٣; the length keeps it from parsing a megabyte of digits.
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not at_least <= number <= at_most:
        raise ValueError(f"{name} must be a whole number from {at_least} to {at_most}")
    return number
