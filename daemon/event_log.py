"""The event log's tables in SQLite and how they are read, by the daemon and beside it."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon.sql import all_of, reading
from pipeline.errors import SettingsError
from pipeline.feedback import Lesson, Verdict
from pipeline.types import EventKind, Sight

FILE_NAME = "videobertd.sqlite"
SCHEMA_VERSION = 2

# AUTOINCREMENT remembers the highest seq ever given, also where its row was pruned.
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    camera TEXT NOT NULL,
    phase TEXT NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    start_utc_s REAL NOT NULL,
    written_utc_s REAL NOT NULL,
    pending INTEGER NOT NULL,
    payload TEXT NOT NULL,
    sights TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX events_by_id ON events (id, seq);
CREATE INDEX events_by_camera ON events (camera, seq);
CREATE INDEX events_by_time ON events (written_utc_s);
CREATE INDEX events_pending ON events (seq) WHERE pending = 1;
CREATE TABLE switches (
    camera TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (camera, name)
) WITHOUT ROWID;
"""
# What people said of events; what was seen of them is kept here too, as the events themselves are pruned.
FEEDBACK_TABLE = """
CREATE TABLE feedback (
    number INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL,
    camera TEXT NOT NULL,
    verdict TEXT NOT NULL,
    start_utc_s REAL NOT NULL,
    sights TEXT NOT NULL,
    given_utc_s REAL NOT NULL,
    given_by TEXT,
    model TEXT
);
CREATE INDEX feedback_by_camera ON feedback (camera, number);
"""
# From each older version to the next.
MIGRATIONS = {1: f"ALTER TABLE events ADD COLUMN sights TEXT NOT NULL DEFAULT '[]'; {FEEDBACK_TABLE}"}


# What the archive looks through: everything that it filters by, and nothing else, of each event's beginning.
INDEXES = """
CREATE INDEX IF NOT EXISTS events_begun ON events (seq, start_utc_s, camera, kind, label, phase, id)
    WHERE phase = 'new';
"""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One message of the log; `payload` is its JSON as sent, `pending` until the broker has it."""

    seq: int
    camera: str
    payload: str
    pending: bool


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which messages are wanted; None wants all."""

    camera: str | None = None
    kind: EventKind | None = None
    label: str | None = None
    id: str | None = None
    since_utc_s: float | None = None
    cameras: tuple[str, ...] | None = None


EVERYTHING = EventFilter()


@dataclass(frozen=True, slots=True)
class BegunFilter:
    """Which events are wanted, by how they began; None wants all.

    `until_utc_s` is excluded, and so is `before`, the seq of a beginning.
    """

    camera: str | None = None
    kind: EventKind | None = None
    label: str | None = None
    since_utc_s: float | None = None
    until_utc_s: float | None = None
    before: int | None = None
    cameras: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ArchivedEvent:
    """An event: the seq of the message that began it, and its newest message as sent."""

    begun_seq: int
    payload: str


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """What feedback needs to know of an event; `model` is the one that decided."""

    camera: str
    kind: EventKind
    start_utc_s: float
    sights: tuple[Sight, ...]
    model: str | None
    label: str


@dataclass(frozen=True, slots=True)
class StoredFeedback:
    """Somebody's word on an event as it is kept; `given_by` is None where nobody said who."""

    camera: str
    lesson: Lesson
    given_utc_s: float
    given_by: str | None
    model: str | None


def create_or_check(database: sqlite3.Connection, path: Path, *, is_read_only: bool = False) -> None:
    """Create the tables in an empty file, bring an older one up to date, refuse a newer or a damaged one.

    Readers need none of what later versions added.

    Raises:
        SettingsError: The file cannot be used.
    """
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise SettingsError(f"{path} is damaged ({verdict}): move it away to start with an empty event log")
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        database.executescript(f"BEGIN IMMEDIATE; {TABLES} {FEEDBACK_TABLE}")
        database.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
        database.execute("COMMIT")
        return
    version = int(database.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()[0])
    if version > SCHEMA_VERSION:
        newer = f"was written by a newer videobertd (schema {version}; this one knows {SCHEMA_VERSION})"
        raise SettingsError(f"{path} {newer}: install that version, or move the file away")
    if version < SCHEMA_VERSION and not is_read_only:
        steps = " ".join(MIGRATIONS[old] for old in range(version, SCHEMA_VERSION))
        database.executescript(f"BEGIN IMMEDIATE; {steps}")
        database.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(SCHEMA_VERSION),))
        database.execute("COMMIT")


def select_events(
    database: sqlite3.Connection, which: EventFilter = EVERYTHING, *, after: int = 0, limit: int = 100
) -> tuple[LoggedEvent, ...]:
    """Return the first `limit` messages with a seq above `after`, oldest first."""
    return _select(database, which, f"seq > {int(after)} ORDER BY seq LIMIT {int(limit)}")


def select_newest(
    database: sqlite3.Connection, which: EventFilter = EVERYTHING, *, limit: int = 100
) -> tuple[LoggedEvent, ...]:
    """Return the last `limit` messages, oldest first."""
    return _select(database, which, f"TRUE ORDER BY seq DESC LIMIT {int(limit)}")[::-1]


def select_pending(database: sqlite3.Connection, *, after: int, limit: int) -> tuple[LoggedEvent, ...]:
    """Return the first `limit` messages above `after` that the broker has not acknowledged."""
    return _select(
        database, EVERYTHING, f"pending = 1 AND seq > {int(after)} ORDER BY seq LIMIT {int(limit)}"
    )


def select_open(database: sqlite3.Connection) -> tuple[LoggedEvent, ...]:
    """Return the newest message of each event that has not ended."""
    query = """
        SELECT seq, camera, payload, pending FROM events WHERE seq IN
            (SELECT max(seq) FROM events GROUP BY id HAVING sum(phase = 'end') = 0)
        ORDER BY seq
    """
    return tuple(LoggedEvent(seq, camera, text, bool(p)) for seq, camera, text, p in database.execute(query))


def select_archived(
    database: sqlite3.Connection, which: BegunFilter, *, limit: int
) -> tuple[ArchivedEvent, ...]:
    """Return the last `limit` events that match, the one that began last first."""
    if which.cameras == ():
        return ()  # SQLite finds no way to look through an index for one of nothing
    conditions = {
        "camera = ?": which.camera,
        "kind = ?": None if which.kind is None else str(which.kind),
        "label = ?": which.label,
        "start_utc_s >= ?": which.since_utc_s,
        "start_utc_s < ?": which.until_utc_s,
        "seq < ?": which.before,
        "camera IN": which.cameras,
    }
    where, values = all_of(conditions)
    query = f"""
        SELECT begun.seq, (SELECT payload FROM events WHERE id = begun.id ORDER BY seq DESC LIMIT 1)
        FROM (SELECT seq, id FROM events INDEXED BY events_begun
              WHERE {where} phase = 'new' ORDER BY seq DESC LIMIT {int(limit)}) AS begun
        ORDER BY begun.seq DESC
    """  # noqa: S608 - our own words and an integer; every value is bound
    return tuple(ArchivedEvent(seq, payload) for seq, payload in database.execute(query, values))


def select_labels(database: sqlite3.Connection, cameras: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return every label that an event of these cameras has, or of any, in order."""
    if cameras == ():
        return ()
    where, values = all_of({"camera IN": cameras})
    query = f"SELECT DISTINCT label FROM events INDEXED BY events_begun WHERE {where} phase = 'new'"  # noqa: S608
    return tuple(sorted(label for (label,) in database.execute(query, values)))


def select_camera(database: sqlite3.Connection, event_id: str) -> str | None:
    """Return whose event it is, None where it is not known."""
    row = database.execute("SELECT camera FROM events WHERE id = ? LIMIT 1", (event_id,)).fetchone()
    return None if row is None else str(row[0])


def select_trace(database: sqlite3.Connection, event_id: str) -> TracedEvent | None:
    """Return what is known of an event by its newest message; None where there is no such event."""
    query = """
        SELECT camera, kind, start_utc_s, sights, json_extract(payload, '$.model'), label FROM events
        WHERE id = ? ORDER BY seq DESC LIMIT 1
    """
    row = database.execute(query, (event_id,)).fetchone()
    return row and TracedEvent(row[0], EventKind(row[1]), row[2], sights_from_text(row[3]), row[4], row[5])


def select_feedback(database: sqlite3.Connection, camera: str) -> tuple[StoredFeedback, ...]:
    """Return all that was said of a camera's events, oldest first."""
    query = """
        SELECT event_id, verdict, start_utc_s, sights, given_utc_s, given_by, model FROM feedback
        WHERE camera = ? ORDER BY number
    """
    return tuple(
        StoredFeedback(camera, Lesson(event_id, Verdict(verdict), began_s, sights_from_text(sights)), *rest)
        for event_id, verdict, began_s, sights, *rest in database.execute(query, (camera,))
    )


def feedback_row(stored: StoredFeedback) -> tuple[object, ...]:
    """Return the columns of a feedback but its number."""
    lesson = stored.lesson
    sights, verdict = sights_text(lesson.sights), str(lesson.verdict)
    said = (lesson.event_id, stored.camera, verdict, lesson.began_s, sights)
    return (*said, stored.given_utc_s, stored.given_by, stored.model)


def sights_text(sights: tuple[Sight, ...]) -> str:
    """Return sights as JSON."""
    return json.dumps(
        [[sight.part, sight.signature, sight.strength] for sight in sights], separators=(",", ":")
    )


def sights_from_text(text: str) -> tuple[Sight, ...]:
    """Return the sights that `sights_text` wrote."""
    return tuple(Sight(part, tuple(signature), strength) for part, signature, strength in json.loads(text))


@contextmanager
def open_log(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Open the log of a running or a stopped daemon for reading only, as `videobertd events` does.

    Raises:
        SettingsError: There is no log in that folder, or it cannot be read.
    """
    path = data_dir / FILE_NAME
    if not path.is_file() or not os.access(path, os.R_OK):
        raise SettingsError(f"{path} cannot be read: has the daemon run with this data_dir?")
    with reading(path) as database:
        try:
            create_or_check(database, path, is_read_only=True)
        except sqlite3.DatabaseError as error:
            raise SettingsError(f"{path} cannot be read: {error}") from error
        yield database


def _select(database: sqlite3.Connection, which: EventFilter, tail: str) -> tuple[LoggedEvent, ...]:
    """Run the query; `tail` holds only our own words and integers, every value is bound."""
    conditions = {
        "camera = ?": which.camera,
        "kind = ?": None if which.kind is None else str(which.kind),
        "label = ?": which.label,
        "id = ?": which.id,
        "written_utc_s >= ?": which.since_utc_s,
        "camera IN": which.cameras,
    }
    where, values = all_of(conditions)
    query = f"SELECT seq, camera, payload, pending FROM events WHERE {where}{tail}"  # noqa: S608
    rows = database.execute(query, values)
    return tuple(LoggedEvent(seq, camera, text, bool(pending)) for seq, camera, text, pending in rows)
