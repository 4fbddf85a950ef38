"""Daemon and cameras in, Home Assistant's device discovery out: a retained message each, with all entities.

Source: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
"""

import json
from importlib.metadata import version
from typing import Any

from daemon.board import Board
from daemon.mqtt import Received
from daemon.topics import DAEMON, PARTS, Topics
from pipeline.controls import MAX_BUDGET_PER_DAY, MIN_BUDGET_PER_DAY
from pipeline.types import CameraStatus, EventPhase

PROJECT_URL = "https://pypi.org/project/videobertd/"
TROUBLES = (CameraStatus.FROZEN, CameraStatus.COVERED, CameraStatus.BLURRED, CameraStatus.MOVED)
AWAY = (CameraStatus.OFFLINE, CameraStatus.DISABLED)

Entity = dict[str, Any]  # Home Assistant's own vocabulary, which is wide and not ours to model


class Discovery:
    """Tells Home Assistant about daemon and cameras, and again whenever it has restarted."""

    def __init__(self, topics: Topics, *, board: Board, public_url: str = "") -> None:
        self._topics = topics
        self._board = board
        self._public_url = public_url
        self._announced: dict[str, str] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """Where Home Assistant reports its own start."""
        return (self._topics.home_assistant_status,)

    def add_daemon(self) -> None:
        """Announce the daemon, before the cameras that are reached through it."""
        self._announce(DAEMON, daemon_config(self._topics, self._public_url))

    def add_camera(self, camera: str) -> None:
        """Announce a camera and its entities."""
        self._announce(camera, device_config(camera, self._topics, self._public_url))

    def remove_camera(self, camera: str) -> None:
        """Forget a camera; its announcement is taken away with its other topics."""
        self._announced.pop(camera, None)

    def handle(self, message: Received) -> None:
        """Announce all devices once more after Home Assistant's birth message."""
        if message.topic == self._topics.home_assistant_status and message.payload == b"online":
            self._board.repeat(tuple(self._announced.values()))

    def _announce(self, name: str, config: dict[str, Any]) -> None:
        topic = self._topics.discovery(name)
        self._announced[name] = topic
        self._board.put(topic, json.dumps(config, separators=(",", ":")).encode())


def daemon_config(topics: Topics, public_url: str = "") -> dict[str, Any]:
    """Return the discovery payload of the daemon: whether it is there, and what a restart would bring."""
    device_id = topics.device_id(DAEMON)
    entities: dict[str, Entity] = {
        "connectivity": {
            "platform": "binary_sensor",
            "name": "Connection",
            "device_class": "connectivity",
            "state_topic": topics.status,
            "payload_on": "online",
            "payload_off": "offline",
            "entity_category": "diagnostic",
        },
    }
    for part in PARTS:
        entities[part] = {
            "platform": "update",
            "name": part.capitalize(),
            "state_topic": topics.versions(part),
            "title": "videobertd" if part == "program" else "VideoBERT",
            "release_summary": "It is installed; restart the daemon to run it.",
            "entity_category": "diagnostic",
            "availability": _availability(topics),
        }
    device = _device(device_id, "videobertd", model="Streaming video analytics", public_url=public_url)
    return {"device": device, "origin": _origin(), "components": _components(device_id, entities)}


def device_config(camera: str, topics: Topics, public_url: str = "") -> dict[str, Any]:
    """Return the discovery payload of one camera.

    Entities about the scene need daemon and camera; those about the camera itself need the daemon only,
    or nobody could see that it is offline or switch it on.
    """
    device_id = topics.device_id(camera)
    device = _device(device_id, camera, model="Camera with VideoBERT", public_url=public_url)
    entities = _scene_entities(camera, topics) | _camera_entities(camera, topics)
    return {
        "device": device | {"via_device": topics.device_id(DAEMON)},
        "origin": _origin(),
        "availability": _availability(topics) + _camera_availability(camera, topics),
        "availability_mode": "all",
        "components": _components(device_id, entities),
    }


def _device(device_id: str, name: str, *, model: str, public_url: str) -> Entity:
    device = {
        "identifiers": [device_id],
        "name": name,
        "manufacturer": "videobertd",
        "model": model,
        "sw_version": version("videobertd"),
    }
    return device | ({"configuration_url": public_url} if public_url else {})


def _origin() -> Entity:
    return {"name": "videobertd", "sw_version": version("videobertd"), "support_url": PROJECT_URL}


def _components(device_id: str, entities: dict[str, Entity]) -> dict[str, Entity]:
    return {
        f"{device_id}_{name}": entity | {"unique_id": f"{device_id}_{name}"}
        for name, entity in entities.items()
    }


def _scene_entities(camera: str, topics: Topics) -> dict[str, Entity]:
    """What the camera sees."""
    state = topics.state(camera)
    return {
        "event": {
            "platform": "event",
            "name": "Event",
            "state_topic": topics.event(camera),
            "event_types": [str(phase) for phase in EventPhase],
            "value_template": "{{ dict(value_json, event_type=value_json.type) | to_json }}",
            "icon": "mdi:cctv",
        },
        "anomaly": {
            "platform": "binary_sensor",
            "name": "Anomaly",
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.anomaly else 'OFF' }}",
            "icon": "mdi:alert-decagram",
        },
        "motion": {
            "platform": "binary_sensor",
            "name": "Motion",
            "device_class": "motion",
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.motion else 'OFF' }}",
        },
        "anomaly_score": {
            "platform": "sensor",
            "name": "Anomaly score",
            "state_topic": state,
            "state_class": "measurement",
            "value_template": "{{ value_json.anomaly_score }}",
            "suggested_display_precision": 2,
            "icon": "mdi:chart-bell-curve",
        },
        "behaviour": {
            "platform": "sensor",
            "name": "Behaviour",
            "state_topic": state,
            "value_template": "{{ value_json.behaviour or 'none' }}",
            "icon": "mdi:human-greeting-variant",
        },
        "calibration": {
            "platform": "sensor",
            "name": "Calibration",
            "state_topic": state,
            "state_class": "measurement",
            "unit_of_measurement": "%",
            "value_template": "{{ (value_json.calibration_ratio * 100) | round(0) }}",
            "entity_category": "diagnostic",
            "icon": "mdi:tune-vertical",
        },
        "expected_alarms": _rate("Expected alarms a day", state, "expected_per_day"),
        "actual_alarms": _rate("Actual alarms a day", state, "actual_per_day"),
    }


def _rate(name: str, state_topic: str, field: str) -> Entity:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": state_topic,
        "state_class": "measurement",
        "value_template": f"{{{{ value_json.{field} }}}}",
        "entity_category": "diagnostic",
        "icon": "mdi:bell-outline",
    }


def _camera_entities(camera: str, topics: Topics) -> dict[str, Entity]:
    """How the camera is, and its switches: available while the daemon is."""
    status = topics.camera_status(camera)
    entities: dict[str, Entity] = {
        "connectivity": {
            "platform": "binary_sensor",
            "name": "Connection",
            "device_class": "connectivity",
            "state_topic": status,
            "value_template": _choice(AWAY, "OFF", "ON"),
            "entity_category": "diagnostic",
        },
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "state_topic": status,
            "value_template": _choice(TROUBLES, "ON", "OFF"),
            "entity_category": "diagnostic",
        },
        "status": {
            "platform": "sensor",
            "name": "Status",
            "device_class": "enum",
            "options": [str(status) for status in CameraStatus],
            "state_topic": status,
            "entity_category": "diagnostic",
        },
        "snapshot": {
            "platform": "image",
            "name": "Last event",
            "image_topic": topics.snapshot(camera),
            "content_type": "image/jpeg",
        },
        "enabled": _switch(camera, "enabled", topics) | {"name": "Enabled", "icon": "mdi:cctv"},
        "detect_anomaly": _switch(camera, "anomaly", topics) | {"name": "Detect anomalies"},
        "detect_behaviour": _switch(camera, "behaviour", topics) | {"name": "Detect behaviour"},
        "budget": {
            "platform": "number",
            "name": "Alarms per day",
            "command_topic": topics.switch_set(camera, "budget"),
            "state_topic": topics.switch_state(camera, "budget"),
            "min": MIN_BUDGET_PER_DAY,
            "max": MAX_BUDGET_PER_DAY,
            "step": 0.1,
            "mode": "box",
            "qos": 1,
            "entity_category": "config",
            "icon": "mdi:bell-cog",
        },
    }
    return {name: entity | {"availability": _availability(topics)} for name, entity in entities.items()}


def _switch(camera: str, switch: str, topics: Topics) -> Entity:
    return {
        "platform": "switch",
        "command_topic": topics.switch_set(camera, switch),
        "state_topic": topics.switch_state(camera, switch),
        "qos": 1,
        "entity_category": "config",
    }


def _availability(topics: Topics) -> list[Entity]:
    return [{"topic": topics.status}]


def _camera_availability(camera: str, topics: Topics) -> list[Entity]:
    """A camera with a covered lens still answers; only offline and disabled mean that it doesn't."""
    return [{"topic": topics.camera_status(camera), "value_template": _choice(AWAY, "offline", "online")}]


def _choice(statuses: tuple[CameraStatus, ...], inside: str, outside: str) -> str:
    """Return a template that turns a camera's status into one of two words."""
    listed = ", ".join(f"'{status}'" for status in statuses)
    return f"{{{{ '{inside}' if value in [{listed}] else '{outside}' }}}}"
