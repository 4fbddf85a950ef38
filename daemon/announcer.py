"""What the pipeline finds in; events into the outbox, everything else onto the board."""

import threading

from daemon.board import Board
from daemon.outbox import Outbox
from daemon.payloads import state_message
from daemon.topics import Topics
from pipeline.types import CameraState, CameraStatus, Event, EventKind, EventPhase, Snapshot

STATE_INTERVAL_S = 1.0


class Announcer:
    """The pipeline's listener: tells MQTT, from whichever thread it is called."""

    def __init__(self, topics: Topics, *, outbox: Outbox, board: Board) -> None:
        self._topics = topics
        self._outbox = outbox
        self._board = board
        self._lock = threading.Lock()
        self._open: dict[str, dict[str, EventKind]] = {}
        self._states: dict[str, CameraState] = {}

    def add_camera(self, camera: str) -> None:
        """Begin with a camera: it is offline until it says otherwise."""
        with self._lock:
            self._open[camera] = {}
            self._board.put(self._topics.camera_status(camera), CameraStatus.OFFLINE.encode())

    def remove_camera(self, camera: str) -> None:
        """Take everything about a camera off the broker."""
        with self._lock:
            self._open.pop(camera, None)
            self._states.pop(camera, None)
            self._board.clear(self._topics.of_camera(camera))

    def go_offline(self) -> None:
        """Say that all cameras are offline, as the last thing before a clean stop."""
        with self._lock:
            for camera in self._open:
                self._board.put(self._topics.camera_status(camera), CameraStatus.OFFLINE.encode())

    def on_event(self, event: Event) -> None:
        """Store the event; it is published when the broker is there."""
        self._outbox.append(event)
        with self._lock:
            if event.camera not in self._open:
                return
            if event.phase is EventPhase.END:
                self._open[event.camera].pop(event.id, None)
            else:
                self._open[event.camera][event.id] = event.kind
            self._put_state(event.camera)

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        """Let the camera's status stand; `reason` is told by the event that comes with it."""
        del reason
        with self._lock:
            if camera in self._open:
                self._board.put(self._topics.camera_status(camera), status.encode())

    def on_state(self, state: CameraState) -> None:
        """Let what is true of a camera stand, at most once a second."""
        with self._lock:
            if state.camera in self._open:
                self._states[state.camera] = state
                self._put_state(state.camera)

    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None:
        """Let the picture of the camera's last event stand, its place drawn in: who sees it has no layers."""
        with self._lock:
            if event.camera in self._open:
                self._board.put(self._topics.snapshot(event.camera), snapshot.marked, qos=0)

    def _put_state(self, camera: str) -> None:
        """Put the newest state together with the kinds of events that are open; call with the lock held."""
        state = self._states.get(camera)
        if state is None:
            return
        payload = state_message(state, set(self._open[camera].values())).to_json().encode()
        self._board.put(self._topics.state(camera), payload, qos=0, min_interval_s=STATE_INTERVAL_S)
