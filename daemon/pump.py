"""Pending events of the outbox in, QoS 1 messages out, and the broker's answers back to the outbox."""

import logging
from collections.abc import Iterable
from typing import Protocol

from daemon.mqtt import WINDOW, Acknowledgement
from daemon.outbox import Outbox
from daemon.topics import Topics
from pipeline.clock import Clock
from pipeline.metrics import Metrics

logger = logging.getLogger(__name__)

# A broker that refuses an event (no permission, quota) is asked again, but not at every turn.
REFUSED_RETRY_S = 30.0


class Sender(Protocol):
    """The part of a connection that events need."""

    @property
    def room(self) -> int:
        """How many more messages may be sent before the broker acknowledges one."""

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: object = None
    ) -> None:
        """Send a message."""


class EventPump:
    """Sends what is pending in the order of seq, each message once per connection unless it is refused."""

    def __init__(self, outbox: Outbox, topics: Topics, *, clock: Clock, metrics: Metrics) -> None:
        self._outbox = outbox
        self._topics = topics
        self._clock = clock
        self._metrics = metrics
        self._cursor = 0
        self._in_flight: set[int] = set()
        self._refused = False
        self._hold_until_s = float("-inf")

    @property
    def is_done(self) -> bool:
        """Whether the broker has every event."""
        return self._outbox.pending_count == 0

    def restart(self) -> None:
        """Begin with the oldest pending event, on a new connection."""
        self._cursor = 0
        self._in_flight.clear()
        self._hold_until_s = float("-inf")

    def send(self, sender: Sender) -> None:
        """Send what is pending and new, as far as there is room."""
        last_seq = self._outbox.last_seq
        if last_seq <= self._cursor or not sender.room or self._clock.monotonic_s() < self._hold_until_s:
            return
        rows = self._outbox.pending(self._cursor, limit=WINDOW)
        for row in rows:
            if not sender.room:
                return
            if row.seq not in self._in_flight:
                topic = self._topics.event(row.camera)
                sender.publish(topic, row.payload.encode(), token=row.seq)
                self._in_flight.add(row.seq)
            self._cursor = row.seq
        if len(rows) < WINDOW:
            self._cursor = max(self._cursor, last_seq)  # what lies between is acknowledged already

    def settle(self, answers: Iterable[Acknowledgement]) -> None:
        """Let delivered events leave the outbox; what the broker refused stays, to be sent again later."""
        delivered: list[int] = []
        for answer in answers:
            if not isinstance(answer.token, int):
                continue
            self._in_flight.discard(answer.token)
            if answer.refusal:
                self._keep(answer.token, answer.refusal)
            else:
                delivered.append(answer.token)
        if delivered:
            self._leave(delivered)

    def next_due_s(self) -> float | None:
        """Return in how many seconds refused events are sent again; None if there are none."""
        left_s = self._hold_until_s - self._clock.monotonic_s()
        return left_s if left_s > 0 else None

    def _leave(self, delivered: list[int]) -> None:
        now_s = self._clock.monotonic_s()
        for captured_s in self._outbox.acknowledge(delivered).values():
            self._metrics.capture_to_publish_seconds.observe(now_s - captured_s)
        if self._refused:
            logger.info("the broker takes events again")
        self._refused = False

    def _keep(self, seq: int, refusal: str) -> None:
        self._cursor = min(self._cursor, seq - 1)
        self._hold_until_s = self._clock.monotonic_s() + REFUSED_RETRY_S
        if not self._refused:
            logger.error("the broker refuses events: %s; they stay in the outbox", refusal)
        self._refused = True
