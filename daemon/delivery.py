"""The way out of the daemon, joined: event log, board, publisher, commands and discovery."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random

from daemon.announcer import Announcer
from daemon.board import Board
from daemon.commands import Commands
from daemon.config import StorageTable
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
    outbox: Outbox
    announcer: Announcer
    commands: Commands
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
        yield _join(mqtt, outbox, bell, clock=clock, metrics=metrics)


def _join(mqtt: MqttSettings, outbox: Outbox, bell: Wakeup, *, clock: Clock, metrics: Metrics) -> Delivery:
    topics = Topics(mqtt.base_topic, mqtt.discovery_prefix)
    board = Board(clock, bell.ring)
    commands = Commands(topics, outbox=outbox, board=board)
    discovery = Discovery(topics, board=board, public_url=mqtt.public_url) if mqtt.discovery else None
    inboxes: list[Inbox] = [commands] if discovery is None else [commands, discovery]
    publisher = Publisher(
        mqtt,
        Traffic(outbox, board, bell, inboxes),
        clock=clock,
        metrics=metrics,
        reconnects=Reconnects(Random()),  # noqa: S311 - jitter, not a secret
    )
    return Delivery(
        bell, outbox, Announcer(topics, outbox=outbox, board=board), commands, discovery, publisher
    )
