"""A filter in, a page of past events out: read beside the daemon's own writing, which never waits for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from daemon.event_log import (
    FILE_NAME,
    BegunFilter,
    EventFilter,
    select_archived,
    select_camera,
    select_events,
    select_labels,
    select_newest,
)
from daemon.payloads import EventMessage
from daemon.sql import reading
from daemon.telling import as_told
from pipeline.types import EventPhase

PAGE_EVENTS = 50
# An event that lasts for days has thousands of updates; its page tells the first ones.
MAX_MESSAGES = 500


@dataclass(frozen=True, slots=True)
class ArchivePage:
    """Events, the one that began last first, each by its newest message, with what was said while it lasted.

    `older` is the `before` of the next page, None where this is the last one.
    """

    events: tuple[EventMessage, ...]
    older: int | None


class ArchiveReader:
    """Reads the event log of a data folder; any thread may call."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME

    def page(self, which: BegunFilter, *, limit: int = PAGE_EVENTS) -> ArchivePage:
        """Return the next events that match."""
        with reading(self._path) as database:
            found = select_archived(database, which, limit=limit + 1)
            newest = (EventMessage.model_validate_json(entry.payload) for entry in found[:limit])
            events = tuple(_told(database, message) for message in newest)
        return ArchivePage(events, found[limit - 1].begun_seq if len(found) > limit else None)

    def messages(self, event_id: str, *, limit: int = MAX_MESSAGES) -> tuple[EventMessage, ...]:
        """Return an event's first messages, oldest first, and its newest; none of one that is not known."""
        with reading(self._path) as database:
            first = select_events(database, EventFilter(id=event_id), limit=limit)
            newest = select_newest(database, EventFilter(id=event_id), limit=1)
        found = first if first[-1:] == newest else (*first, *newest)
        return tuple(EventMessage.model_validate_json(entry.payload) for entry in found)

    def newest(self, event_ids: Iterable[str]) -> tuple[EventMessage, ...]:
        """Return each event that is known as it is told, in the order of the ids."""
        with reading(self._path) as database:
            found = [select_newest(database, EventFilter(id=event_id), limit=1) for event_id in event_ids]
            newest = (
                EventMessage.model_validate_json(entry.payload) for entries in found for entry in entries
            )
            return tuple(_told(database, message) for message in newest)

    def camera_of(self, event_id: str) -> str | None:
        """Return whose event it is, None where it is not known."""
        with reading(self._path) as database:
            return select_camera(database, event_id)

    def labels(self, cameras: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return every label that an event of these cameras has, or of any."""
        with reading(self._path) as database:
            return select_labels(database, cameras)


def _told(database: Connection, newest: EventMessage) -> EventMessage:
    """Return an event as it is told: only one that has ended needs the message before its newest."""
    if newest.type != EventPhase.END:
        return newest
    last = select_newest(database, EventFilter(id=newest.id), limit=2)
    return as_told([*(EventMessage.model_validate_json(entry.payload) for entry in last[:-1]), newest])
