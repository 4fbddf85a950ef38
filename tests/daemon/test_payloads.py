import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from daemon.payloads import (
    EventMessage,
    FeedbackMessage,
    Origin,
    StateMessage,
    event_message,
    json_schema,
    parse_event,
    state_message,
    write_schemas,
)
from pipeline.types import CameraState, Event, EventKind, EventPhase, Region, Severity

DOCS = Path(__file__).parents[2] / "docs"
FALL = Event(
    id="0001",
    camera="porch",
    phase=EventPhase.END,
    kind=EventKind.BEHAVIOUR,
    label="fall",
    score=0.91,
    severity=Severity.ALERT,
    start_utc_s=1_800_000_000.25,
    explanation="a person falls",
    captured_s=12.0,
    p_value=0.0004,
    end_utc_s=1_800_000_004.5,
    region=Region(0.25, 0.5, 0.125, 0.25),
    zones=("steps",),
    key_times_utc_s=(1_799_999_999.0, 1_799_999_999.4),
    nearest_normal_utc_s=1_799_996_400.0,
)
# 1 800 000 000 s after the epoch is 2027-01-15 08:00:00 UTC.
FALL_SENT = {
    "schema": 1,
    "id": "0001",
    "seq": 7,
    "camera": "porch",
    "type": "end",
    "kind": "behaviour",
    "label": "fall",
    "score": 0.91,
    "p_value": 0.0004,
    "severity": "alert",
    "start_utc": "2027-01-15T08:00:00.250Z",
    "end_utc": "2027-01-15T08:00:04.500Z",
    "zones": ["steps"],
    "region": {"x": 0.25, "y": 0.5, "width": 0.125, "height": 0.25},
    "key_times_utc": ["2027-01-15T07:59:59.000Z", "2027-01-15T07:59:59.400Z"],
    "nearest_normal_utc": "2027-01-15T07:00:00.000Z",
    "explanation": "a person falls",
    "snapshot_url": "https://cams.example/snapshots/0001.jpg",
    "clip_url": None,
    "model": "videobert-small 1",
}
ORIGIN = Origin(lambda: "videobert-small 1", public_url="https://cams.example/")


def test_an_event_is_sent_with_every_field_of_the_contract():
    assert json.loads(event_message(FALL, 7, ORIGIN).to_json()) == FALL_SENT


def test_an_event_comes_back_from_its_payload_except_for_the_monotonic_clock():
    back = parse_event(event_message(FALL, 7, ORIGIN).to_json())
    assert back.captured_s == 0.0
    assert event_message(back, 7, ORIGIN) == event_message(FALL, 7, ORIGIN)


def test_without_a_public_url_there_is_no_link():
    assert event_message(FALL, 7, Origin()).snapshot_url is None


def test_an_event_that_is_recorded_names_its_video():
    recorded = Origin(public_url="https://cams.example", has_clip=lambda event: event.camera == FALL.camera)
    assert event_message(FALL, 7, recorded).clip_url == f"https://cams.example/clips/{FALL.id}.mp4"
    assert event_message(replace(FALL, camera="other"), 7, recorded).clip_url is None


@pytest.mark.parametrize(("score", "sent"), [(1.0000001, 1.0), (-0.1, 0.0), (0.123456, 0.1235)])
def test_a_score_is_brought_into_its_range_and_rounded(score, sent):
    event = Event("1", "a", EventPhase.NEW, EventKind.ANOMALY, "x", score, Severity.INFO, 0.0, "", 0.0)
    assert event_message(event, 1, Origin()).score == sent


def test_a_score_that_is_not_a_number_is_a_bug_and_raises():
    event = Event("1", "a", EventPhase.NEW, EventKind.ANOMALY, "x", float("nan"), Severity.INFO, 0.0, "", 0.0)
    with pytest.raises(ValidationError, match="score"):
        event_message(event, 1, Origin())


def test_an_unknown_field_is_refused_where_we_parse():
    with pytest.raises(ValidationError, match="colour"):
        EventMessage.model_validate(FALL_SENT | {"colour": "red"})


def test_a_state_says_whether_an_anomaly_is_open():
    state = CameraState("porch", True, 0.12345, 1.0, "walking", ("unusual",))
    assert json.loads(state_message(state, {EventKind.ANOMALY}).to_json()) == {
        "schema": 1,
        "motion": True,
        "anomaly": True,
        "anomaly_score": 0.123,
        "calibration_ratio": 1.0,
        "expected_per_day": None,
        "actual_per_day": 0.0,
        "behaviour": "walking",
        "active_events": ["unusual"],
    }
    assert state_message(state, {EventKind.CAMERA}).anomaly is False


def test_the_published_schemas_are_those_of_the_code(tmp_path):
    write_schemas(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["event.schema.json", "feedback.schema.json", "state.schema.json"]
    for name in names:
        published = (DOCS / "events" / name).read_text()
        assert published == (tmp_path / name).read_text(), "run python -m daemon.payloads docs/events"


@pytest.mark.parametrize(
    "change", [{"score": 1.5}, {"schema": 2}, {"type": "begin"}, {"start_utc": "yesterday"}, {"seq": 0}]
)
def test_the_schema_accepts_what_is_sent_and_nothing_else(change):
    schema = json_schema("event")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(FALL_SENT, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(FALL_SENT | change, schema)


def test_every_field_and_every_example_in_the_docs_is_true():
    text = (DOCS / "events.md").read_text()
    examples = [json.loads(block.split("```")[0]) for block in text.split("```json\n")[1:]]
    kinds = [
        EventMessage if "seq" in example else FeedbackMessage if "verdict" in example else StateMessage
        for example in examples
    ]
    assert {kind.__name__ for kind in kinds} == {"EventMessage", "StateMessage", "FeedbackMessage"}
    for kind, example in zip(kinds, examples, strict=True):
        assert json.loads(kind.model_validate(example).to_json()) == example
        for field in example:
            assert f"`{field}`" in text, f"{field} is not described"
