"""The event log's tables in SQLite and how they are read, by the daemon and beside it."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.types import EventKind

FILE_NAME = "videobertd.sqlite"
SCHEMA_VERSION = 1

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
    payload TEXT NOT NULL
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


@dataclass(frozen=True, slots=True)
class ArchivedEvent:
    """An event: the seq of the message that began it, and its newest message as sent."""

    begun_seq: int
    payload: str


def create_or_check(database: sqlite3.Connection, path: Path) -> None:
    """Create the tables in an empty file; refuse a file of a newer version, or a damaged one.

    Raises:
        SettingsError: The file cannot be used.
    """
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise SettingsError(f"{path} is damaged ({verdict}): move it away to start with an empty event log")
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        database.executescript(f"BEGIN IMMEDIATE; {TABLES}")
        database.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
        database.execute("COMMIT")
        return
    version = int(database.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()[0])
    if version > SCHEMA_VERSION:
        newer = f"was written by a newer videobertd (schema {version}; this one knows {SCHEMA_VERSION})"
        raise SettingsError(f"{path} {newer}: install that version, or move the file away")


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
    conditions = {
        "camera = ?": which.camera,
        "kind = ?": None if which.kind is None else str(which.kind),
        "label = ?": which.label,
        "start_utc_s >= ?": which.since_utc_s,
        "start_utc_s < ?": which.until_utc_s,
        "seq < ?": which.before,
    }
    where, values = _where(conditions)
    query = f"""
        SELECT begun.seq, (SELECT payload FROM events WHERE id = begun.id ORDER BY seq DESC LIMIT 1)
        FROM (SELECT seq, id FROM events INDEXED BY events_begun
              WHERE {where} phase = 'new' ORDER BY seq DESC LIMIT {int(limit)}) AS begun
        ORDER BY begun.seq DESC
    """  # noqa: S608 - our own words and an integer; every value is bound
    return tuple(ArchivedEvent(seq, payload) for seq, payload in database.execute(query, values))


def select_labels(database: sqlite3.Connection) -> tuple[str, ...]:
    """Return every label that an event of the log has, in order."""
    rows = database.execute("SELECT DISTINCT label FROM events INDEXED BY events_begun WHERE phase = 'new'")
    return tuple(sorted(label for (label,) in rows))


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the log for reading beside whoever writes it; nobody waits for the other."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        yield database


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
            create_or_check(database, path)
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
    }
    where, values = _where(conditions)
    query = f"SELECT seq, camera, payload, pending FROM events WHERE {where}{tail}"  # noqa: S608
    rows = database.execute(query, values)
    return tuple(LoggedEvent(seq, camera, text, bool(pending)) for seq, camera, text, pending in rows)


def _where(conditions: Mapping[str, object]) -> tuple[str, tuple[object, ...]]:
    """Return the conditions that have a value, each followed by AND, and their values."""
    wanted = {text: value for text, value in conditions.items() if value is not None}
    return "".join(f"{text} AND " for text in wanted), tuple(wanted.values())
