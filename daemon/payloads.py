"""What is sent over MQTT: events and states as JSON, and the JSON Schema of both.

`python -m daemon.payloads docs/events` writes the schemas.
"""

import json
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from daemon.utc import utc_seconds, utc_text
from pipeline.feedback import Verdict
from pipeline.types import CameraState, Event, EventKind, EventPhase, Region, Severity

Fraction = Annotated[float, Field(ge=0, le=1)]
UtcTime = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        json_schema_extra={"format": "date-time"},
    ),
]


@dataclass(frozen=True, slots=True)
class Origin:
    """What every event of one daemon says alike: the model's name, and where its pages are reached.

    `model` is asked for each message, as it may change; `has_clip` says of which events a video is kept.
    """

    model: Callable[[], str | None] = lambda: None
    public_url: str = ""
    has_clip: Callable[[Event], bool] = lambda _event: False


class Message(BaseModel):
    """A JSON payload; `schema` grows when a field changes its meaning or goes, never when one is added."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True
    )

    schema_version: Literal[1] = Field(
        default=1, alias="schema", description="The version of this payload's form."
    )

    def to_json(self) -> str:
        """Return the payload as it is sent, on one line."""
        return self.model_dump_json(by_alias=True)


class RegionMessage(BaseModel):
    """A rectangle of the picture in fractions of its width and height, from the top left corner."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    x: Fraction
    y: Fraction
    width: Fraction
    height: Fraction

    @classmethod
    def of(cls, region: Region) -> "RegionMessage":
        """Return a region as it is sent."""
        return cls(
            x=_fraction(region.x),
            y=_fraction(region.y),
            width=_fraction(region.width),
            height=_fraction(region.height),
        )


class EventMessage(Message):
    """One message of one event: its beginning, a change, or its end."""

    id: str = Field(min_length=1, description="Names the event; its new, update and end share it.")
    seq: int = Field(ge=1, description="Counts all messages of this daemon without gaps.")
    camera: str = Field(min_length=1, description="The camera's name in the settings.")
    type: EventPhase = Field(description="Which message of the event's life this is.")
    kind: EventKind = Field(description="Which part of the daemon saw it.")
    label: str = Field(min_length=1, description="What it is, such as unusual, fight or frozen.")
    score: Fraction = Field(description="How sure the daemon is.")
    p_value: Fraction | None = Field(default=None, description="How often normal footage scores this high.")
    severity: Severity = Field(description="How much it asks for a person's attention.")
    start_utc: UtcTime = Field(description="When it began, by the stream's clock.")
    end_utc: UtcTime | None = Field(default=None, description="When it ended; only where type is end.")
    zones: tuple[str, ...] = Field(default=(), description="The zones of the camera that it touches.")
    region: RegionMessage | None = Field(default=None, description="Where in the picture it is.")
    key_times_utc: tuple[UtcTime, ...] = Field(
        default=(), description="The moments that counted most for it, in order; behaviours only."
    )
    nearest_normal_utc: UtcTime | None = Field(
        default=None,
        description="The normal moment that looked most like its beginning at that place; anomalies only.",
    )
    explanation: str = Field(description="In one sentence, what was seen.")
    snapshot_url: str | None = Field(default=None, description="Its picture; null without http.public_url.")
    clip_url: str | None = Field(
        default=None, description="Its video, there soon after the end; null where none is kept."
    )
    model: str | None = Field(default=None, description="The model that decided.")


class StateMessage(Message):
    """What is true of a camera now; retained."""

    motion: bool = Field(description="Whether something moves.")
    anomaly: bool = Field(description="Whether an anomaly event is open.")
    anomaly_score: Fraction = Field(description="The highest anomaly score of the last three seconds.")
    calibration_ratio: Fraction = Field(description="1 where the alarm budget can be promised.")
    expected_per_day: float | None = Field(
        default=None, ge=0, description="Anomaly alarms that a day like the last one would bring."
    )
    actual_per_day: float = Field(
        default=0.0, ge=0, description="Anomaly alarms a day in the last week, without confirmed ones."
    )
    behaviour: str | None = Field(default=None, description="The behaviour that is seen, if any.")
    active_events: tuple[str, ...] = Field(default=(), description="The events that are open.")


class FeedbackMessage(Message):
    """The answer to somebody's word on an event; retained."""

    event: str | None = Field(default=None, description="The event that was meant, where it was taken.")
    verdict: Verdict | None = Field(default=None, description="What was said of it.")
    by: str | None = Field(default=None, description="Who said so, if known.")
    given_utc: UtcTime | None = Field(default=None, description="When it was taken.")
    problem: str | None = Field(default=None, description="In one sentence, why it was not taken.")


SCHEMAS: dict[str, type[Message]] = {
    "event": EventMessage,
    "state": StateMessage,
    "feedback": FeedbackMessage,
}


def event_message(event: Event, seq: int, origin: Origin) -> EventMessage:
    """Return the payload of `event`; scores that rounding left outside 0…1 are brought back."""
    has_picture = event.kind is not EventKind.CAMERA
    return EventMessage(
        id=event.id,
        seq=seq,
        camera=event.camera,
        type=event.phase,
        kind=event.kind,
        label=event.label,
        score=_fraction(event.score),
        p_value=None if event.p_value is None else _fraction(event.p_value, digits=8),
        severity=event.severity,
        start_utc=utc_text(event.start_utc_s),
        end_utc=None if event.end_utc_s is None else utc_text(event.end_utc_s),
        zones=event.zones,
        region=None if event.region is None else RegionMessage.of(event.region),
        key_times_utc=tuple(map(utc_text, event.key_times_utc_s)),
        nearest_normal_utc=None
        if event.nearest_normal_utc_s is None
        else utc_text(event.nearest_normal_utc_s),
        explanation=event.explanation,
        snapshot_url=_page(origin, f"snapshots/{quote(event.id, safe='')}.jpg") if has_picture else None,
        clip_url=_page(origin, f"clips/{quote(event.id, safe='')}.mp4") if origin.has_clip(event) else None,
        model=origin.model(),
    )


def parse_event(payload: str) -> Event:
    """Return the event that `payload` tells of; `captured_s` is lost with the process and stands at 0."""
    message = EventMessage.model_validate_json(payload)
    region = message.region
    return Event(
        id=message.id,
        camera=message.camera,
        phase=message.type,
        kind=message.kind,
        label=message.label,
        score=message.score,
        severity=message.severity,
        start_utc_s=utc_seconds(message.start_utc),
        explanation=message.explanation,
        captured_s=0.0,
        p_value=message.p_value,
        end_utc_s=None if message.end_utc is None else utc_seconds(message.end_utc),
        region=None if region is None else Region(region.x, region.y, region.width, region.height),
        zones=message.zones,
        key_times_utc_s=tuple(map(utc_seconds, message.key_times_utc)),
        nearest_normal_utc_s=None
        if message.nearest_normal_utc is None
        else utc_seconds(message.nearest_normal_utc),
    )


def state_message(state: CameraState, open_kinds: Collection[EventKind] = ()) -> StateMessage:
    """Return the payload of `state`; three digits keep noise from being a change."""
    return StateMessage(
        motion=state.motion,
        anomaly=EventKind.ANOMALY in open_kinds,
        anomaly_score=_fraction(state.anomaly_score, digits=3),
        calibration_ratio=_fraction(state.calibration_ratio, digits=3),
        expected_per_day=state.expected_per_day,
        actual_per_day=state.actual_per_day,
        behaviour=state.behaviour,
        active_events=state.active_events,
    )


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the payload `event` or `state`.

    A subscriber must accept fields it does not know: they can be added under the same `schema`.
    """
    schema = SCHEMAS[name].model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"videobert {name}"} | {
        key: value for key, value in schema.items() if key != "title"
    }


def write_schemas(folder: Path) -> None:
    """Write `<name>.schema.json` for every payload."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        text = json.dumps(json_schema(name), indent=2) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def _page(origin: Origin, path: str) -> str | None:
    return f"{origin.public_url.rstrip('/')}/{path}" if origin.public_url else None


def _fraction(value: float, digits: int = 4) -> float:
    if value != value:  # noqa: PLR0124 - NaN passes every comparison below; the model refuses it by name
        return value
    return round(min(max(float(value), 0.0), 1.0), digits)


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
