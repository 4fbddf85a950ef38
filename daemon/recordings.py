"""Events in, their clips on disk out: the cameras' recordings, opened, ended and written by one thread."""

import logging
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from daemon.event_files import EventFiles
from pipeline.clip_file import write_clip
from pipeline.hidden_clip import write_hidden_clip
from pipeline.metrics import Metrics
from pipeline.privacy import EVERYTHING_SHOWN, Privacy
from pipeline.recording import Recorder, Recording
from pipeline.types import CameraState, CameraStatus, Event, EventKind, EventPhase, Snapshot

logger = logging.getLogger(__name__)

COLLECT_INTERVAL_S = 0.5


class Recordings:
    """The recorders of all cameras; a Listener, asked and told from any thread."""

    def __init__(self, files: EventFiles, metrics: Metrics) -> None:
        self._files = files
        self._metrics = metrics
        self._recorders: dict[str, Recorder] = {}
        self._privacies: dict[str, Privacy] = {}
        self._left: deque[_Clip] = deque()  # of cameras that are gone
        self._writing = threading.Lock()

    def add_camera(self, camera: str, recorder: Recorder, privacy: Privacy = EVERYTHING_SHOWN) -> None:
        """Record a camera's events from now on; what its privacy hides is hidden in its clips."""
        self._privacies[camera] = privacy
        self._recorders[camera] = recorder

    def remove_camera(self, camera: str) -> None:
        """Let go of a camera; what was being recorded of it is written by the thread of `run`."""
        if camera in self._recorders:
            self._left.extend(self._collect(camera, everything=True))
            del self._recorders[camera], self._privacies[camera]

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
        with self._writing:
            while self._left:
                self._write(self._left.popleft())
            for camera in tuple(self._recorders):
                for clip in self._collect(camera, everything=everything):
                    self._write(clip)

    def _collect(self, camera: str, *, everything: bool) -> list["_Clip"]:
        recorder, privacy = self._recorders.get(camera), self._privacies.get(camera)
        if recorder is None or privacy is None:  # it went in this moment
            return []
        return [_Clip(camera, recording, privacy) for recording in recorder.collect(everything=everything)]

    def _write(self, clip: "_Clip") -> None:
        ok = self._files.write(clip.camera, clip.recording.event_id, clip.write_to)
        self._metrics.clips.labels(clip.camera, "written" if ok else "failed").inc()


@dataclass(frozen=True, slots=True)
class _Clip:
    """A complete clip, and what is to be hidden in it."""

    camera: str
    recording: Recording
    privacy: Privacy

    def write_to(self, path: Path) -> None:
        if self.privacy.hides:
            write_hidden_clip(self.recording, path, self.privacy)
        else:
            write_clip(self.recording, path)
