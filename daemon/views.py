"""What the page and the HTTP endpoints show, and from whom they ask it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from daemon.archive_reader import ArchivePage
from daemon.editing.form import NewCamera, SettingsView
from daemon.event_log import BegunFilter, EventFilter, LoggedEvent
from daemon.feedback import FeedbackCommand
from daemon.payloads import EventMessage, FeedbackMessage
from daemon.review.desk import Choice, ReviewView
from daemon.review.labels import GivenLabel
from daemon.review.model_room import ModelsView
from daemon.search.desk import Search
from daemon.snapshots import Layers, Part
from daemon.system.measures import Measures
from pipeline.feedback import Verdict
from pipeline.types import CameraStatus


@dataclass(frozen=True, slots=True)
class CameraView:
    """One camera as it stands now; `source` is its URL without user name and password.

    `anomaly_score` is 0…1 with the alarm threshold at 0.5; ratios and rates are as in docs/metrics.md.
    `recent_scores` has it of every other second of five minutes, oldest first, None where there was none.
    """

    name: str
    description: str
    source: str
    status: CameraStatus
    reason: str
    anomaly_score: float
    calibration_ratio: float
    budget_per_day: float
    budget_used_ratio: float
    expected_per_day: float | None
    actual_per_day: float
    motion: bool
    behaviour: str | None
    active_events: tuple[str, ...]
    recent_scores: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemView:
    """The daemon as it stands now; each `…_problem` is empty where all is well."""

    version: str
    model: str
    runtime: str
    uptime_s: float
    broker: str
    broker_problem: str
    storage_problem: str
    outbox_pending: int


class Archive(Protocol):
    """Past events; `ArchiveReader` has all of them."""

    def page(self, which: BegunFilter) -> ArchivePage:
        """Return the next events that match."""

    def messages(self, event_id: str) -> tuple[EventMessage, ...]:
        """Return an event's messages, oldest first; none of an event that is not known."""

    def camera_of(self, event_id: str) -> str | None:
        """Return whose event it is, None where it is not known."""

    def labels(self, cameras: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return every label that an event of these cameras has, or of any."""


class Review(Protocol):
    """What people say that events show; `ReviewDesk` has all of it."""

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """Return the labels to choose from, by task."""

    def own_choice(self, label: str, verdict: Verdict) -> Choice | None:
        """Return what a verdict on a behaviour means; None where its task cannot say it."""

    def label_of(self, event_id: str) -> GivenLabel | None:
        """Return what was said of an event."""

    def give(self, event_id: str, choice: Choice, *, by: str | None) -> GivenLabel:
        """Keep what an event shows.

        Raises:
            ValueError: There is no such task or label.
            UnknownEventError: There is no such event.
            LabelError: The event cannot have a label, or there is no room.
        """

    def take_back(self, event_id: str) -> None:
        """Forget what was said of an event.

        Raises:
            UnknownEventError: Nothing was said of it.
            LabelError: The disk does not take it.
        """

    def overview(self, cameras: Collection[str] | None = None) -> ReviewView:
        """Return what the page shows of these cameras, or of all.

        Raises:
            LabelError: The dataset cannot be read or written.
        """


class Models(Protocol):
    """The models that were made here; `ModelRoom` has them."""

    @property
    def view(self) -> ModelsView:
        """Return how things stand."""

    def retrain(self) -> None:
        """Begin to make another model.

        Raises:
            RetrainError: It cannot begin.
            ModelRoomError: It would be of no use.
        """

    def cancel(self) -> None:
        """End the making of a model.

        Raises:
            RetrainError: None is being made.
        """

    def use(self, number: int) -> None:
        """Let a model take over; 0 is the daemon's own.

        Raises:
            ModelRoomError: It cannot be used; the old one goes on.
        """


class SettingsOffice(Protocol):
    """Whoever keeps the settings of the cameras."""

    def view(self, camera: str) -> SettingsView:
        """Return a camera's settings.

        Raises:
            UnknownCameraError: There is no such camera.
            SettingsError: The file has mistakes, or cannot be read.
        """

    def change(self, camera: str, edit: Mapping[str, Any], *, revision: str, by: str) -> SettingsView:
        """Write those settings that `edit` names; where it fails nothing has changed.

        Raises:
            UnknownCameraError: There is no such camera.
            StaleEditError: The settings have changed since they had this revision.
            RefusedEditError: The wanted settings cannot be used.
            SettingsError: The file has mistakes, or cannot be written.
        """

    def add(self, new: NewCamera, *, by: str) -> SettingsView:
        """Write a camera into the file.

        Raises:
            RefusedEditError: There is a camera of that name, or its URL cannot be used.
            SettingsError: The file has mistakes, or cannot be written.
        """

    def remove(self, camera: str, *, revision: str, by: str) -> None:
        """Take a camera out of the file.

        Raises:
            UnknownCameraError: There is no such camera.
            StaleEditError: The settings have changed since they had this revision.
            SettingsError: The file has mistakes, or cannot be written.
        """


class Backstage(Protocol):
    """Whoever knows how things stand; called from several web threads at once."""

    def cameras(self) -> tuple[CameraView, ...]:
        """Return all cameras in the order of the settings."""

    def system(self) -> SystemView:
        """Return how the daemon itself stands."""

    def measures(self) -> Measures:
        """Return how much it does, how soon, and what it needs for that."""

    def events(self, which: EventFilter, *, after: int, limit: int) -> tuple[LoggedEvent, ...]:
        """Return the first messages with a seq above `after`, oldest first."""

    def newest_events(self, which: EventFilter, *, limit: int) -> tuple[LoggedEvent, ...]:
        """Return the last messages, oldest first."""

    def snapshot(self, event_id: str, part: Part = Part.PICTURE) -> bytes | None:
        """Return a part of an event's snapshot, or None where none is kept."""

    def layers(self, event_id: str) -> Layers | None:
        """Return what is drawn over an event's picture, or None where nothing is."""

    @property
    def archive(self) -> Archive:
        """Return where past events are read."""

    @property
    def review(self) -> Review:
        """Return who keeps what people say that events show."""

    @property
    def models(self) -> Models:
        """Return where the model is retrained and changed."""

    @property
    def settings(self) -> SettingsOffice:
        """Return where settings are seen and changed."""

    @property
    def search(self) -> Search:
        """Return where past events are looked for."""

    def clip(self, event_id: str) -> Path | None:
        """Return an event's MP4 file, or None where none is kept."""

    def picture(self, camera: str) -> bytes | None:
        """Return a camera's newest picture as JPEG, or None where there is none yet."""

    def give_feedback(self, command: FeedbackCommand) -> FeedbackMessage:
        """Take somebody's word on an event.

        Raises:
            UnknownEventError: There is no such event.
            FeedbackError: The word cannot be taken.
        """

    def turn(self, camera: str, switch: str, text: str) -> None:
        """Turn a camera's switch to `ON`, `OFF` or, for `budget`, a number, and keep it.

        Raises:
            SettingsError: There is no such camera or switch, or it can't be turned there.
        """

    def request_reload(self) -> None:
        """Have the settings read again, soon and in another thread."""
