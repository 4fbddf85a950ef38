"""What the pipeline finds in, the events that are like one, or like words, out; a Listener for any thread."""

import logging
import sqlite3
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from daemon.event_log import BegunFilter
from daemon.search.store import SearchStore
from daemon.search.vectors import Entry, Near, VectorTable
from models.clip_vector import F32
from pipeline.clock import Clock
from pipeline.trouble import Trouble
from pipeline.types import CameraState, CameraStatus, Event, EventPhase, Snapshot

logger = logging.getLogger(__name__)

# An event that has just begun may be on its way into the log.
YOUNG_S = 3600.0


class SearchIndex:
    """The vectors of the model in use in memory, all of it in a file; a file that fails never stops an event.

    `model` names what vectors come from, None where events get none.
    """

    def __init__(self, data_dir: Path, model: str | None, clock: Clock) -> None:
        self._store = SearchStore(data_dir)
        self._model = model
        self._clock = clock
        self._lock = threading.Lock()
        self._table = VectorTable()
        self._trouble = Trouble(
            logger,
            lambda reason: f"the search index cannot be used: {reason}; events are not affected",
            over="the search index can be used again",
        )

    def __enter__(self) -> Self:
        with self._lock:
            try:
                self._store.open()
                for stored in self._store.vectors(self._model) if self._model else ():
                    self._table.put(stored.entry, stored.vector)
            except (sqlite3.Error, OSError) as error:
                self._trouble.failed(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._store.close()

    @property
    def problem(self) -> str:
        """Why what was last to be written or read was not; empty where it was."""
        return self._trouble.reason

    @property
    def has_vectors(self) -> bool:
        """Whether events get vectors from the model in use."""
        return self._model is not None

    def on_event(self, event: Event) -> None:
        """Keep what a new or changed event is found by."""
        if event.phase is EventPhase.END:
            return
        with self._lock:
            if event.vector and self._model:
                self._table.put(_entry(event), event.vector)
            try:
                self._store.put(event, self._model)
            except sqlite3.Error as error:
                self._trouble.failed(error)
            else:
                self._trouble.succeeded()

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        """Take no notice."""

    def on_state(self, state: CameraState) -> None:
        """Take no notice."""

    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None:
        """Take no notice."""

    def vector(self, event_id: str) -> F32 | None:
        """Return an event's direction (D,); None where it has none of the model in use."""
        with self._lock:
            return self._table.vector(event_id)

    def nearest(
        self, direction: F32, which: BegunFilter, *, limit: int, without: str = ""
    ) -> tuple[Near, ...]:
        """Return the events nearest to a direction that match, the nearest first."""
        with self._lock:
            return self._table.nearest(direction, which, limit=limit, without=without)

    def said(self, words: str, which: BegunFilter, *, limit: int) -> tuple[str, ...]:
        """Return the ids of events of which all the words are written, the newest first."""
        try:
            return self._store.said(words, which, limit=limit)
        except sqlite3.Error as error:
            with self._lock:
                self._trouble.failed(error)
            return ()

    def prune(self) -> int:
        """Forget the events that the log has forgotten; return how many there were."""
        with self._lock:
            try:
                gone = self._store.prune(self._clock.utc_s() - YOUNG_S)
            except sqlite3.Error as error:
                self._trouble.failed(error)
                return 0
            self._table.drop(gone)
        return len(gone)


def _entry(event: Event) -> Entry:
    return Entry(event.id, event.camera, str(event.kind), event.label, event.start_utc_s)
