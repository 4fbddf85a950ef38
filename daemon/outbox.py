"""Events in, and out when the broker has them: an SQLite file that survives `kill -9` and a full disk."""

import fcntl
import json
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from daemon.event_log import (
    EVERYTHING,
    FILE_NAME,
    INDEXES,
    EventFilter,
    LoggedEvent,
    StoredFeedback,
    TracedEvent,
    create_or_check,
    feedback_row,
    select_events,
    select_feedback,
    select_newest,
    select_open,
    select_pending,
    select_trace,
    sights_text,
)
from daemon.payloads import parse_event
from daemon.sql import transaction
from pipeline.clock import Clock
from pipeline.errors import SettingsError
from pipeline.metrics import Metrics
from pipeline.trouble import Trouble
from pipeline.types import Event, EventPhase

logger = logging.getLogger(__name__)

# While the disk is full, messages wait in memory: about 1.5 kB each, so 15 MB at most.
MAX_UNWRITTEN = 10_000
RETRY_S = 1.0
PRUNE_BATCH = 500


@dataclass(frozen=True, slots=True)
class Retention:
    """How long acknowledged events are kept: `keep_days` at most, and the newest `keep_rows` at most."""

    keep_days: float = 30.0
    keep_rows: int = 1_000_000


@dataclass(frozen=True, slots=True)
class StorageHealth:
    """Whether events reach the disk, and if not, why; `unwritten` messages wait in memory."""

    ok: bool
    reason: str = ""
    unwritten: int = 0


@dataclass(frozen=True, slots=True)
class _Unwritten:
    """A message that has its seq but is not on disk."""

    event: Event
    written_utc_s: float
    logged: LoggedEvent


class Outbox:
    """The event log with its mark of what is pending; one connection behind one lock, for all threads.

    `render` makes the payload of an event under its seq. `wake` is called after every append.
    """

    def __init__(
        self,
        data_dir: Path,
        render: Callable[[Event, int], str],
        *,
        clock: Clock,
        metrics: Metrics,
        wake: Callable[[], None] = lambda: None,
        retention: Retention = Retention(),
        max_unwritten: int = MAX_UNWRITTEN,
    ) -> None:
        self._path = data_dir / FILE_NAME
        self._render = render
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._retention = retention
        self._max_unwritten = max_unwritten
        self._lock = threading.Lock()
        self._open_files = ExitStack()
        self._database: sqlite3.Connection
        self._last_seq = 0
        self._pending = 0
        self._captured_s: dict[int, float] = {}
        self._unwritten: deque[_Unwritten] = deque()
        self._acknowledged: set[int] = set()
        self._trouble = Trouble(
            logger,
            lambda reason: f"events cannot be written to {self._path}: {reason}; they wait in memory",
            over=f"events are written to {self._path} again",
        )
        self._next_try_s = float("-inf")

    def __enter__(self) -> Self:
        """Open or create the file.

        Raises:
            SettingsError: It is damaged, of a newer version, in use by another daemon, or not writable.
        """
        with ExitStack() as files:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                hold_lock(files, self._path)
                self._open(files)
            except sqlite3.DatabaseError as error:
                raise SettingsError(
                    f"{self._path} cannot be used as the event log: {error}; {_advice(error)}"
                ) from error
            except OSError as error:
                raise SettingsError(
                    f"data_dir {self._path.parent} cannot be used: {error.strerror}"
                ) from error
            self._open_files = files.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._next_try_s = float("-inf")
            self._write_back()
            self._open_files.close()

    @property
    def health(self) -> StorageHealth:
        """How the disk takes the events."""
        with self._lock:
            return StorageHealth(not self._trouble.reason, self._trouble.reason, len(self._unwritten))

    @property
    def last_seq(self) -> int:
        """The newest seq given; 0 before the first."""
        return self._last_seq

    @property
    def pending_count(self) -> int:
        """How many messages the broker has not acknowledged."""
        return self._pending

    def append(self, event: Event) -> int:
        """Give `event` the next seq and store it; on return it is on disk, or in memory while that fails."""
        with self._lock:
            seq = self._last_seq + 1
            logged = LoggedEvent(seq, event.camera, self._render(event, seq), pending=True)
            self._last_seq = seq
            if event.captured_s > 0:
                self._captured_s[seq] = event.captured_s
            self._unwritten.append(_Unwritten(event, self._clock.utc_s(), logged))
            self._count_pending(+1)
            self._write_back()
        self._wake()
        return seq

    def pending(self, after_seq: int = 0, limit: int = 100) -> tuple[LoggedEvent, ...]:
        """Return the first `limit` messages above `after_seq` that are not acknowledged, in order."""
        with self._lock:
            margin = limit + len(self._acknowledged)
            stored = select_pending(self._database, after=after_seq, limit=margin)
            waiting = (item.logged for item in self._unwritten if item.logged.seq > after_seq)
            rows = (row for row in (*stored, *waiting) if row.seq not in self._acknowledged)
            return tuple(row for row, _ in zip(rows, range(limit), strict=False))

    def acknowledge(self, seqs: Collection[int]) -> dict[int, float]:
        """Mark messages as delivered; return `captured_s` for those of this process run."""
        with self._lock:
            self._acknowledged.update(seqs)
            self._count_pending(-len(seqs))
            self._write_back()
            return {seq: self._captured_s.pop(seq) for seq in seqs if seq in self._captured_s}

    def retry(self) -> None:
        """Try once more to write what the disk refused."""
        with self._lock:
            if self._unwritten or self._acknowledged:
                self._write_back()

    def open_events(self) -> tuple[Event, ...]:
        """Return the newest state of each event that has begun and not ended: after a crash, end them."""
        with self._lock:
            return tuple(parse_event(row.payload) for row in select_open(self._database))

    def events(
        self, which: EventFilter = EVERYTHING, *, after: int = 0, limit: int = 100
    ) -> tuple[LoggedEvent, ...]:
        """Return the first `limit` stored messages with a seq above `after`."""
        with self._lock:
            return select_events(self._database, which, after=after, limit=limit)

    def newest(self, which: EventFilter = EVERYTHING, *, limit: int = 100) -> tuple[LoggedEvent, ...]:
        """Return the last `limit` stored messages, oldest first."""
        with self._lock:
            return select_newest(self._database, which, limit=limit)

    def prune(self) -> int:
        """Delete ended, acknowledged events beyond the retention; return how many messages went.

        At most `PRUNE_BATCH` go in one call, so that no append waits long for the lock.
        """
        oldest_utc_s = self._clock.utc_s() - self._retention.keep_days * 86400
        query = """
            DELETE FROM events WHERE seq IN (
                SELECT seq FROM events AS old WHERE seq <= ?
                    AND EXISTS (SELECT 1 FROM events WHERE id = old.id AND phase = 'end')
                    AND NOT EXISTS (SELECT 1 FROM events WHERE id = old.id AND pending = 1)
                ORDER BY seq LIMIT ?)
        """
        with self._lock:
            last = "SELECT coalesce(max(seq), 0) FROM events WHERE written_utc_s < ?"
            by_age = self._database.execute(last, (oldest_utc_s,)).fetchone()[0]
            by_count = self._last_seq - self._retention.keep_rows
            return self._attempt(query, [(max(by_age, by_count), PRUNE_BATCH)])

    def switches(self, camera: str) -> dict[str, str]:
        """Return the switches of a camera that were turned, by name."""
        query = "SELECT name, value FROM switches WHERE camera = ?"
        with self._lock:
            return dict(self._database.execute(query, (camera,)).fetchall())

    def save_switch(self, camera: str, name: str, value: str) -> None:
        """Keep a switch's position for the next start."""
        with self._lock:
            self._attempt("INSERT OR REPLACE INTO switches VALUES (?, ?, ?)", [(camera, name, value)])

    def forget_switch(self, camera: str, name: str) -> None:
        """Let the settings say again how a switch stands."""
        with self._lock:
            self._attempt("DELETE FROM switches WHERE camera = ? AND name = ?", [(camera, name)])

    def trace(self, event_id: str) -> TracedEvent | None:
        """Return what feedback needs to know of an event; None where there is no such event on disk."""
        with self._lock:
            return select_trace(self._database, event_id)

    def feedback(self, camera: str) -> tuple[StoredFeedback, ...]:
        """Return all that was said of a camera's events, oldest first."""
        with self._lock:
            return select_feedback(self._database, camera)

    def save_feedback(self, stored: StoredFeedback) -> bool:
        """Keep somebody's word on an event; say whether the disk took it."""
        with self._lock:
            query = "INSERT INTO feedback VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
            return self._attempt(query, [feedback_row(stored)]) == 1

    def exchange_cameras(self, names: Iterable[str]) -> frozenset[str]:
        """Remember the cameras of these settings; return those of the last ones that are gone."""
        now = frozenset(names)
        with self._lock:
            row = self._database.execute("SELECT value FROM meta WHERE key = 'cameras'").fetchone()
            before = frozenset(json.loads(row[0])) if row else frozenset()
            if before != now:
                text = json.dumps(sorted(now))
                self._attempt("INSERT OR REPLACE INTO meta VALUES ('cameras', ?)", [(text,)])
        return before - now

    def _open(self, files: ExitStack) -> None:
        database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        files.callback(database.close)
        database.execute("PRAGMA journal_mode=WAL")
        create_or_check(database, self._path)
        database.executescript(INDEXES)
        row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        self._last_seq, self._database = row[0] if row else 0, database
        self._count_pending(database.execute("SELECT count(*) FROM events WHERE pending = 1").fetchone()[0])

    def _write_back(self) -> None:
        """Write what is not on disk, in one transaction; on failure all of it stays in memory.

        While the disk refuses, it is asked once in `RETRY_S`: every try writes all that waits.
        """
        if self._clock.monotonic_s() < self._next_try_s:
            self._forget_oldest()
            return
        rows = [_row(item) for item in self._unwritten]
        try:
            # An acknowledgement may be lost with the power (the event is sent twice), an event may not.
            self._database.execute(f"PRAGMA synchronous={'FULL' if rows else 'NORMAL'}")
            with transaction(self._database):
                self._database.executemany(
                    "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
                )
                acknowledged = [(seq,) for seq in self._acknowledged]
                self._database.executemany("UPDATE events SET pending = 0 WHERE seq = ?", acknowledged)
        except sqlite3.Error as error:
            self._note_failure(error)
            return
        self._unwritten.clear()
        self._acknowledged.clear()
        self._note_success()

    def _attempt(self, query: str, rows: list[tuple[object, ...]]) -> int:
        """Write something that may be lost, rather than stop the program."""
        try:
            with transaction(self._database):
                count = self._database.executemany(query, rows).rowcount
        except sqlite3.Error as error:
            self._note_failure(error)
            return 0
        return count

    def _note_failure(self, error: sqlite3.Error) -> None:
        self._metrics.outbox_errors.inc()
        self._trouble.failed(error)
        self._next_try_s = self._clock.monotonic_s() + RETRY_S
        self._forget_oldest()

    def _note_success(self) -> None:
        self._trouble.succeeded()
        self._next_try_s = float("-inf")

    def _forget_oldest(self) -> None:
        """Keep the memory bounded; where a message is lost undelivered, the gap in seq will tell."""
        while len(self._unwritten) > self._max_unwritten:
            seq = self._unwritten.popleft().logged.seq
            if seq in self._acknowledged:
                self._acknowledged.discard(seq)
                continue
            self._captured_s.pop(seq, None)
            self._count_pending(-1)
            logger.error("the event message with seq %d is lost: the disk is full and so is the memory", seq)

    def _count_pending(self, change: int) -> None:
        self._pending += change
        self._metrics.outbox_pending.set(self._pending)


def end_open_events(outbox: Outbox, clock: Clock) -> int:
    """End what a crash left open, so that each new is followed by an end; return how many there were."""
    left_open = outbox.open_events()
    for event in left_open:
        words = f"{event.explanation} (ended because the daemon was restarted)"
        outbox.append(replace(event, phase=EventPhase.END, end_utc_s=clock.utc_s(), explanation=words))
    return len(left_open)


def _advice(error: sqlite3.DatabaseError) -> str:
    """Return what to do about a log that cannot be opened; a sound one on a full disk is not to be moved."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return "repair it, or move it away to start with an empty one"
    return "can its folder be written, and is there room on the disk?"


def _row(item: _Unwritten) -> tuple[object, ...]:
    event, logged = item.event, item.logged
    return (
        logged.seq,
        event.id,
        event.camera,
        str(event.phase),
        str(event.kind),
        event.label,
        event.start_utc_s,
        item.written_utc_s,
        int(logged.pending),
        logged.payload,
        sights_text(event.sights),
    )


def hold_lock(files: ExitStack, path: Path) -> None:
    """Keep a second daemon out: the lock goes with the process, however it ends.

    Raises:
        SettingsError: Another process holds it.
    """
    lock = files.enter_context(path.with_suffix(".lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SettingsError(f"another videobertd is running with data_dir {path.parent}") from error
