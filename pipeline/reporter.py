"""Camera threads' statuses in, retained statuses and events about the cameras themselves out."""

import threading
from collections.abc import Mapping

from pipeline.analysis import CameraAnalysis, Outlets
from pipeline.events import EventKey, Finding
from pipeline.types import CameraStatus, EventKind, Severity

# A camera that is switched off is no trouble: it has a status but no event.
_TROUBLES = {
    CameraStatus.OFFLINE: Severity.ALERT,
    CameraStatus.COVERED: Severity.ALERT,
    CameraStatus.MOVED: Severity.WARNING,
    CameraStatus.FROZEN: Severity.WARNING,
    CameraStatus.BLURRED: Severity.WARNING,
}


class StatusReporter:
    """What camera threads report to; one for all cameras, thread-safe.

    `cameras` is the composer's live dictionary: each camera's analysis learns whether it can trust its eyes.
    """

    def __init__(self, outlets: Outlets, *, cameras: Mapping[str, CameraAnalysis]) -> None:
        self._book = outlets.book
        self._listener = outlets.listener
        self._cameras = cameras
        self._lock = threading.Lock()
        self._statuses: dict[str, CameraStatus] = {}

    def status(
        self, camera: str, status: CameraStatus, *, reason: str, captured_s: float, utc_s: float
    ) -> None:
        """Take a camera's status as it is now; only a change is told.

        `captured_s` and `utc_s` are the monotonic and the wall clock of the moment that showed it.
        """
        with self._lock:
            before = self._statuses.get(camera)
            self._statuses[camera] = status
        if status is before:
            return
        self._listener.on_status(camera, status, reason)
        if before in _TROUBLES:
            key = EventKey(camera, EventKind.CAMERA, before)
            self._book.end(key, reason, utc_s=utc_s, captured_s=captured_s)
        if status in _TROUBLES:
            finding = Finding(1.0, _TROUBLES[status], reason, utc_s=utc_s, captured_s=captured_s)
            self._book.begin(EventKey(camera, EventKind.CAMERA, status), finding)
        analysis = self._cameras.get(camera)
        if analysis is not None:
            analysis.take_status(status, reason)

    def forget(self, camera: str) -> None:
        """Forget a camera that is gone, so that its next first status counts as new."""
        with self._lock:
            self._statuses.pop(camera, None)
