"""The parts of a running daemon in, what the page and the health checks show of them out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prometheus_client import Gauge

from daemon.archive_reader import ArchiveReader
from daemon.commands import Commands
from daemon.config import MqttTable
from daemon.editing.desk import SettingsDesk
from daemon.engine import Engine
from daemon.event_files import EventFiles
from daemon.event_log import EventFilter, LoggedEvent
from daemon.feedback import FeedbackCommand, FeedbackDesk
from daemon.outbox import Outbox
from daemon.overview import Overview
from daemon.payloads import FeedbackMessage
from daemon.publisher import BrokerHealth
from daemon.review.desk import ReviewDesk
from daemon.review.model_room import ModelRoom
from daemon.roll import Roll
from daemon.search.desk import SearchDesk
from daemon.snapshots import Layers, Part, SnapshotStore
from daemon.system.measures import Measures, Meter
from daemon.views import CameraView, SystemView
from pipeline.types import CameraStatus
from pipeline.urls import redact_url

# A checkpoint folder's text for people.
CARD_FILE = "README.md"


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept: the event log, pictures and clips, what finds them, and how the cameras stand."""

    outbox: Outbox
    snapshots: SnapshotStore
    clips: EventFiles
    archive: ArchiveReader
    search: SearchDesk
    overview: Overview


@dataclass(frozen=True, slots=True)
class Desks:
    """Where people's wishes are taken."""

    commands: Commands
    feedback: FeedbackDesk
    review: ReviewDesk
    models: ModelRoom
    settings: SettingsDesk
    request_reload: Callable[[], None]


class House:
    """What the web threads see of the daemon; what they want changed goes to the desks."""

    def __init__(
        self,
        stores: Stores,
        engine: Engine,
        *,
        mqtt: MqttTable,
        broker: Callable[[], BrokerHealth],
        roll: Callable[[], Mapping[str, Roll]],
        desks: Desks,
        meter: Meter,
    ) -> None:
        self._stores = stores
        self._engine = engine
        self._mqtt = mqtt
        self._broker = broker
        self._roll = roll
        self._desks = desks
        self._meter = meter
        self._started_s = engine.clock.monotonic_s()

    def cameras(self) -> tuple[CameraView, ...]:
        """Return all cameras in the order of the settings."""
        scores = _by_camera(self._engine.outlets.metrics.anomaly_score)
        used = _by_camera(self._engine.outlets.metrics.alarm_budget_used)
        return tuple(
            self._view(name, entry, score=scores.get(name, 0.0), used=used.get(name, 0.0))
            for name, entry in self._roll().items()
        )

    def system(self) -> SystemView:
        """Return how the daemon itself stands."""
        encoder = self._engine.encoder
        broker, storage = self._broker(), self._stores.outbox.health
        where = f"{self._mqtt.host}:{self._mqtt.port}"
        storage_problem = "" if storage.ok else f"events cannot be written: {storage.reason}"
        return SystemView(
            version=version("videobertd"),
            model=encoder.checkpoint.title,
            runtime=encoder.name,
            uptime_s=round(self._engine.clock.monotonic_s() - self._started_s, 1),
            broker=f"connected to {where}" if broker.connected else f"not connected to {where}",
            broker_problem="" if broker.connected else f"MQTT broker: {broker.reason}",
            storage_problem=storage_problem or self._stores.snapshots.problem or self._stores.clips.problem,
            outbox_pending=self._stores.outbox.pending_count,
        )

    def measures(self) -> Measures:
        """Return how much it does, how soon, and what it needs for that."""
        card = self._engine.encoder.checkpoint.folder / CARD_FILE
        try:
            text = card.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):  # whoever made the model has written none
            text = ""
        return self._meter.measures(self._roll(), card=text)

    def note(self) -> None:
        """Keep how things stand now, for what is shown of the last minutes; called every other second."""
        self._stores.overview.scores.note(
            {
                camera.name: camera.anomaly_score if camera.status is CameraStatus.ONLINE else None
                for camera in self.cameras()
            }
        )
        self._meter.note()

    def events(self, which: EventFilter, *, after: int, limit: int) -> tuple[LoggedEvent, ...]:
        """Return the first messages with a seq above `after`, oldest first."""
        return self._stores.outbox.events(which, after=after, limit=limit)

    def newest_events(self, which: EventFilter, *, limit: int) -> tuple[LoggedEvent, ...]:
        """Return the last messages, oldest first."""
        return self._stores.outbox.newest(which, limit=limit)

    def snapshot(self, event_id: str, part: Part = Part.PICTURE) -> bytes | None:
        """Return a part of an event's snapshot, or None where none is kept."""
        return self._stores.snapshots.read(event_id, part)

    def layers(self, event_id: str) -> Layers | None:
        """Return what is drawn over an event's picture, or None where nothing is."""
        return self._stores.snapshots.layers(event_id)

    @property
    def archive(self) -> ArchiveReader:
        """Past events."""
        return self._stores.archive

    @property
    def review(self) -> ReviewDesk:
        """What people say that events show."""
        return self._desks.review

    @property
    def models(self) -> ModelRoom:
        """Where the model is retrained and changed."""
        return self._desks.models

    @property
    def settings(self) -> SettingsDesk:
        """The settings of the cameras."""
        return self._desks.settings

    @property
    def search(self) -> SearchDesk:
        """Where past events are looked for."""
        return self._stores.search

    def clip(self, event_id: str) -> Path | None:
        """Return an event's MP4 file, or None where none is kept."""
        return self._stores.clips.find(event_id)

    def picture(self, camera: str) -> bytes | None:
        """Return a camera's newest picture, or None where there is none yet."""
        return self._stores.overview.picture(camera) if camera in self._roll() else None

    def request_reload(self) -> None:
        """Have the settings read again."""
        self._desks.request_reload()

    def give_feedback(self, command: FeedbackCommand) -> FeedbackMessage:
        """Take somebody's word on an event."""
        return self._desks.feedback.give(command)

    def turn(self, camera: str, switch: str, text: str) -> None:
        """Turn a camera's switch."""
        self._desks.commands.turn(camera, switch, text)

    def _view(self, name: str, entry: Roll, *, score: float, used: float) -> CameraView:
        standing = self._stores.overview.standing(name)
        state = standing.state
        return CameraView(
            name=name,
            description=entry.table.description,
            source=redact_url(entry.table.url),
            status=standing.status,
            reason=standing.reason,
            anomaly_score=round(score, 3),
            calibration_ratio=0.0 if state is None else state.calibration_ratio,
            budget_per_day=entry.controls.snapshot().budget_per_day,
            budget_used_ratio=round(used, 3),
            expected_per_day=None if state is None else state.expected_per_day,
            actual_per_day=0.0 if state is None else state.actual_per_day,
            motion=state is not None and state.motion,
            behaviour=None if state is None else state.behaviour,
            active_events=() if state is None else state.active_events,
            recent_scores=self._stores.overview.scores.of(name),
        )


def _by_camera(gauge: Gauge) -> dict[str, float]:
    """Return a gauge's values by camera."""
    return {sample.labels["camera"]: sample.value for family in gauge.collect() for sample in family.samples}
