"""Discovery against Home Assistant's documented rules, which tests/home_assistant.py writes down."""

import json
import re

import jinja2
import pytest

from daemon.board import Board
from daemon.homeassistant import Discovery, daemon_config, device_config
from daemon.mqtt import Received
from daemon.payloads import Origin, event_message, state_message
from daemon.topics import Topics
from pipeline.types import CameraState, Event, EventKind, EventPhase, Severity
from tests.fakes import ManualClock
from tests.home_assistant import problems, state_of

TOPICS = Topics()
CONFIG = device_config("porch", TOPICS, "https://cams.example")

DAEMON = daemon_config(TOPICS, "https://cams.example")
ENTITIES = {key.removeprefix("videobert_porch_"): entity for key, entity in CONFIG["components"].items()}


def rendered(entity: str, payload: str) -> str:
    return state_of(ENTITIES[entity], payload)


def test_the_device_names_itself_and_its_origin():
    assert CONFIG["device"]["identifiers"] == ["videobert_porch"]
    assert CONFIG["device"]["configuration_url"] == "https://cams.example"
    assert CONFIG["origin"]["name"] == "videobertd"


@pytest.mark.parametrize("config", [CONFIG, DAEMON, device_config("porch", TOPICS)])
def test_what_is_announced_is_what_home_assistant_takes(config):
    assert problems(config) == []


BROKEN = {
    "no identifiers": lambda config: config["device"].pop("identifiers"),
    "no origin": lambda config: config.pop("origin"),
    "an abbreviation": lambda config: config.update(avty=config.pop("availability")),
    "a wildcard": lambda config: entity_of(config, "event").update(state_topic="videobert/+/event"),
    "no event types": lambda config: entity_of(config, "event").pop("event_types"),
    "a sensor that is a setting": lambda config: entity_of(config, "status").update(entity_category="config"),
    "options with statistics": lambda config: entity_of(config, "status").update(state_class="measurement"),
    "two pictures": lambda config: entity_of(config, "snapshot").update(url_topic="a"),
    "an empty range": lambda config: entity_of(config, "budget").update(max=0.1),
    "no unique id": lambda config: entity_of(config, "motion").pop("unique_id"),
    "a device class of another platform": lambda config: entity_of(config, "motion").update(
        device_class="enum"
    ),
    "an unknown key": lambda config: entity_of(config, "motion").update(colour="red"),
    "an unknown platform": lambda config: entity_of(config, "motion").update(platform="oracle"),
}


def entity_of(config, name):
    return config["components"][f"videobert_porch_{name}"]


@pytest.mark.parametrize("what", BROKEN)
def test_the_rules_see_each_kind_of_mistake(what):
    config = json.loads(json.dumps(CONFIG))
    BROKEN[what](config)
    assert problems(config) != []


def test_cameras_are_grouped_under_the_daemon():
    assert DAEMON["device"]["identifiers"] == ["videobert_daemon"]
    assert CONFIG["device"]["via_device"] == "videobert_daemon"
    assert "via_device" not in DAEMON["device"]


def test_the_daemon_says_whether_it_is_there_and_what_a_restart_would_bring():
    entities = {key.removeprefix("videobert_daemon_"): entity for key, entity in DAEMON["components"].items()}
    assert {name: entity["platform"] for name, entity in entities.items()} == {
        "connectivity": "binary_sensor",
        "program": "update",
        "model": "update",
    }
    assert "availability" not in entities["connectivity"]  # to be offline is its own state
    assert entities["program"]["state_topic"] == "videobert/daemon/program"
    assert "command_topic" not in entities["program"]  # nobody can install anything from there


def test_ids_are_made_of_device_and_entity():
    for config in (CONFIG, DAEMON):
        (device_id,) = config["device"]["identifiers"]
        for key, entity in config["components"].items():
            assert key == entity["unique_id"]
            assert key.startswith(f"{device_id}_")


def test_what_the_contract_asks_for_is_there():
    platforms = sorted(entity["platform"] for entity in ENTITIES.values())
    assert platforms == sorted(
        ["event"] + ["binary_sensor"] * 4 + ["sensor"] * 6 + ["image"] + ["switch"] * 3 + ["number"]
    )
    assert ENTITIES["budget"]["command_topic"] == "videobert/porch/budget/set"
    assert ENTITIES["snapshot"]["image_topic"] == "videobert/porch/snapshot"


def test_only_entities_about_the_scene_need_the_camera():
    needs_camera = {name for name, entity in ENTITIES.items() if "availability" not in entity}
    seen = {"event", "anomaly", "motion", "anomaly_score", "behaviour"}
    assert needs_camera == seen | {"calibration", "expected_alarms", "actual_alarms"}
    assert CONFIG["availability_mode"] == "all"
    assert [place["topic"] for place in CONFIG["availability"]] == [
        "videobert/status",
        "videobert/porch/status",
    ]


@pytest.mark.parametrize(
    ("status", "available"), [("online", "online"), ("frozen", "online"), ("offline", "offline")]
)
def test_a_camera_in_trouble_is_available_and_one_that_is_gone_is_not(status, available):
    template = CONFIG["availability"][1]["value_template"]
    assert jinja2.Template(template).render(value=status) == available


def test_the_event_entity_gets_a_type_that_it_knows_and_all_fields_as_attributes():
    event = Event(
        "1",
        "porch",
        EventPhase.NEW,
        EventKind.ANOMALY,
        "unusual",
        0.9,
        Severity.INFO,
        0.0,
        "a <b> & 'c'",
        0.0,
    )
    payload = event_message(event, 3, Origin()).to_json()
    seen = json.loads(rendered("event", payload))
    assert seen.pop("event_type") in ENTITIES["event"]["event_types"]
    assert seen == json.loads(payload)


def test_the_templates_read_the_state():
    state = CameraState(
        "porch", motion=True, anomaly_score=0.25, calibration_ratio=0.404, behaviour=None, active_events=()
    )
    payload = state_message(state, {EventKind.ANOMALY}).to_json()
    names = ("anomaly", "motion", "anomaly_score", "behaviour", "calibration")
    assert [rendered(name, payload) for name in names] == ["ON", "ON", "0.25", "none", "40.0"]


@pytest.mark.parametrize(
    ("status", "connection", "problem"),
    [("online", "ON", "OFF"), ("offline", "OFF", "OFF"), ("moved", "ON", "ON"), ("disabled", "OFF", "OFF")],
)
def test_connection_and_problem_follow_the_status(status, connection, problem):
    assert (rendered("connectivity", status), rendered("problem", status)) == (connection, problem)
    assert status in ENTITIES["status"]["options"]


def test_the_topic_has_only_letters_that_home_assistant_matches():
    topic = Topics("site/east").discovery("gate 2")
    assert topic == "homeassistant/device/site_east_gate_2/config"
    assert re.fullmatch(r"homeassistant/\w+/[a-zA-Z0-9_-]+/config", topic)


@pytest.mark.parametrize(("payload", "repeats"), [(b"online", 1), (b"offline", 0)])
def test_cameras_are_announced_again_after_the_birth_message(payload, repeats):
    board = Board(ManualClock())
    discovery = Discovery(TOPICS, board=board)
    discovery.add_camera("porch")
    assert json.loads(board.take_due(9)[0].payload) == device_config("porch", TOPICS)
    discovery.handle(Received("homeassistant/status", payload, retained=False))
    assert len(board.take_due(9)) == repeats
    discovery.remove_camera("porch")
    discovery.handle(Received("homeassistant/status", b"online", retained=False))
    assert board.take_due(9) == ()


def test_the_daemon_is_announced_before_the_cameras_that_are_reached_through_it():
    board = Board(ManualClock())
    discovery = Discovery(TOPICS, board=board)
    discovery.add_daemon()
    discovery.add_camera("porch")
    assert [notice.topic for notice in board.take_due(9)] == [
        "homeassistant/device/videobert_daemon/config",
        "homeassistant/device/videobert_porch/config",
    ]
