"""The event log in, one service told of what it is to hear out: the thread `notify[<name>]`.

run      ─ load the mark ─ run_once, again and again ─ wait longer while the service is away
run_once ─ next messages ─ judge ─ send ─ mark on disk
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from daemon.notify.messages import LogEntry, Messages
from daemon.notify.notice import event_notice
from daemon.notify.progress import Progress, ProgressFile
from daemon.notify.rule import Moment, NotifyRule, Outcome
from daemon.notify.service import Service, ServiceError
from pipeline.backoff import Backoff
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.types import EventKind, EventPhase

logger = logging.getLogger(__name__)

# How often the log is asked for news: a person's phone is not faster.
POLL_S = 0.5
# A picture is written right after its event; so long it is waited for.
PICTURE_WAIT_S = 3.0
# A service that refuses a message gets it without the picture next, and not at all after so many times.
MAX_REFUSALS = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What one table of the settings asks for; `name` is the table's."""

    name: str
    rule: NotifyRule
    with_picture: bool = True
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class Supplies:
    """What all notifiers share; `picture` returns an event's JPEG, or None where none is kept."""

    messages: Messages
    picture: Callable[[str], bytes | None]
    clock: Clock
    metrics: Metrics


class Notifier:
    """Tells one service, in the order of the log; what is not told yet outlives a restart."""

    def __init__(
        self, order: Order, service: Service, *, supplies: Supplies, memory: ProgressFile, backoff: Backoff
    ) -> None:
        self._order = order
        self._service = service
        self._supplies = supplies
        self._memory = memory
        self._backoff = backoff
        self._progress = Progress(0)
        self._refusals = 0
        self._down_s: float | None = None

    @property
    def name(self) -> str:
        """The table's name in the settings."""
        return self._order.name

    def run(self, stop: threading.Event) -> None:
        """Tell the service of what happens until `stop`; what is left then is told after the next start."""
        self._supplies.metrics.notify_up.labels(self.name).set(1)
        self._progress = self._memory.load(self._supplies.messages.last_seq())
        self._memory.save(self._progress)
        while not stop.is_set():
            stop.wait(self._next_wait_s(stop))
        self._memory.save(self._progress)

    def run_once(self, stop: threading.Event) -> None:
        """Deal with the next messages of the log.

        Raises:
            ServiceError: one could not be sent, and is to be tried again.
        """
        for entry in self._supplies.messages.after(self._progress.seq):
            if stop.is_set() or not self._deal_with(entry):
                return

    def _next_wait_s(self, stop: threading.Event) -> float:
        """Do what there is to do, and return how long to wait before the next time."""
        try:
            self.run_once(stop)
        except ServiceError as error:
            return self._go_down(error)
        return POLL_S

    def _deal_with(self, entry: LogEntry) -> bool:
        """Send a message, or decide that it is not sent; False where it has to wait for its picture."""
        message, progress, metrics = entry.message, self._progress, self._supplies.metrics
        now_utc_s = self._supplies.clock.utc_s()
        moment = Moment(entry.written_utc_s, now_utc_s, progress.told_utc_s.get(message.camera))
        outcome = self._order.rule.judge(message, told=progress.decided.get(message.id), moment=moment)
        if outcome is Outcome.SENT:
            picture = self._picture(entry)
            if picture is None and self._may_come(entry, now_utc_s):
                return False
            outcome = self._send(entry, picture)
        if outcome is not None:
            metrics.notifications.labels(self.name, outcome).inc()
        self._advance(entry, outcome)
        return True

    def _send(self, entry: LogEntry, picture: bytes | None) -> Outcome:
        """Hand a message over; a service that has refused it too often does not get it.

        Raises:
            ServiceError: it is to be tried again.
        """
        order = self._order
        notice = event_notice(
            entry.message,
            picture=picture if self._refusals == 0 else None,
            public_url=order.public_url,
            time_zone=order.rule.time_zone,
        )
        try:
            self._service.send(notice)
        except ServiceError as error:
            self._refusals += error.reason == "refused"
            if self._refusals < MAX_REFUSALS:
                raise
            self._go_down(error)
            return Outcome.REFUSED
        self._come_up()
        return Outcome.SENT

    def _advance(self, entry: LogEntry, outcome: Outcome | None) -> None:
        """Move the mark behind a message; it is on disk where something was decided."""
        message = entry.message
        progress = replace(self._progress, seq=message.seq)
        if outcome is Outcome.SENT:
            progress = progress.tell(message.camera, entry.written_utc_s)
        if message.type is EventPhase.END:
            progress = progress.end(message.id)
        elif outcome is not None:
            progress = progress.decide(message.id, sent=outcome is Outcome.SENT)
        self._progress, self._refusals = progress, 0
        if outcome is not None:
            self._memory.save(progress)

    def _picture(self, entry: LogEntry) -> bytes | None:
        return self._supplies.picture(entry.message.id) if self._order.with_picture else None

    def _may_come(self, entry: LogEntry, now_utc_s: float) -> bool:
        """Say whether a picture that is not there is worth waiting for; a camera's own events have none."""
        has_one = self._order.with_picture and entry.message.kind is not EventKind.CAMERA
        return has_one and 0 <= now_utc_s - entry.written_utc_s < PICTURE_WAIT_S

    def _go_down(self, error: ServiceError) -> float:
        """Count a failure and tell the log of the first one; return how long to wait."""
        supplies = self._supplies
        now_s = supplies.clock.monotonic_s()
        supplies.metrics.notification_failures.labels(self.name, error.reason).inc()
        supplies.metrics.notify_up.labels(self.name).set(0)
        if self._down_s is None:
            self._down_s = now_s
            logger.warning("notify.%s: %s; it is tried again", self.name, error)
        return self._backoff.next_delay_s(now_s - self._down_s)

    def _come_up(self) -> None:
        self._supplies.metrics.notify_up.labels(self.name).set(1)
        self._backoff.reset()
        if self._down_s is not None:
            logger.info("notify.%s: messages are taken again", self.name)
        self._down_s = None
