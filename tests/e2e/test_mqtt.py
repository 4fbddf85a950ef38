"""The publisher against real brokers: mosquitto as a process, and the embedded amqtt."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from daemon.announcer import Announcer
from daemon.board import Board
from daemon.commands import Commands
from daemon.homeassistant import Discovery
from daemon.mqtt import BrokerError, MqttSettings, probe
from daemon.outbox import Outbox
from daemon.payloads import EventMessage, Origin, event_message
from daemon.publisher import Publisher, Traffic
from daemon.reconnects import Reconnects
from daemon.topics import Topics
from daemon.wakeup import Wakeup
from pipeline.backoff import BackoffSettings
from pipeline.clock import SystemClock
from pipeline.controls import CameraControls
from pipeline.metrics import Metrics
from pipeline.types import CameraState, CameraStatus, Event, EventKind, EventPhase, Severity
from tests.servers import (
    listening,
    make_certificates,
    make_password_file,
    needs_mosquitto,
    needs_openssl,
    remembering,
    running_amqtt,
    running_mosquitto,
    wait_until,
)

pytestmark = pytest.mark.e2e
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

        def render(one: Event, seq: int) -> str:
            return event_message(one, seq, Origin()).to_json()

        with Outbox(data_dir, render, clock=CLOCK, metrics=metrics, wake=wakeup.ring) as outbox:
            announcer = Announcer(topics, outbox=outbox, board=board)
            commands = Commands(topics, outbox=outbox, board=board)
            discovery = Discovery(topics, board=board)
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


@pytest.fixture
def broker(tmp_path):
    with running_mosquitto(tmp_path / "mosquitto") as running:
        yield running


def seqs(subscriber) -> list[int]:
    return [json.loads(payload)["seq"] for payload in subscriber.payloads("videobert/porch/event")]


def events_of(subscriber) -> list:
    return [one for one in list(subscriber.messages) if one.topic == "videobert/porch/event"]


def ids(subscriber) -> list[tuple[int, str]]:
    messages = [json.loads(payload) for payload in subscriber.payloads("videobert/porch/event")]
    return [(message["seq"], message["id"]) for message in messages]


def connected(station: Station) -> None:
    wait_until(lambda: station.publisher.health.connected, what="the connection")


@needs_mosquitto
def test_an_event_arrives_as_documented_and_leaves_the_outbox(broker, tmp_path):
    with listening(broker.port) as subscriber, running_station(tmp_path, broker.port) as station:
        station.send(1)
        wait_until(lambda: seqs(subscriber) == [1])
        message = EventMessage.model_validate_json(subscriber.newest("videobert/porch/event"))
        assert (message.id, message.type, message.kind) == ("e1", "new", "anomaly")
        wait_until(lambda: station.outbox.pending_count == 0)
        read = station.metrics.registry.get_sample_value
        wait_until(lambda: read("videobert_capture_to_publish_seconds_count") == 1)
        assert read("videobert_outbox_pending") == 0
        assert not events_of(subscriber)[-1].retain


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_nothing_is_lost_or_repeated_while_the_broker_is_away(tmp_path, protocol):
    with (
        running_mosquitto(tmp_path / "m", *remembering(tmp_path / "m")) as broker,
        listening(broker.port, session="watcher") as subscriber,
        running_station(tmp_path, broker.port, protocol=protocol) as station,
    ):
        connected(station)
        for first in (1, 101):
            broker.stop()
            station.send(*range(first, first + 100))
            wait_until(lambda: not station.publisher.health.connected)
            assert station.outbox.pending_count == 100
            broker.start()
            wait_until(lambda first=first: set(seqs(subscriber)) == set(range(1, first + 100)))
        # What mosquitto itself gives again, because it stopped before our answer, it marks as `dup`.
        fresh = [json.loads(one.payload)["seq"] for one in events_of(subscriber) if not one.dup]
        assert fresh == list(range(1, 201))


@needs_mosquitto
def test_a_new_process_sends_what_the_last_one_left(broker, tmp_path):
    broker.stop()
    with running_station(tmp_path, broker.port) as station:
        station.send(*range(1, 121))
    broker.start()
    with listening(broker.port) as subscriber, running_station(tmp_path, broker.port) as station:
        station.send(121)
        wait_until(lambda: len(seqs(subscriber)) >= 121)
        assert seqs(subscriber) == list(range(1, 122))


@needs_mosquitto
def test_a_broker_that_stops_under_load_loses_no_event(tmp_path):
    with (
        running_mosquitto(tmp_path / "m", *remembering(tmp_path / "m")) as broker,
        listening(broker.port, session="watcher") as subscriber,
        running_station(tmp_path, broker.port) as station,
    ):
        sender = threading.Thread(target=station.send, args=range(1, 501))
        sender.start()
        for reached in (50, 200, 350):
            wait_until(lambda reached=reached: station.outbox.last_seq >= reached)
            broker.stop()
            broker.start()
        sender.join()
        wait_until(lambda: station.outbox.pending_count == 0 and set(seqs(subscriber)) == set(range(1, 501)))
        # What was on its way when the broker stopped may come twice, always with the same id.
        assert {(seq, f"e{seq}") for seq in range(1, 501)} == set(ids(subscriber))


@needs_mosquitto
def test_retained_topics_stand_right_after_a_restart_of_a_forgetful_broker(broker, tmp_path):
    with running_station(tmp_path, broker.port) as station:
        connected(station)
        station.announcer.on_status("porch", CameraStatus.FROZEN, "the picture stands still")
        station.announcer.on_state(CameraState("porch", True, 0.25, 0.5, None, ()))
        station.announcer.on_snapshot(event(1), b"\xff\xd8jpeg")
        broker.stop()
        broker.start()
        with listening(broker.port) as subscriber:
            subscriber.wait_for("videobert/status", b"online")
            subscriber.wait_for("videobert/porch/status", b"frozen")
            subscriber.wait_for("videobert/porch/snapshot", b"\xff\xd8jpeg")
            subscriber.wait_for("videobert/porch/budget/state", b"1")
            state = wait_until(lambda: subscriber.newest("videobert/porch/state"))
            assert json.loads(state)["anomaly_score"] == 0.25
            config = wait_until(lambda: subscriber.newest("homeassistant/device/videobert_porch/config"))
            assert json.loads(config)["origin"]["name"] == "videobertd"


@needs_mosquitto
def test_a_clean_stop_says_that_daemon_and_cameras_are_offline(broker, tmp_path):
    with listening(broker.port) as subscriber:
        with running_station(tmp_path, broker.port) as station:
            station.announcer.on_status("porch", CameraStatus.ONLINE, "frames arrive")
            subscriber.wait_for("videobert/porch/status", b"online")
            station.send(*range(1, 301))
        assert station.outbox.pending_count == 0
        subscriber.wait_for("videobert/status", b"offline")
        subscriber.wait_for("videobert/porch/status", b"offline")
        assert seqs(subscriber) == list(range(1, 301))
        assert subscriber.messages[-1].topic == "videobert/status"


@needs_mosquitto
def test_the_last_will_says_offline_when_the_daemon_is_killed(broker, tmp_path):
    code = (
        "import sys, threading; from pathlib import Path; from tests.e2e.test_mqtt import running_station\n"
        "with running_station(Path(sys.argv[1]), int(sys.argv[2])): threading.Event().wait()"
    )
    root = Path(__file__).parents[2]
    with listening(broker.port) as subscriber:
        command = [sys.executable, "-c", code, str(tmp_path), str(broker.port)]
        process = subprocess.Popen(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
        subscriber.wait_for("videobert/status", b"online")
        process.send_signal(signal.SIGKILL)
        process.wait(8)
        subscriber.wait_for("videobert/status", b"offline")


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_password_is_a_failure_with_its_reason_in_the_log(tmp_path, caplog, protocol):
    passwords = make_password_file(tmp_path, "daemon", "right")
    with running_mosquitto(tmp_path / "m", f"password_file {passwords}") as broker:
        with running_station(
            tmp_path, broker.port, username="daemon", password="wrong", protocol=protocol
        ) as station:
            wait_until(lambda: "credentials" in failures(station))
            assert not station.publisher.health.connected
            assert "Not authorized" in station.publisher.health.reason
            wait_until(lambda: failures(station)["credentials"] >= 3)
        assert sum("refuses the connection" in record.message for record in caplog.records) == 1
        with running_station(tmp_path, broker.port, username="daemon", password="right") as station:
            connected(station)


def failures(station: Station) -> dict[str, float]:
    samples = station.metrics.mqtt_connect_failures.collect()[0].samples
    return {sample.labels["reason"]: sample.value for sample in samples if sample.name.endswith("_total")}


@needs_mosquitto
@needs_openssl
def test_tls_carries_events_and_refuses_a_certificate_of_an_unknown_authority(tmp_path):
    keys = make_certificates(tmp_path)
    tls = (f"cafile {keys}/ca.pem", f"certfile {keys}/server.pem", f"keyfile {keys}/server.key")
    with running_mosquitto(tmp_path / "m", "allow_anonymous true", *tls) as broker:
        secure = {"host": "localhost", "tls": True, "ca_file": keys / "ca.pem"}
        with running_station(tmp_path, broker.port, **secure) as station:
            station.send(*range(1, 101))
            wait_until(lambda: station.outbox.last_seq == 100 and station.outbox.pending_count == 0)
        stranger = MqttSettings(host="localhost", port=broker.port, tls=True)
        with pytest.raises(BrokerError, match="certificate is not trusted") as caught:
            probe(stranger)
        assert caught.value.reason == "tls"


@needs_mosquitto
@needs_openssl
def test_a_broker_that_wants_a_client_certificate_gets_it(tmp_path):
    keys = make_certificates(tmp_path)
    tls = (f"cafile {keys}/ca.pem", f"certfile {keys}/server.pem", f"keyfile {keys}/server.key")
    with running_mosquitto(
        tmp_path / "m", *tls, "require_certificate true", "allow_anonymous true"
    ) as broker:
        stranger = MqttSettings(host="localhost", port=broker.port, tls=True, ca_file=keys / "ca.pem")
        with pytest.raises(BrokerError):
            probe(stranger)
        known = replace(stranger, cert_file=keys / "client.pem", key_file=keys / "client.key")
        assert probe(known) == "MQTT 5"


@needs_mosquitto
def test_a_snapshot_that_is_too_large_for_the_broker_costs_no_connection(tmp_path, caplog):
    with (
        running_mosquitto(tmp_path / "m", "allow_anonymous true", "max_packet_size 20000") as broker,
        listening(broker.port) as subscriber,
        running_station(tmp_path, broker.port) as station,
    ):
        connected(station)
        station.announcer.on_snapshot(event(1), b"x" * 20_001)
        station.announcer.on_snapshot(event(1), b"y" * 20_001)
        station.send(1)
        wait_until(lambda: seqs(subscriber) == [1])
        assert subscriber.newest("videobert/porch/snapshot") is None
        assert failures(station) == {}
        assert caplog.text.count("what should stand under videobert/porch/snapshot") == 1


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_two_daemons_with_one_client_id_do_not_fight(broker, tmp_path, caplog, protocol):
    options = {"client_id": "twin", "protocol": protocol}
    with running_station(tmp_path / "a", broker.port, **options) as first:
        connected(first)
        with running_station(tmp_path / "b", broker.port, **options) as second:

            def given_way() -> list[Station]:
                return [one for one in (first, second) if one.publisher.health.retry_s >= 60]

            [loser] = wait_until(given_way, what="one daemon to give way")
            winner = second if loser is first else first
            wait_until(lambda: winner.publisher.health.connected)
            lines = [record for record in caplog.records if "another client is connected" in record.message]
            assert [(line.levelno, "'twin'" in line.message) for line in lines] == [(logging.ERROR, True)]


@needs_mosquitto
def test_an_event_that_the_broker_refuses_stays_in_the_outbox(tmp_path, caplog):
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite videobert/status\ntopic readwrite videobert/porch/status\n")
    with (
        running_mosquitto(tmp_path / "m", "allow_anonymous true", f"acl_file {acl}") as broker,
        running_station(tmp_path, broker.port) as station,
    ):
        station.send(1, 2)
        wait_until(lambda: any("refuses events" in record.message for record in caplog.records))
        assert station.outbox.pending_count == 2
        station.outbox.acknowledge([1, 2])  # or the farewell would wait for them


@needs_mosquitto
def test_a_command_turns_a_switch_and_garbage_does_not(broker, tmp_path, caplog):
    with listening(broker.port) as subscriber, running_station(tmp_path, broker.port) as station:
        subscriber.wait_for("videobert/porch/anomaly/state", b"ON")
        subscriber.publish("videobert/porch/anomaly/set", "OFF")
        subscriber.wait_for("videobert/porch/anomaly/state", b"OFF")
        assert station.controls.snapshot().anomaly is False
        subscriber.publish("videobert/porch/budget/set", "2.5")
        subscriber.wait_for("videobert/porch/budget/state", b"2.5")
        subscriber.publish("videobert/porch/budget/set", "lots")
        wait_until(lambda: len(subscriber.payloads("videobert/porch/budget/state")) == 3)
        assert subscriber.newest("videobert/porch/budget/state") == b"2.5"
        assert sum("is ignored" in record.message for record in caplog.records) == 1
    with running_station(tmp_path, broker.port) as station:
        assert station.controls.snapshot().anomaly is False
        assert station.controls.snapshot().budget_per_day == 2.5


@needs_mosquitto
def test_home_assistant_gets_the_cameras_again_after_its_own_start(broker, tmp_path):
    topic = "homeassistant/device/videobert_porch/config"
    with listening(broker.port) as subscriber, running_station(tmp_path, broker.port):
        wait_until(lambda: len(subscriber.payloads(topic)) == 1)
        subscriber.publish("homeassistant/status", "online")
        wait_until(lambda: len(subscriber.payloads(topic)) == 2)
        assert len(set(subscriber.payloads(topic))) == 1


@needs_mosquitto
def test_a_camera_that_leaves_leaves_nothing_on_the_broker(broker, tmp_path):
    with running_station(tmp_path, broker.port) as station:
        station.announcer.on_snapshot(event(1), b"jpeg")
        with listening(broker.port) as subscriber:
            subscriber.wait_for("videobert/porch/snapshot", b"jpeg")
            station.announcer.remove_camera("porch")
            subscriber.wait_for("videobert/porch/budget/state", b"")
        with listening(broker.port) as latecomer:
            latecomer.wait_for("videobert/status", b"online")
            assert {message.topic for message in latecomer.messages} == {"videobert/status"}


def test_the_embedded_broker_gets_everything(tmp_path):
    with running_amqtt() as port, listening(port) as subscriber:
        with running_station(tmp_path, port, protocol="3.1.1") as station:
            station.send(*range(1, 101))
            wait_until(lambda: len(seqs(subscriber)) == 100)
            subscriber.wait_for("videobert/status", b"online")
            subscriber.publish("videobert/porch/enabled/set", "off")
            subscriber.wait_for("videobert/porch/enabled/state", b"OFF")
        subscriber.wait_for("videobert/status", b"offline")
        assert seqs(subscriber) == list(range(1, 101))
        assert probe(MqttSettings(port=port, protocol="3.1.1")) == "MQTT 3.1.1"


def test_a_port_where_nobody_listens_is_unreachable():
    with pytest.raises(BrokerError, match="cannot be reached") as caught:
        probe(MqttSettings(port=1))
    assert caught.value.reason == "unreachable"
