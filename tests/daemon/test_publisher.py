"""The connection and the pump against brokers of a few lines that misbehave on request."""

import logging
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from daemon.board import Board
from daemon.mqtt import Acknowledgement, BrokerError, Connection, MqttSettings, probe, tls_context
from daemon.outbox import Outbox
from daemon.publisher import Publisher, Traffic
from daemon.pump import REFUSED_RETRY_S, EventPump
from daemon.reconnects import Reconnects
from daemon.topics import Topics
from daemon.wakeup import Wakeup
from pipeline.clock import SystemClock
from pipeline.errors import SettingsError
from pipeline.metrics import Metrics
from pipeline.types import Event, EventKind, EventPhase, Severity
from tests.fakes import ManualClock
from tests.servers import wait_until

EVENT = Event("e", "porch", EventPhase.NEW, EventKind.ANOMALY, "unusual", 0.9, Severity.INFO, 0.0, "", 99.0)

# MQTT packets, byte by byte: type and flags, remaining length, content.
CONNACK_5 = bytes.fromhex("20 03 00 00 00")
CONNACK_311 = bytes.fromhex("20 02 00 00")
CONNACK_5_RECEIVE_MAXIMUM_2 = bytes.fromhex("20 06 00 00 03 21 00 02")
CONNACK_5_MAXIMUM_PACKET_100 = bytes.fromhex("20 08 00 00 05 27 00 00 00 64")
CONNACK_5_BANNED = bytes.fromhex("20 03 00 8a 00")
DISCONNECT_TAKEN_OVER = bytes.fromhex("e0 02 8e 00")


@contextmanager
def scripted_broker(*answers: bytes) -> Iterator[int]:
    """Answer the nth connection's CONNECT with the nth bytes, and hang up on its next packet, or at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)
                    if answer and not answer.endswith(DISCONNECT_TAKEN_OVER):
                        connection.settimeout(5)
                        connection.recv(4096)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


@contextmanager
def connection_to(port: int, wakeup: Wakeup) -> Iterator[Connection]:
    with Connection(MqttSettings(port=port), will_topic="s", will=b"offline", wakeup=wakeup) as connection:
        yield connection


def read_until_lost(connection: Connection) -> None:
    for _ in range(10):
        connection.step(5)


@pytest.fixture
def wakeup() -> Iterator[Wakeup]:
    with Wakeup() as one:
        yield one


@pytest.fixture
def outbox(tmp_path) -> Iterator[Outbox]:
    metrics = Metrics(CollectorRegistry())
    with Outbox(
        tmp_path, lambda event, seq: f"{event.id} {seq}", clock=ManualClock(), metrics=metrics
    ) as one:
        yield one


@dataclass
class FakeSender:
    """Takes as many messages as it has room for."""

    room: int = 50
    sent: list[object] = field(default_factory=list)

    def publish(self, topic, payload, *, qos=1, retain=False, token=None) -> None:
        self.room -= 1
        self.sent.append(token)


def test_a_session_taken_over_is_told_from_a_lost_connection(wakeup):
    with (
        scripted_broker(CONNACK_5 + DISCONNECT_TAKEN_OVER) as port,
        pytest.raises(BrokerError, match="another client") as caught,
        connection_to(port, wakeup) as connection,
    ):
        read_until_lost(connection)
    assert caught.value.reason == "taken_over"


def test_a_refusal_is_a_failure_with_the_brokers_reason(wakeup):
    with (
        scripted_broker(CONNACK_5_BANNED) as port,
        pytest.raises(BrokerError, match="refuses the connection: Banned") as caught,
        connection_to(port, wakeup),
    ):
        pass
    assert caught.value.reason == "refused"


def test_no_more_messages_are_in_flight_than_the_broker_allows(wakeup):
    with scripted_broker(CONNACK_5_RECEIVE_MAXIMUM_2) as port, connection_to(port, wakeup) as connection:
        assert connection.room == 2
        connection.publish("a", b"1")
        connection.publish("b", b"2", qos=0)
        assert (connection.room, connection.in_flight) == (1, 1)


def test_a_message_beyond_the_brokers_limit_does_not_fit(wakeup):
    with scripted_broker(CONNACK_5_MAXIMUM_PACKET_100) as port, connection_to(port, wakeup) as connection:
        # 100 - 32 for the header - 1 for the topic leaves 67.
        assert connection.fits("a", b"x" * 67)
        assert not connection.fits("a", b"x" * 68)


def test_the_bell_ends_a_step_at_once(wakeup):
    with scripted_broker(CONNACK_5) as port, connection_to(port, wakeup) as connection:
        step = threading.Thread(target=connection.step, args=(60,))
        step.start()
        wakeup.ring()
        step.join(10)
        assert not step.is_alive()


def test_many_rings_count_as_one_and_none_is_an_error_after_the_end(wakeup):
    for _ in range(10_000):
        wakeup.ring()
    wakeup.clear()
    wakeup.close()
    wakeup.ring()


def test_a_broker_of_old_that_hangs_up_on_mqtt_5_is_tried_with_3_1_1():
    with scripted_broker(b"", CONNACK_311) as port:
        assert probe(MqttSettings(port=port)) == "MQTT 3.1.1"


def test_what_never_answers_as_a_broker_is_said_so():
    with scripted_broker(b"", b"") as port, pytest.raises(BrokerError, match="does not answer as a broker"):
        probe(MqttSettings(port=port))


def test_the_publisher_falls_back_to_3_1_1_at_once(outbox, wakeup, caplog):
    caplog.set_level(logging.INFO, "daemon")
    with scripted_broker(b"", CONNACK_311) as port:
        publisher = Publisher(
            MqttSettings(port=port),
            Traffic(outbox, Board(SystemClock(), wakeup.ring), wakeup),
            clock=SystemClock(),
            metrics=Metrics(CollectorRegistry()),
            reconnects=Reconnects(random.Random(0)),
        )
        stop = threading.Event()
        thread = threading.Thread(target=publisher.run, args=(stop,))
        thread.start()
        wait_until(lambda: f"connected to 127.0.0.1:{port} (MQTT 3.1.1)" in caplog.text)
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


def test_a_certificate_that_cannot_be_read_is_a_mistake_in_the_settings(tmp_path):
    missing = MqttSettings(tls=True, ca_file=tmp_path / "none.pem")
    with pytest.raises(SettingsError, match=r"the certificates in .*none\.pem cannot be used"):
        tls_context(missing)
    assert tls_context(MqttSettings()) is None
    assert tls_context(MqttSettings(tls=True)).verify_mode is ssl.CERT_REQUIRED


def test_a_password_is_in_no_printed_settings():
    assert "secret" not in repr(MqttSettings(password="secret"))


def pump_of(outbox: Outbox, clock: ManualClock) -> EventPump:
    return EventPump(outbox, Topics(), clock=clock, metrics=Metrics(CollectorRegistry()))


def test_events_are_sent_in_order_and_each_once(outbox):
    pump, sender = pump_of(outbox, ManualClock()), FakeSender(room=3)
    for _ in range(5):
        outbox.append(EVENT)
    pump.send(sender)
    sender.room = 50
    pump.send(sender)
    pump.send(sender)
    assert sender.sent == [1, 2, 3, 4, 5]
    pump.settle(Acknowledgement(seq) for seq in (1, 2, 3, 4, 5))
    assert pump.is_done


def test_after_a_reconnect_exactly_the_unacknowledged_are_sent_again(outbox):
    pump, sender = pump_of(outbox, ManualClock()), FakeSender()
    for _ in range(4):
        outbox.append(EVENT)
    pump.send(sender)
    pump.settle([Acknowledgement(1), Acknowledgement(3), Acknowledgement("a topic of the board")])
    pump.restart()
    again = FakeSender()
    pump.send(again)
    assert again.sent == [2, 4]


def test_a_refused_event_is_sent_again_after_a_while_and_the_others_are_not(outbox, caplog):
    clock = ManualClock()
    pump, sender = pump_of(outbox, clock), FakeSender()
    for _ in range(3):
        outbox.append(EVENT)
    pump.send(sender)
    pump.settle([Acknowledgement(1), Acknowledgement(2, "Quota exceeded")])
    pump.send(sender)
    assert pump.next_due_s() == REFUSED_RETRY_S
    clock.monotonic += REFUSED_RETRY_S
    pump.send(sender)
    assert sender.sent == [1, 2, 3, 2]  # 3 is still in flight
    assert caplog.text.count("the broker refuses events: Quota exceeded") == 1


def test_the_time_from_capture_to_acknowledgement_is_measured(outbox):
    metrics = Metrics(CollectorRegistry())
    pump = EventPump(outbox, Topics(), clock=ManualClock(monotonic=99.5), metrics=metrics)
    outbox.append(EVENT)  # captured at 99.0
    pump.send(FakeSender())
    pump.settle([Acknowledgement(1)])
    assert metrics.registry.get_sample_value("videobert_capture_to_publish_seconds_sum") == 0.5
