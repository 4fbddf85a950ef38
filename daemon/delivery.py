"""The way out of the daemon, joined: event log, board, publisher, commands and discovery."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from random import Random

from daemon.announcer import Announcer
from daemon.board import Board
from daemon.commands import Commands
from daemon.config import StorageTable
from daemon.feedback import FeedbackDesk
from daemon.homeassistant import Discovery
from daemon.mqtt import MqttSettings, tls_context
from daemon.outbox import Outbox, Retention
from daemon.payloads import Origin, event_message
from daemon.publisher import Inbox, Publisher, Traffic
from daemon.reconnects import Reconnects
from daemon.topics import Topics
from daemon.wakeup import Wakeup
from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.types import Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """Events are stored, then published; everything else stands on the board. `bell` wakes the publisher."""

    bell: Wakeup
    board: Board
    outbox: Outbox
    announcer: Announcer
    commands: Commands
    feedback: FeedbackDesk
    discovery: Discovery | None
    publisher: Publisher

    def add_camera(self, camera: str) -> None:
        """Tell the world of a camera."""
        self.announcer.add_camera(camera)
        if self.discovery is not None:
            self.discovery.add_camera(camera)

    def remove_camera(self, camera: str) -> None:
        """Take everything about a camera off the broker."""
        self.announcer.remove_camera(camera)
        self.commands.remove_camera(camera)
        self.feedback.remove_camera(camera)
        if self.discovery is not None:
            self.discovery.remove_camera(camera)


@contextmanager
def open_delivery(
    mqtt: MqttSettings, storage: StorageTable, *, origin: Origin, clock: Clock, metrics: Metrics
) -> Iterator[Delivery]:
    """Open the event log and join the parts; nothing is published before `publisher.run`.

    Raises:
        SettingsError: the log or a certificate cannot be used.
    """
    tls_context(mqtt)  # a certificate that cannot be read is a mistake of now, not of the first connection

    def render(event: Event, seq: int) -> str:
        return event_message(event, seq, origin).to_json()

    with ExitStack() as stack:
        bell = stack.enter_context(Wakeup())
        outbox = stack.enter_context(
            Outbox(
                storage.data_dir,
                render,
                clock=clock,
                metrics=metrics,
                wake=bell.ring,
                retention=Retention(keep_days=storage.keep_days),
            )
        )
        board = Board(clock, bell.ring)
        topics = Topics(mqtt.base_topic, mqtt.discovery_prefix)
        feedback = FeedbackDesk(
            topics,
            outbox=outbox,
            board=board,
            clock=clock,
            model=origin.model(),
            count=lambda camera, verdict: metrics.feedback.labels(camera, verdict).inc(),
        )
        yield _join(mqtt, Traffic(outbox, board, bell), feedback, clock=clock, metrics=metrics)


def _join(
    mqtt: MqttSettings, traffic: Traffic, feedback: FeedbackDesk, *, clock: Clock, metrics: Metrics
) -> Delivery:
    topics, outbox, board = Topics(mqtt.base_topic, mqtt.discovery_prefix), traffic.outbox, traffic.board
    commands = Commands(topics, outbox=outbox, board=board)
    discovery = Discovery(topics, board=board, public_url=mqtt.public_url) if mqtt.discovery else None
    if discovery is not None:
        discovery.add_daemon()
    inboxes: list[Inbox] = [commands, feedback, *([] if discovery is None else [discovery])]
    publisher = Publisher(
        mqtt,
        replace(traffic, inboxes=inboxes),
        clock=clock,
        metrics=metrics,
        reconnects=Reconnects(Random()),  # noqa: S311 - jitter, not a secret
    )
    announcer = Announcer(topics, outbox=outbox, board=board)
    return Delivery(traffic.wakeup, board, outbox, announcer, commands, feedback, discovery, publisher)
