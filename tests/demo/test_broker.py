"""The embedded broker, with paho as its client."""

import queue
import socket

import paho.mqtt.client as mqtt
import pytest

from daemon.demo.broker import EmbeddedBroker
from daemon.demo.ports import free_port

TIMEOUT_S = 5


@pytest.fixture
def broker():
    with EmbeddedBroker(free_port(0)) as running:
        yield running


class Client:
    """A connected client that puts what it receives into a queue."""

    def __init__(self, broker, subscribe=None):
        self.received = queue.Queue()
        subscribed = queue.Queue()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.on_message = lambda client, data, message: self.received.put(message)
        self._client.on_subscribe = lambda *event: subscribed.put(event)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        if subscribe:
            self._client.subscribe(subscribe, qos=1)
            subscribed.get(timeout=TIMEOUT_S)

    def publish(self, topic, payload, retain=False):
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(TIMEOUT_S)

    def take(self):
        return self.received.get(timeout=TIMEOUT_S)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._client.disconnect()
        self._client.loop_stop()


def test_a_message_of_qos_1_reaches_a_subscriber(broker):
    with Client(broker, "a/#") as listener, Client(broker) as speaker:
        speaker.publish("a/b", b"hello")
        message = listener.take()
    assert (message.topic, message.payload, message.qos) == ("a/b", b"hello", 1)


def test_a_retained_message_reaches_whoever_comes_later(broker):
    with Client(broker) as speaker:
        speaker.publish("status", b"online", retain=True)
    with Client(broker, "status") as latecomer:
        message = latecomer.take()
    assert (message.payload, message.retain) == (b"online", True)


def test_five_hundred_messages_arrive_in_order_and_none_is_lost(broker):
    with Client(broker, "count") as listener, Client(broker) as speaker:
        for number in range(500):
            speaker.publish("count", str(number))
        assert [int(listener.take().payload) for _ in range(500)] == list(range(500))


def test_a_taken_port_is_reported_where_the_broker_starts(broker):
    with pytest.raises(OSError, match=f"port {broker.port}"):
        EmbeddedBroker(broker.port).start()


def test_a_broker_that_was_stopped_leaves_its_port(broker):
    broker.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((broker.host, broker.port), timeout=TIMEOUT_S)


def test_the_preferred_port_is_taken_if_it_is_free():
    port = free_port(0)
    assert free_port(port) == port


def test_another_port_is_chosen_if_the_preferred_one_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)
