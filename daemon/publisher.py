"""Outbox and board in, MQTT out: the publish thread, which keeps the one connection to the broker."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from daemon.board import Board
from daemon.mqtt import (
    UNKNOWN_PROTOCOL,
    Acknowledgement,
    BrokerError,
    Connection,
    MqttSettings,
    Received,
)
from daemon.outbox import PRUNE_BATCH, Outbox
from daemon.pump import EventPump
from daemon.reconnects import Reconnects
from daemon.topics import Topics
from daemon.wakeup import Wakeup
from pipeline.clock import Clock
from pipeline.metrics import Metrics

logger = logging.getLogger(__name__)

# The longest turn: keep-alives are checked and a stop is noticed at least this often.
TURN_S = 1.0
# At the end: so long for the events that are left, then so long for the goodbye.
DRAIN_S = 4.0
GOODBYE_S = 1.0
PRUNE_INTERVAL_S = 3600.0


class Inbox(Protocol):
    """Whoever takes messages from the broker; called in the publish thread."""

    @property
    def topics(self) -> tuple[str, ...]:
        """What to subscribe to."""

    def handle(self, message: Received) -> None:
        """Take one message; of a topic that is not its own, take no notice."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Everything that goes over the connection; outbox and board ring `wakeup` when they have news."""

    outbox: Outbox
    board: Board
    wakeup: Wakeup
    inboxes: Sequence[Inbox] = ()


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """Whether the broker has accepted us, and if not, why; `retry_s` is the wait that began with it."""

    connected: bool
    reason: str = "not connected yet"
    retry_s: float = 0.0


class Publisher:
    """Keeps the broker informed: connects, sends what waits, takes commands, comes back when thrown out."""

    def __init__(
        self,
        settings: MqttSettings,
        traffic: Traffic,
        *,
        clock: Clock,
        metrics: Metrics,
        reconnects: Reconnects,
    ) -> None:
        self._configured = settings
        self._settings = settings  # as configured, or with an older protocol
        self._traffic = traffic
        self._clock = clock
        self._metrics = metrics
        self._reconnects = reconnects
        self._topics = Topics(settings.base_topic, settings.discovery_prefix)
        self._pump = EventPump(traffic.outbox, self._topics, clock=clock, metrics=metrics)
        self._health = BrokerHealth(connected=False)
        self._up_s: float | None = None
        self._down_s = float("-inf")
        self._told: str | None = None
        self._refused_topics: set[str] = set()
        self._pruned_s = float("-inf")

    @property
    def health(self) -> BrokerHealth:
        """How things stand with the broker."""
        return self._health

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop`, then say goodbye; set `stop` only when no more events can come.

        Raises:
            SettingsError: A certificate file cannot be used.
        """
        self._down_s = self._clock.monotonic_s()
        self._traffic.board.put(self._topics.status, b"online")
        while not stop.is_set():
            try:
                self.run_once(stop)
            except BrokerError as error:
                stop.wait(self._go_down(error))
                self._keep_house()

    def run_once(self, stop: threading.Event) -> None:
        """Publish over one connection until `stop`.

        Raises:
            BrokerError: The broker could not be reached, refused, or went away.
            SettingsError: A certificate file cannot be used.
        """
        with Connection(
            self._settings,
            will_topic=self._topics.status,
            will=b"offline",
            wakeup=self._traffic.wakeup,
        ) as connection:
            self._come_up(connection)
            while not stop.is_set():
                self._turn(connection)
            self._farewell(connection)

    def _come_up(self, connection: Connection) -> None:
        self._up_s = self._clock.monotonic_s()
        self._metrics.mqtt_connected.set(1)
        self._health = BrokerHealth(connected=True, reason="")
        self._told = None
        settings = self._settings
        logger.info("connected to %s:%d (MQTT %s)", settings.host, settings.port, settings.protocol)
        for inbox in self._traffic.inboxes:
            connection.subscribe(inbox.topics)
        self._traffic.board.repeat_all()
        self._pump.restart()

    def _go_down(self, error: BrokerError) -> float:
        """Tell the log, once; return how long to wait."""
        now_s = self._clock.monotonic_s()
        lived_s = None if self._up_s is None else now_s - self._up_s
        if self._up_s is not None:
            self._down_s = now_s
        self._up_s = None
        error = self._reconnects.judge(error, lived_s)
        self._metrics.mqtt_connected.set(0)
        self._metrics.mqtt_connect_failures.labels(error.reason).inc()
        if error.reason in UNKNOWN_PROTOCOL and self._switch_protocol():
            return 0.0
        delay_s = self._reconnects.delay_s(error, absent_s=now_s - self._down_s)
        if error.reason != self._told:
            self._tell(error, delay_s)
        self._told = error.reason
        self._health = BrokerHealth(connected=False, reason=str(error), retry_s=delay_s)
        return delay_s

    def _switch_protocol(self) -> bool:
        """Fall back from MQTT 5 to 3.1.1, or return to 5 where that fails too; say whether to try at once."""
        falls_back = self._configured.protocol == self._settings.protocol == "5"
        protocol = "3.1.1" if falls_back else self._configured.protocol
        self._settings = replace(self._settings, protocol=protocol)
        return falls_back

    def _tell(self, error: BrokerError, delay_s: float) -> None:
        if error.reason == "taken_over":
            logger.error(
                "%s: another client is connected to the broker as %r; it is left alone for %.0f s."
                " Give each daemon its own mqtt.client_id",
                error,
                self._settings.client_id,
                delay_s,
            )
            return
        logger.warning("%s; events wait in the outbox", error)

    def _turn(self, connection: Connection) -> None:
        self._send_notices(connection)
        self._pump.send(connection)
        connection.step(self._wait_s(connection))
        self._settle(connection.take_acknowledged())
        for message in connection.take_received():
            for inbox in self._traffic.inboxes:
                inbox.handle(message)
        for topic in connection.take_refused_topics():
            logger.error("the broker refuses the subscription to %s: commands there are not heard", topic)
        self._keep_house()

    def _wait_s(self, connection: Connection) -> float:
        """Return how long nothing needs to be sent, unless somebody rings."""
        notices_s = self._traffic.board.next_due_s() if connection.room else None
        waits_s = (TURN_S, notices_s, self._pump.next_due_s())
        return min(wait_s for wait_s in waits_s if wait_s is not None)

    def _send_notices(self, connection: Connection) -> None:
        for notice in self._traffic.board.take_due(connection.room):
            if connection.fits(notice.topic, notice.payload):
                connection.publish(
                    notice.topic, notice.payload, qos=notice.qos, retain=True, token=notice.topic
                )
            else:
                self._tell_refusal(notice.topic, f"{len(notice.payload)} bytes are more than it accepts")

    def _settle(self, answers: list[Acknowledgement]) -> None:
        self._pump.settle(answers)
        for answer in answers:
            if answer.refusal and isinstance(answer.token, str):
                self._tell_refusal(answer.token, answer.refusal)

    def _tell_refusal(self, topic: str, why: str) -> None:
        if topic not in self._refused_topics:
            logger.error("the broker refuses what should stand under %s: %s", topic, why)
        self._refused_topics.add(topic)

    def _farewell(self, connection: Connection) -> None:
        """Deliver what is left, then announce the end, within the deadline."""
        self._turn_until(connection, lambda: self._pump.is_done, within_s=DRAIN_S)
        if not self._pump.is_done:
            left = self._traffic.outbox.pending_count
            logger.warning("%d event messages are left in the outbox; they are sent at the next start", left)
        board = self._traffic.board
        board.put(self._topics.status, b"offline")
        self._turn_until(
            connection,
            lambda: board.next_due_s() != 0.0 and not connection.in_flight,
            within_s=GOODBYE_S,
        )
        self._metrics.mqtt_connected.set(0)
        self._health = BrokerHealth(connected=False, reason="stopped")

    def _turn_until(self, connection: Connection, is_done: Callable[[], bool], *, within_s: float) -> None:
        deadline_s = self._clock.monotonic_s() + within_s
        while not is_done() and self._clock.monotonic_s() < deadline_s:
            self._turn(connection)

    def _keep_house(self) -> None:
        """Write what a full disk refused, and delete what is too old, now and then."""
        if not self._traffic.outbox.health.ok:
            self._traffic.outbox.retry()
        now_s = self._clock.monotonic_s()
        is_due = now_s - self._pruned_s >= PRUNE_INTERVAL_S
        if is_due and self._traffic.outbox.prune() < PRUNE_BATCH:
            self._pruned_s = now_s
