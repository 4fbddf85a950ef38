"""What the page and the HTTP endpoints show, and from whom they ask it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from daemon.archive_reader import ArchiveReader
from daemon.event_log import EventFilter, LoggedEvent
from pipeline.types import CameraStatus


@dataclass(frozen=True, slots=True)
class CameraView:
    """One camera as it stands now; `source` is its URL without user name and password.

    `anomaly_score` is 0…1 with the alarm threshold at 0.5; both ratios are as in docs/metrics.md.
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
    motion: bool
    behaviour: str | None
    active_events: tuple[str, ...]


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


class Backstage(Protocol):
    """Whoever knows how things stand; called from several web threads at once."""

    def cameras(self) -> tuple[CameraView, ...]:
        """Return all cameras in the order of the settings."""

    def system(self) -> SystemView:
        """Return how the daemon itself stands."""

    def events(self, which: EventFilter, *, after: int, limit: int) -> tuple[LoggedEvent, ...]:
        """Return the first messages with a seq above `after`, oldest first."""

    def newest_events(self, which: EventFilter, *, limit: int) -> tuple[LoggedEvent, ...]:
        """Return the last messages, oldest first."""

    def snapshot(self, event_id: str) -> bytes | None:
        """Return an event's JPEG, or None where none is kept."""

    @property
    def archive(self) -> ArchiveReader:
        """Return where past events are read."""

    def clip(self, event_id: str) -> Path | None:
        """Return an event's MP4 file, or None where none is kept."""

    def picture(self, camera: str) -> bytes | None:
        """Return a camera's newest picture as JPEG, or None where there is none yet."""

    def request_reload(self) -> None:
        """Have the settings read again, soon and in another thread."""
