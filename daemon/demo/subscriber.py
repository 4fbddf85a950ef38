"""The demo's MQTT subscriber: what the daemon publishes in, what was heard and what was missed out."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from daemon.payloads import EventMessage, StateMessage
from pipeline.clock import Clock
from pipeline.types import EventPhase


@dataclass(frozen=True, slots=True)
class HeardEvent:
    """An event message and when it arrived, by the monotonic clock."""

    message: EventMessage
    arrived_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that has arrived so far; statuses and states by camera."""

    events: tuple[HeardEvent, ...] = ()
    statuses: dict[str, str] = field(default_factory=dict)
    states: dict[str, StateMessage] = field(default_factory=dict)

    @property
    def begun(self) -> tuple[HeardEvent, ...]:
        """Return the first message of each event."""
        return tuple(event for event in self.events if event.message.type is EventPhase.NEW)

    @property
    def missing(self) -> int:
        """Return how many sequence numbers never arrived: 1, 2, 5 → 2."""
        seqs = {event.message.seq for event in self.events}
        return max(seqs) - min(seqs) + 1 - len(seqs) if seqs else 0


class Subscriber:
    """Listens to everything below the base topic."""

    def __init__(self, host: str, port: int, *, clock: Clock, base_topic: str = "videobert") -> None:
        self._address = (host, port)
        self._clock = clock
        self._base_topic = base_topic
        self._heard = Heard()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)

    @property
    def heard(self) -> Heard:
        """Return what has arrived so far; a snapshot that no longer changes."""
        return self._heard

    def __enter__(self) -> Self:
        self._client.on_connect = lambda client, *_: client.subscribe(f"{self._base_topic}/#", qos=1)
        self._client.on_message = lambda _client, _data, message: self.take(message.topic, message.payload)
        self._client.connect(*self._address)
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, topic: str, payload: bytes | bytearray) -> None:
        """Take one message; topics that the demo does not show are passed over."""
        heard = self._heard
        match topic.removeprefix(f"{self._base_topic}/").split("/"):
            case [_, "event"]:
                event = HeardEvent(EventMessage.model_validate_json(payload), self._clock.monotonic_s())
                heard = Heard((*heard.events, event), heard.statuses, heard.states)
            case [camera, "status"]:
                heard = Heard(heard.events, heard.statuses | {camera: payload.decode()}, heard.states)
            case [camera, "state"] if payload:
                state = StateMessage.model_validate_json(payload)
                heard = Heard(heard.events, heard.statuses, heard.states | {camera: state})

        self._heard = heard
