"""A mark in, the event log's messages behind it out: read beside the writing, which never waits for it."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from daemon.event_log import FILE_NAME
from daemon.notify.service import ServiceError
from daemon.payloads import EventMessage
from daemon.sql import reading

BATCH = 100


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A message, and when it was written."""

    message: EventMessage
    written_utc_s: float


class Messages(Protocol):
    """Where the messages come from."""

    def last_seq(self) -> int:
        """Return the newest message's seq; 0 before the first."""

    def after(self, seq: int) -> tuple[LogEntry, ...]:
        """Return the next messages behind `seq`, oldest first; none where there are no more.

        Raises:
            ServiceError: the log cannot be read.
        """


class LoggedMessages:
    """The event log of a data folder; `newest_seq` is asked first, so that a quiet log is not opened."""

    def __init__(self, data_dir: Path, newest_seq: Callable[[], int]) -> None:
        self._path = data_dir / FILE_NAME
        self._newest_seq = newest_seq

    def last_seq(self) -> int:
        """Return the newest message's seq; 0 before the first."""
        return self._newest_seq()

    def after(self, seq: int) -> tuple[LogEntry, ...]:
        """Return the next messages behind `seq`.

        Raises:
            ServiceError: the log cannot be read.
        """
        if self._newest_seq() <= seq:
            return ()
        query = "SELECT payload, written_utc_s FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
        try:
            with reading(self._path) as database:
                rows = database.execute(query, (seq, BATCH)).fetchall()
        except sqlite3.Error as error:
            raise ServiceError("log", f"the event log cannot be read: {error}") from error
        return tuple(LogEntry(EventMessage.model_validate_json(text), written_s) for text, written_s in rows)
