"""What the demo's subscriber makes of topics and payloads."""

import pytest
from paho.mqtt import publish

from daemon.demo.broker import EmbeddedBroker
from daemon.demo.ports import free_port
from daemon.demo.subscriber import Heard, Subscriber
from tests.demo.events import heard_at, message
from tests.servers import wait_until


class StoppedClock:
    def monotonic_s(self):
        return 42.0

    def utc_s(self):
        return 0.0


@pytest.fixture
def subscriber():
    return Subscriber("127.0.0.1", 1, clock=StoppedClock())


def test_an_event_is_kept_with_the_moment_of_its_arrival(subscriber):
    subscriber.take("videobert/plaza/event", message(seq=7).to_json().encode())
    (event,) = subscriber.heard.events
    assert (event.message.seq, event.arrived_s) == (7, 42.0)


def test_the_newest_status_of_a_camera_counts(subscriber):
    subscriber.take("videobert/plaza/status", b"offline")
    subscriber.take("videobert/plaza/status", b"online")
    assert subscriber.heard.statuses == {"plaza": "online"}


def test_a_state_is_read(subscriber):
    payload = b'{"schema":1,"motion":true,"anomaly":false,"anomaly_score":0.25,"calibration_ratio":0.5}'
    subscriber.take("videobert/room/state", payload)
    assert subscriber.heard.states["room"].anomaly_score == 0.25


@pytest.mark.parametrize(
    "topic", ["videobert/status", "videobert/plaza/snapshot", "videobert/plaza/enabled/state"]
)
def test_other_topics_are_passed_over(subscriber, topic):
    subscriber.take(topic, b"online")
    assert subscriber.heard == Heard()


def test_a_gap_in_the_sequence_is_counted():
    heard = Heard(tuple(heard_at(0.0, seq=seq) for seq in (1, 2, 5)))
    assert heard.missing == 2  # 3 and 4


def test_a_message_that_came_twice_is_no_gap():
    heard = Heard(tuple(heard_at(0.0, seq=seq) for seq in (1, 2, 2, 3)))
    assert heard.missing == 0
    assert Heard().missing == 0


def test_only_first_messages_count_as_begun():
    heard = Heard((heard_at(0.0, seq=1), heard_at(1.0, seq=2, phase="end")))
    assert [event.message.seq for event in heard.begun] == [1]


def test_it_hears_what_a_broker_delivers():
    with EmbeddedBroker(free_port(0)) as broker:
        publish.single("videobert/plaza/status", "online", retain=True, port=broker.port, qos=1)
        with Subscriber(broker.host, broker.port, clock=StoppedClock()) as listener:
            wait_until(lambda: listener.heard.statuses, what="the status to arrive")
        assert listener.heard.statuses == {"plaza": "online"}
