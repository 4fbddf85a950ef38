"""The retained topics as they should stand on the broker, kept here so that every new connection gets all."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.clock import Clock


@dataclass(frozen=True, slots=True)
class Notice:
    """One retained message; an empty payload takes the topic off the broker."""

    topic: str
    payload: bytes
    qos: int


@dataclass(slots=True)
class _Entry:
    """What should stand under a topic, and what was sent last."""

    payload: bytes
    qos: int
    min_interval_s: float
    sent: bytes | None = None
    sent_s: float = float("-inf")


class Board:
    """Takes what should stand from any thread, gives what must be sent to the publisher.

    A payload that is already there is not sent again; where `min_interval_s` holds one back, only the
    newest is sent when its time has come. `wake` is called when something new is to be sent.
    """

    def __init__(self, clock: Clock, wake: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._wake = wake
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._dirty: dict[str, None] = {}  # an ordered set: first changed, first sent

    def put(self, topic: str, payload: bytes, *, qos: int = 1, min_interval_s: float = 0.0) -> None:
        """Let `payload` stand under `topic`."""
        with self._lock:
            entry = self._entries.setdefault(topic, _Entry(payload, qos, min_interval_s))
            entry.payload, entry.qos, entry.min_interval_s = payload, qos, min_interval_s
            if entry.sent == payload:
                self._dirty.pop(topic, None)
                return
            self._dirty[topic] = None
        self._wake()

    def clear(self, topics: Iterable[str]) -> None:
        """Take `topics` off the broker, now and after every reconnect."""
        for topic in topics:
            self.put(topic, b"")

    def repeat(self, topics: Iterable[str]) -> None:
        """Send what stands under `topics` once more, without waiting."""
        with self._lock:
            known = [topic for topic in topics if topic in self._entries]
            for topic in known:
                self._entries[topic].sent = None
                self._entries[topic].sent_s = float("-inf")
                self._dirty[topic] = None
        self._wake()

    def repeat_all(self) -> None:
        """Send everything once more: the broker may have lost it."""
        with self._lock:
            topics = tuple(self._entries)
        self.repeat(topics)

    def take_due(self, limit: int) -> tuple[Notice, ...]:
        """Return up to `limit` messages that must be sent now, and count them as sent."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            due = [topic for topic in self._dirty if self._due_s(topic) <= now_s][:limit]
            return tuple(self._take(topic, now_s) for topic in due)

    def next_due_s(self) -> float | None:
        """Return in how many seconds something must be sent; 0 if at once, None if nothing waits."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            return min((max(0.0, self._due_s(topic) - now_s) for topic in self._dirty), default=None)

    def payload(self, topic: str) -> bytes | None:
        """Return what should stand under `topic`; None if it was never said."""
        with self._lock:
            entry = self._entries.get(topic)
            return None if entry is None else entry.payload

    def _due_s(self, topic: str) -> float:
        entry = self._entries[topic]
        return entry.sent_s + entry.min_interval_s

    def _take(self, topic: str, now_s: float) -> Notice:
        entry = self._entries[topic]
        entry.sent, entry.sent_s = entry.payload, now_s
        del self._dirty[topic]
        return Notice(topic, entry.payload, entry.qos)
