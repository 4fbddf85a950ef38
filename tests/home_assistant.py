"""What Home Assistant takes as device discovery, as a JSON Schema written by hand, as it publishes none.

Source: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, and each platform's page.
Only full names are allowed, none of its abbreviations.
"""

import json
from typing import Any

import jinja2
from jsonschema import Draft202012Validator

TEXT = {"type": "string", "minLength": 1}
# Published to and subscribed to, so never with a wildcard.
TOPIC = {"type": "string", "pattern": r"^[^+#\u0000]+$", "maxLength": 65535}
TEMPLATE = {"type": "string", "pattern": r"\{\{.*\}\}"}
URL = {"type": "string", "pattern": "^https?://"}
NUMBER = {"type": "number"}
BOOLEAN = {"type": "boolean"}
DIAGNOSTIC = {"enum": ["diagnostic"]}  # what nobody can turn is no part of a configuration
EITHER = {"enum": ["config", "diagnostic"]}

AVAILABILITY = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["topic"],
        "properties": {
            "topic": TOPIC,
            "payload_available": TEXT,
            "payload_not_available": TEXT,
            "value_template": TEMPLATE,
        },
        "additionalProperties": False,
    },
}
COMMON = {
    "unique_id": {"type": "string", "pattern": "^[a-zA-Z0-9_-]+$"},
    "name": TEXT,
    "icon": {"type": "string", "pattern": "^mdi:[a-z0-9-]+$"},
    "availability": AVAILABILITY,
    "availability_mode": {"enum": ["all", "any", "latest"]},
    "qos": {"enum": [0, 1, 2]},
    "entity_picture": URL,
    "enabled_by_default": BOOLEAN,
    "json_attributes_topic": TOPIC,
    "json_attributes_template": TEMPLATE,
}
READ = {"state_topic": TOPIC, "value_template": TEMPLATE}
COMMANDED = {"command_topic": TOPIC, "command_template": TEMPLATE, "optimistic": BOOLEAN, "retain": BOOLEAN}
# Of each platform: what it cannot do without, and what else may be said to it.
PLATFORMS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "event": (
        ["state_topic", "event_types"],
        READ
        | {
            "event_types": {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
            "device_class": {"enum": ["button", "doorbell", "motion"]},
            "entity_category": DIAGNOSTIC,
        },
    ),
    "binary_sensor": (
        ["state_topic"],
        READ
        | {
            "device_class": {"enum": ["connectivity", "motion", "occupancy", "problem", "running", "safety"]},
            "payload_on": TEXT,
            "payload_off": TEXT,
            "off_delay": NUMBER,
            "expire_after": NUMBER,
            "force_update": BOOLEAN,
            "entity_category": DIAGNOSTIC,
        },
    ),
    "sensor": (
        ["state_topic"],
        READ
        | {
            "device_class": {"enum": ["enum", "timestamp", "duration", "data_size"]},
            "state_class": {"enum": ["measurement", "total", "total_increasing"]},
            "unit_of_measurement": TEXT,
            "suggested_display_precision": {"type": "integer", "minimum": 0},
            "options": {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
            "expire_after": NUMBER,
            "force_update": BOOLEAN,
            "entity_category": DIAGNOSTIC,
        },
    ),
    "image": (
        [],
        {
            "image_topic": TOPIC,
            "image_encoding": {"enum": ["b64"]},
            "content_type": {"type": "string", "pattern": "^image/"},
            "url_topic": TOPIC,
            "url_template": TEMPLATE,
            "entity_category": DIAGNOSTIC,
        },
    ),
    "switch": (
        ["command_topic"],
        READ
        | COMMANDED
        | {
            "device_class": {"enum": ["outlet", "switch"]},
            "payload_on": TEXT,
            "payload_off": TEXT,
            "state_on": TEXT,
            "state_off": TEXT,
            "entity_category": EITHER,
        },
    ),
    "number": (
        ["command_topic"],
        READ
        | COMMANDED
        | {
            "min": NUMBER,
            "max": NUMBER,
            "step": {"type": "number", "minimum": 0.001},
            "mode": {"enum": ["auto", "box", "slider"]},
            "unit_of_measurement": TEXT,
            "payload_reset": TEXT,
            "entity_category": EITHER,
        },
    ),
    "update": (
        [],
        READ
        | {
            "latest_version_topic": TOPIC,
            "latest_version_template": TEMPLATE,
            "command_topic": TOPIC,
            "payload_install": TEXT,
            "device_class": {"enum": ["firmware"]},
            "title": TEXT,
            "release_summary": {"type": "string", "maxLength": 255},
            "release_url": URL,
            "entity_category": EITHER,
        },
    ),
}


def _component(platform: str) -> dict[str, Any]:
    """Return the schema of one entity of a platform."""
    required, own = PLATFORMS[platform]
    extra: dict[str, Any] = {}
    if platform == "image":
        extra = {"oneOf": [{"required": ["image_topic"]}, {"required": ["url_topic"]}]}
    if platform == "sensor":  # a list of options is for enum, and enum has neither unit nor statistics
        extra = {
            "if": {"required": ["options"]},
            "then": {
                "required": ["device_class"],
                "properties": {"device_class": {"const": "enum"}},
                "not": {"anyOf": [{"required": ["state_class"]}, {"required": ["unit_of_measurement"]}]},
            },
        }
    return {
        "type": "object",
        "required": ["platform", "unique_id", *required],
        "properties": {"platform": {"const": platform}, **COMMON, **own},
        "additionalProperties": False,
        **extra,
    }


DEVICE_DISCOVERY: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["device", "origin", "components"],
    "properties": {
        "device": {
            "type": "object",
            "anyOf": [{"required": ["identifiers"]}, {"required": ["connections"]}],
            "properties": {
                "identifiers": {"type": "array", "items": TEXT, "minItems": 1},
                "connections": {"type": "array", "items": {"type": "array", "items": TEXT, "minItems": 2}},
                "name": TEXT,
                "manufacturer": TEXT,
                "model": TEXT,
                "model_id": TEXT,
                "sw_version": TEXT,
                "hw_version": TEXT,
                "serial_number": TEXT,
                "suggested_area": TEXT,
                "via_device": TEXT,
                "configuration_url": URL,
            },
            "additionalProperties": False,
        },
        "origin": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": TEXT, "sw_version": TEXT, "support_url": URL},
            "additionalProperties": False,
        },
        "availability": AVAILABILITY,
        "availability_mode": {"enum": ["all", "any", "latest"]},
        "state_topic": TOPIC,
        "command_topic": TOPIC,
        "qos": {"enum": [0, 1, 2]},
        "encoding": TEXT,
        "components": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^[a-zA-Z0-9_-]+$"},
            "additionalProperties": {
                "type": "object",
                "required": ["platform"],
                "properties": {"platform": {"enum": list(PLATFORMS)}},
                "allOf": [
                    {
                        "if": {"properties": {"platform": {"const": platform}}},
                        "then": _component(platform),
                    }
                    for platform in PLATFORMS
                ],
            },
        },
    },
    "additionalProperties": False,
}
VALIDATOR = Draft202012Validator(DEVICE_DISCOVERY)


def problems(config: dict[str, Any]) -> list[str]:
    """Return what Home Assistant would refuse of a discovery message, a line for each."""
    found = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(config)]
    for key, entity in config.get("components", {}).items():
        if entity.get("min", 0) >= entity.get("max", 1):
            found.append(f"{key}: min must be below max")
    return found


def rendered(template: str, payload: str) -> str:
    """Render a value template as Home Assistant does."""
    environment = jinja2.Environment(autoescape=False)
    environment.filters["to_json"] = json.dumps
    values: dict[str, Any] = {"value": payload}
    if payload.startswith("{"):
        values["value_json"] = json.loads(payload)
    return environment.from_string(template).render(values)


def state_of(entity: dict[str, Any], payload: str) -> str:
    """Return what an entity makes of a payload."""
    return rendered(entity.get("value_template", "{{ value }}"), payload)


def topics_of(config: dict[str, Any]) -> set[str]:
    """Return every topic that a discovery message says is published to."""
    places = [config, *config["components"].values()]
    read = {place[key] for place in places for key in ("state_topic", "image_topic") if key in place}
    return read | {one["topic"] for place in places for one in place.get("availability", [])}
