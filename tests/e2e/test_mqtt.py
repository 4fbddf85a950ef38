"""The publisher against real brokers: mosquitto as a process, and the embedded amqtt."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from daemon.mqtt import MqttSettings, probe
from daemon.payloads import EventMessage
from pipeline.types import CameraState, CameraStatus
from tests.fakes import pictures
from tests.home_assistant import problems, state_of, topics_of
from tests.servers import (
    listening,
    needs_mosquitto,
    remembering,
    running_amqtt,
    running_mosquitto,
    wait_until,
)
from tests.stations import connected, event, events_of, ids, running_station, seqs

pytestmark = pytest.mark.e2e


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
        station.announcer.on_snapshot(event(1), pictures(b"\xff\xd8jpeg"))
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
def test_what_home_assistant_is_told_of_is_what_a_capture_of_the_broker_holds(broker, tmp_path):
    with running_station(tmp_path, broker.port) as station, listening(broker.port) as live:
        connected(station)
        station.announcer.on_status("porch", CameraStatus.ONLINE, "frames arrive")
        station.announcer.on_state(CameraState("porch", True, 0.25, 0.5, None, ()))
        station.announcer.on_snapshot(event(1), pictures(b"\xff\xd8jpeg"))
        station.send(1)
        wait_until(lambda: seqs(live) == [1])
        wait_until(lambda: live.newest("videobert/porch/snapshot"))
        # A state stands for a second before the next one, which knows of the event.
        wait_until(lambda: json.loads(live.newest("videobert/porch/state"))["anomaly"])
        with listening(broker.port) as capture:
            capture.wait_for("videobert/porch/snapshot", b"\xff\xd8jpeg")
            capture.wait_for("videobert/porch/budget/state", b"1")
            told = {message.topic: bytes(message.payload) for message in capture.messages}
        told["videobert/porch/event"] = live.newest("videobert/porch/event")  # the one that is not retained
    configs = {topic: json.loads(told[topic]) for topic in told if topic.startswith("homeassistant/device/")}
    assert [problems(config) for config in configs.values()] == [[], []]
    assert [topic for config in configs.values() for topic in topics_of(config) - told.keys()] == []
    entities = {key: one for config in configs.values() for key, one in config["components"].items()}
    states = {
        key: state_of(one, told[one["state_topic"]].decode())
        for key, one in entities.items()
        if "state_topic" in one
    }
    assert json.loads(states.pop("videobert_porch_event"))["event_type"] == "new"
    assert json.loads(states.pop("videobert_daemon_model"))["latest_version"] == "videobert-small 0.3.0"
    assert json.loads(states.pop("videobert_daemon_program"))["installed_version"] == "0.1.0"
    assert states == {
        "videobert_daemon_connectivity": "online",
        "videobert_porch_anomaly": "ON",
        "videobert_porch_motion": "ON",
        "videobert_porch_anomaly_score": "0.25",
        "videobert_porch_behaviour": "none",
        "videobert_porch_calibration": "50.0",
        "videobert_porch_expected_alarms": "None",  # Home Assistant's word for unknown
        "videobert_porch_actual_alarms": "0.0",
        "videobert_porch_connectivity": "ON",
        "videobert_porch_problem": "OFF",
        "videobert_porch_status": "online",
        "videobert_porch_enabled": "ON",
        "videobert_porch_detect_anomaly": "ON",
        "videobert_porch_detect_behaviour": "ON",
        "videobert_porch_budget": "1",
    }


@needs_mosquitto
def test_a_camera_that_leaves_leaves_nothing_on_the_broker(broker, tmp_path):
    with running_station(tmp_path, broker.port) as station:
        station.announcer.on_snapshot(event(1), pictures(b"jpeg"))
        with listening(broker.port) as subscriber:
            subscriber.wait_for("videobert/porch/snapshot", b"jpeg")
            station.announcer.remove_camera("porch")
            subscriber.wait_for("videobert/porch/budget/state", b"")
        with listening(broker.port) as latecomer:
            latecomer.wait_for("videobert/status", b"online")
            assert [message.topic for message in latecomer.messages if "porch" in message.topic] == []


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
