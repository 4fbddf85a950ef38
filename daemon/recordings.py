"""Events in, their clips on disk out: the cameras' recordings, opened, ended and written by one thread."""

import logging
import threading
from functools import partial

from daemon.event_files import EventFiles
from pipeline.clip_file import write_clip
from pipeline.metrics import Metrics
from pipeline.recording import Recorder
from pipeline.types import CameraState, CameraStatus, Event, EventKind, EventPhase, Snapshot

logger = logging.getLogger(__name__)

COLLECT_INTERVAL_S = 0.5


class Recordings:
    """The recorders of all cameras; a Listener, asked and told from any thread."""

    def __init__(self, files: EventFiles, metrics: Metrics) -> None:
        self._files = files
        self._metrics = metrics
        self._recorders: dict[str, Recorder] = {}
        self._writing = threading.Lock()

    def add_camera(self, camera: str, recorder: Recorder) -> None:
        """Record a camera's events from now on."""
        self._recorders[camera] = recorder

    def remove_camera(self, camera: str) -> None:
        """Write what is being recorded of a camera, and forget it."""
        self._write(camera, everything=True)
        self._recorders.pop(camera, None)

    def is_recording(self, event: Event) -> bool:
        """Say whether an event gets a clip: of the camera itself, such as being covered, there is none."""
        recorder = self._recorders.get(event.camera)
        return event.kind is not EventKind.CAMERA and recorder is not None and recorder.is_recording

    def run(self, stop: threading.Event) -> None:
        """Write each clip when it is complete, until `stop` is set; then all that there is."""
        while not stop.wait(COLLECT_INTERVAL_S):
            self.write()
        self.write(everything=True)

    def on_event(self, event: Event) -> None:
        """Begin to record a new event, and let the clip of an ended one run out."""
        recorder = self._recorders.get(event.camera)
        if recorder is None or event.kind is EventKind.CAMERA:
            return
        if event.phase is EventPhase.NEW:
            recorder.open(event.id, event.start_utc_s)
        elif event.phase is EventPhase.END and event.end_utc_s is not None:
            recorder.end(event.id, event.end_utc_s)

    def on_status(self, camera: str, status: CameraStatus, reason: str) -> None:
        """Take no notice: what was seen until now is worth keeping, whatever comes."""

    def on_state(self, state: CameraState) -> None:
        """Take no notice."""

    def on_snapshot(self, event: Event, snapshot: Snapshot) -> None:
        """Take no notice: pictures are kept by the overview."""

    def write(self, *, everything: bool = False) -> None:
        """Write the clips that are complete; with `everything` also those that are not."""
        for camera in tuple(self._recorders):
            self._write(camera, everything=everything)

    def _write(self, camera: str, *, everything: bool) -> None:
        recorder = self._recorders.get(camera)
        if recorder is None:
            return
        with self._writing:
            for recording in recorder.collect(everything=everything):
                ok = self._files.write(camera, recording.event_id, partial(write_clip, recording))
                self._metrics.clips.labels(camera, "written" if ok else "failed").inc()
