"""Discovery against Home Assistant's documented rules, written down here by hand.

Source: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, and each platform's page.
"""

import json
import re

import jinja2
import pytest

from daemon.board import Board
from daemon.homeassistant import Discovery, device_config
from daemon.mqtt import Received
from daemon.payloads import Origin, event_message, state_message
from daemon.topics import Topics
from pipeline.types import CameraState, Event, EventKind, EventPhase, Severity
from tests.fakes import ManualClock

TOPICS = Topics()
CONFIG = device_config("porch", TOPICS, "https://cams.example")

# What each platform cannot do without, and what else we may say to it.
COMMON = {"platform", "unique_id", "name", "icon", "entity_category", "availability", "qos", "value_template"}
REQUIRED = {
    "event": {"state_topic", "event_types"},
    "binary_sensor": {"state_topic"},
    "sensor": {"state_topic"},
    "image": {"image_topic"},
    "switch": {"command_topic"},
    "number": {"command_topic"},
}
OPTIONAL = {
    "event": set(),
    "binary_sensor": {"device_class"},
    "sensor": {
        "device_class",
        "state_class",
        "unit_of_measurement",
        "suggested_display_precision",
        "options",
    },
    "image": {"content_type"},
    "switch": {"state_topic"},
    "number": {"state_topic", "min", "max", "step", "mode"},
}
ENTITIES = {key.removeprefix("videobert_porch_"): entity for key, entity in CONFIG["components"].items()}


def rendered(entity: str, payload: str) -> str:
    """Render an entity's value template as Home Assistant does."""
    environment = jinja2.Environment(autoescape=False)
    environment.filters["to_json"] = json.dumps
    values = {"value": payload}
    if payload.startswith("{"):
        values["value_json"] = json.loads(payload)
    return environment.from_string(ENTITIES[entity]["value_template"]).render(values)


def test_the_device_names_itself_and_its_origin():
    assert CONFIG["device"]["identifiers"] == ["videobert_porch"]
    assert CONFIG["device"]["configuration_url"] == "https://cams.example"
    assert CONFIG["origin"]["name"] == "videobertd"
    assert set(CONFIG) == {"device", "origin", "availability", "availability_mode", "components"}


@pytest.mark.parametrize("name", ENTITIES)
def test_an_entity_says_what_its_platform_requires_and_nothing_unknown(name):
    entity = ENTITIES[name]
    platform = entity["platform"]
    assert entity["unique_id"] == f"videobert_porch_{name}"
    assert REQUIRED[platform] <= set(entity)
    assert set(entity) <= REQUIRED[platform] | OPTIONAL[platform] | COMMON


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
