"""Events in, a file by which they are found out: vectors and words in SQLite, beside the log of events.

What is written of events can be taken from the log again; vectors cannot, so a damaged file is kept aside.
"""

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon.event_log import FILE_NAME as LOG_NAME
from daemon.event_log import BegunFilter
from daemon.search.vectors import Entry
from daemon.sql import all_of, reading, transaction
from pipeline.types import Event

logger = logging.getLogger(__name__)

FILE_NAME = "search.sqlite"
SCHEMA_VERSION = 1
# `said` has the number of its event as rowid. porter: "falls" finds "fall", too.
TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    camera TEXT NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    start_utc_s REAL NOT NULL,
    model TEXT,
    vector BLOB
);
CREATE VIRTUAL TABLE said USING fts5(
    label, camera, zones, explanation, tokenize = 'porter unicode61 remove_diacritics 2'
);
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""
PUT = """
INSERT INTO events (id, camera, kind, label, start_utc_s, model, vector)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    model = coalesce(excluded.model, model), vector = coalesce(excluded.vector, vector)
RETURNING number
"""
# What the log has and this file has not: it is new, or was damaged, or the daemon was killed between the two.
TAKE_EVENTS = """
INSERT INTO events (id, camera, kind, label, start_utc_s)
SELECT id, camera, kind, label, start_utc_s FROM log.events
WHERE phase = 'new' AND id NOT IN (SELECT id FROM events) ORDER BY seq
"""
TAKE_WORDS = """
INSERT INTO said (rowid, label, camera, zones, explanation)
SELECT found.number, found.label, found.camera,
    coalesce(json_extract(new.payload, '$.zones'), ''), json_extract(new.payload, '$.explanation')
FROM events AS found JOIN log.events AS new ON new.id = found.id AND new.phase = 'new'
WHERE found.number > ?
"""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Stored:
    """An event and its packed vector."""

    entry: Entry
    vector: bytes


class SearchStore:
    """One connection for writing, used by one thread at a time; words are looked up beside it."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._log = data_dir / LOG_NAME
        self._database: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open or create the file, and take from the log what it has not; a damaged file is put aside.

        Raises:
            sqlite3.Error: The disk does not take it.
        """
        try:
            self._database = self._connect()
        except sqlite3.DatabaseError as error:
            if not self._path.exists() or isinstance(error, sqlite3.OperationalError):
                raise
            aside = self._put_aside()
            logger.warning(
                "%s is damaged (%s) and now lies at %s: older events are found by words, not by example",
                self._path,
                error,
                aside,
            )
            self._database = self._connect()
        self._catch_up(self._database)

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    @property
    def size_bytes(self) -> int:
        """Return what the file takes on disk, without what is still being written."""
        return self._path.stat().st_size

    def put(self, event: Event, model: str | None) -> None:
        """Keep what an event is found by; an end says nothing new.

        Raises:
            sqlite3.Error: The disk does not take it, or the file is not open.
        """
        database = self._opened()
        row = (event.id, event.camera, str(event.kind), event.label, event.start_utc_s)
        vector = event.vector or None
        words = (event.label, event.camera, " ".join(event.zones), event.explanation)
        with transaction(database):
            (number,) = database.execute(PUT, (*row, model if vector else None, vector)).fetchone()
            database.execute("DELETE FROM said WHERE rowid = ?", (number,))
            database.execute(
                "INSERT INTO said (rowid, label, camera, zones, explanation) VALUES (?, ?, ?, ?, ?)",
                (number, *words),
            )

    def vectors(self, model: str) -> Iterator[Stored]:
        """Yield the vectors of one model; those of others have nothing to do with them.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        query = "SELECT id, camera, kind, label, start_utc_s, vector FROM events WHERE model = ?"
        for *fields, vector in self._opened().execute(query, (model,)):
            yield Stored(Entry(*fields), vector)

    def said(self, words: str, which: BegunFilter, *, limit: int) -> tuple[str, ...]:
        """Return the ids of events of which all the words are written, the newest first.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        asked = match_of(words)
        if not asked or which.cameras == ():
            return ()
        conditions, values = _conditions(which)
        query = f"""
            SELECT events.id FROM said JOIN events ON events.number = said.rowid
            WHERE {conditions} said MATCH ? ORDER BY said.rowid DESC LIMIT {int(limit)}
        """  # noqa: S608 - our own words and an integer; every value is bound
        with reading(self._path) as database:
            return tuple(event_id for (event_id,) in database.execute(query, (*values, asked)))

    def prune(self, before_utc_s: float) -> tuple[str, ...]:
        """Forget the events that the log no longer has and that began before a time; return their ids.

        Raises:
            sqlite3.Error: The disk does not take it.
        """
        database = self._opened()
        query = """
            SELECT number, id FROM events
            WHERE start_utc_s < ? AND id NOT IN (SELECT id FROM log.events)
        """
        with self._log_attached(database):
            gone = database.execute(query, (before_utc_s,)).fetchall()
        with transaction(database):
            numbers = [(number,) for number, _ in gone]
            database.executemany("DELETE FROM said WHERE rowid = ?", numbers)
            database.executemany("DELETE FROM events WHERE number = ?", numbers)
        return tuple(event_id for _, event_id in gone)

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise sqlite3.OperationalError("the search index is not open")
        return self._database

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(
            self._path.resolve().as_uri(), isolation_level=None, check_same_thread=False, uri=True
        )
        try:
            _prepare(database)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _put_aside(self) -> Path:
        aside = self._path.with_suffix(".damaged")
        self._path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        return aside

    def _catch_up(self, database: sqlite3.Connection) -> None:
        if not self._log.is_file():
            return
        with self._log_attached(database), transaction(database):
            newest = database.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()[0]
            database.execute(TAKE_EVENTS)
            database.execute(TAKE_WORDS, (newest,))

    @contextmanager
    def _log_attached(self, database: sqlite3.Connection) -> Iterator[None]:
        database.execute("ATTACH ? AS log", (f"{self._log.resolve().as_uri()}?mode=ro",))
        try:
            yield
        finally:
            database.execute("DETACH log")


def match_of(words: str) -> str:
    """Return the question for FTS5: all words, the last one also as a beginning. `a "b` is `"a" "b"*`."""
    found = [f'"{word}"' for word in _WORD.findall(words)]
    return f"{' '.join(found)}*" if found else ""


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables in an empty file; refuse a damaged one, or one of another version.

    Raises:
        sqlite3.DatabaseError: It cannot be used.
    """
    database.execute("PRAGMA journal_mode=WAL")
    # Without a wait for the disk at every event: a kill loses nothing, a power cut the last moments.
    database.execute("PRAGMA synchronous=NORMAL")
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if verdict != "ok" or version not in {0, SCHEMA_VERSION}:
        raise sqlite3.DatabaseError(verdict if verdict != "ok" else f"schema {version}")
    if version == 0:
        database.executescript(TABLES)


def _conditions(which: BegunFilter) -> tuple[str, tuple[object, ...]]:
    return all_of(
        {
            "events.camera = ?": which.camera,
            "events.kind = ?": None if which.kind is None else str(which.kind),
            "events.label = ?": which.label,
            "start_utc_s >= ?": which.since_utc_s,
            "start_utc_s < ?": which.until_utc_s,
            "events.camera IN": which.cameras,
        }
    )
