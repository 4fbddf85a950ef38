"""What the pipeline tells in, how things stand now out: the memory behind the page and the health checks."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from daemon.recent_scores import RecentScores
from daemon.snapshots import SnapshotStore
from pipeline.evidence import jpeg_of
from pipeline.privacy import Privacy
from pipeline.types import CameraState, CameraStatus, Event, Listener, ObservedFrame, Snapshot


@dataclass(frozen=True, slots=True)
class Standing:
    """What a camera last said of itself; `original` is its newest frame as the decoder gave it."""

    status: CameraStatus = CameraStatus.OFFLINE
    reason: str = "not connected yet"
    state: CameraState | None = None
    original: Any = None


class Overview:
    """Remembers how each camera stands and keeps its pictures; a Listener for any thread."""

    def __init__(self, snapshots: SnapshotStore) -> None:
        self.scores = RecentScores()
        self._snapshots = snapshots
        self._lock = threading.Lock()
        self._standings: dict[str, Standing] = {}
        self._privacies: dict[str, Privacy] = {}

    def standing(self, camera: str) -> Standing:
        """Return how a camera stands; one that has said nothing is offline."""
        with self._lock:
            return self._standings.get(camera, Standing())

    def picture(self, camera: str) -> bytes | None:
        """Return the newest frame as JPEG; it is made here, so that only who looks pays for it.

        Of a camera of which it is not known what may be shown, nothing is.
        """
        original = self.standing(camera).original
        with self._lock:
            privacy = self._privacies.get(camera)
        return None if original is None or privacy is None else jpeg_of(privacy.picture_of(original))

    def know(self, camera: str, privacy: Privacy) -> None:
        """Show from now on of a camera what may be shown."""
        with self._lock:
            self._privacies[camera] = privacy

    def see(self, camera: str, frame: ObservedFrame) -> None:
        """Keep a camera's newest frame in place of the one before."""
        self._change(camera, original=frame.frame.original)

    def forget(self, camera: str) -> None:
        """Forget a camera that is gone."""
        with self._lock:
            self._standings.pop(camera, None)
            self._privacies.pop(camera, None)

    def on_event(self, event: Event) -> None:
        """Take no notice: events are in the log."""

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        """Keep the status and why."""
        self._change(camera, status=status, reason=reason)

    def on_state(self, state: CameraState) -> None:
        """Keep the state."""
        self._change(state.camera, state=state)

    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None:
        """Keep the event's pictures."""
        self._snapshots.save(event, snapshot)

    def _change(self, camera: str, **changes: Any) -> None:
        with self._lock:
            self._standings[camera] = replace(self._standings.get(camera, Standing()), **changes)


class Fanout:
    """One Listener for several: each is told in turn, the one that must not lose events first."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners

    def on_event(self, event: Event) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener.on_event(event)

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener.on_status(camera, status, reason)

    def on_state(self, state: CameraState) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener.on_state(state)

    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener.on_snapshot(event, snapshot)
