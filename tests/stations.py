"""All that the daemon has for MQTT, running in a thread, and readers of what a subscriber heard."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from daemon.announcer import Announcer
from daemon.board import Board
from daemon.commands import Commands
from daemon.homeassistant import Discovery
from daemon.mqtt import MqttSettings
from daemon.outbox import Outbox
from daemon.publisher import Publisher, Traffic
from daemon.reconnects import Reconnects
from daemon.topics import Topics
from daemon.updates import Updates, Versions
from daemon.wakeup import Wakeup
from pipeline.backoff import BackoffSettings
from pipeline.clock import SystemClock
from pipeline.controls import CameraControls
from pipeline.metrics import Metrics
from pipeline.types import Event, EventKind, EventPhase, Severity
from tests.logs import log_of
from tests.servers import wait_until

CLOCK = SystemClock()
QUICK = BackoffSettings(first_s=0.02, early_cap_s=0.05, early_s=60.0, cap_s=0.05)


def event(number: int, camera: str = "porch", phase: EventPhase = EventPhase.NEW) -> Event:
    return Event(
        id=f"e{number}",
        camera=camera,
        phase=phase,
        kind=EventKind.ANOMALY,
        label="unusual",
        score=0.9,
        severity=Severity.WARNING,
        start_utc_s=CLOCK.utc_s(),
        explanation="something unusual",
        captured_s=CLOCK.monotonic_s(),
    )


@dataclass
class Station:
    """All that the daemon has for MQTT, with one camera named porch, running in a thread."""

    publisher: Publisher
    outbox: Outbox
    announcer: Announcer
    controls: CameraControls
    metrics: Metrics
    stop: threading.Event
    thread: threading.Thread

    def send(self, *numbers: int) -> None:
        for number in numbers:
            self.announcer.on_event(event(number))

    def end(self) -> None:
        self.announcer.go_offline()
        self.stop.set()
        self.thread.join(10)


@contextmanager
def running_station(data_dir: Path, port: int, **settings: object) -> Iterator[Station]:
    options = MqttSettings(port=port, **{"client_id": "daemon-under-test", **settings})
    topics = Topics(options.base_topic, options.discovery_prefix)
    metrics = Metrics(CollectorRegistry())
    with Wakeup() as wakeup:
        board = Board(CLOCK, wakeup.ring)

        with log_of(data_dir, CLOCK, metrics=metrics, wake=wakeup.ring) as outbox:
            announcer = Announcer(topics, outbox=outbox, board=board)
            commands = Commands(topics, outbox=outbox, board=board)
            discovery = Discovery(topics, board=board)
            discovery.add_daemon()
            current = Versions("0.1.0", "videobert-small 0.3.0")
            Updates(topics, board, running=current, on_disk=lambda: current).tell()
            controls = CameraControls()
            announcer.add_camera("porch")
            commands.add_camera("porch", controls)
            discovery.add_camera("porch")
            traffic = Traffic(outbox, board, wakeup, (commands, discovery))
            reconnects = Reconnects(random.Random(0), QUICK)
            publisher = Publisher(options, traffic, clock=CLOCK, metrics=metrics, reconnects=reconnects)
            stop = threading.Event()
            thread = threading.Thread(target=publisher.run, args=(stop,), name="publish")
            thread.start()
            station = Station(publisher, outbox, announcer, controls, metrics, stop, thread)
            try:
                yield station
            finally:
                station.end()


def seqs(subscriber) -> list[int]:
    return [json.loads(payload)["seq"] for payload in subscriber.payloads("videobert/porch/event")]


def events_of(subscriber) -> list:
    return [one for one in list(subscriber.messages) if one.topic == "videobert/porch/event"]


def ids(subscriber) -> list[tuple[int, str]]:
    messages = [json.loads(payload) for payload in subscriber.payloads("videobert/porch/event")]
    return [(message["seq"], message["id"]) for message in messages]


def connected(station: Station) -> None:
    wait_until(lambda: station.publisher.health.connected, what="the connection")


def failures(station: Station) -> dict[str, float]:
    samples = station.metrics.mqtt_connect_failures.collect()[0].samples
    return {sample.labels["reason"]: sample.value for sample in samples if sample.name.endswith("_total")}
