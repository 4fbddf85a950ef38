"""What a camera's thread and the watchdog find out in, one report per change of status out."""

import logging
import threading
from typing import Protocol

from pipeline.clock import Clock
from pipeline.metrics import Metrics
from pipeline.types import CameraStatus

logger = logging.getLogger(__name__)

# Statuses in which frames arrive, whatever is wrong with them.
DELIVERING = frozenset(CameraStatus) - {CameraStatus.OFFLINE, CameraStatus.DISABLED}


class CameraReporter(Protocol):
    """Whoever turns a camera's status into events and retained messages."""

    def status(
        self, camera: str, status: CameraStatus, *, reason: str, captured_s: float, utc_s: float
    ) -> None:
        """Take a status that differs from the last one, and in one sentence why.

        `captured_s` and `utc_s` are the monotonic and the wall clock of the moment it was noticed.
        """


class Standing:
    """One camera's status: reported and logged once per change, whichever thread notices it."""

    def __init__(self, camera: str, reporter: CameraReporter, *, clock: Clock, metrics: Metrics) -> None:
        self._camera = camera
        self._reporter = reporter
        self._clock = clock
        self._up = metrics.camera_up.labels(camera)
        self._lock = threading.Lock()
        self._status: CameraStatus | None = None

    @property
    def status(self) -> CameraStatus | None:
        """Return the last status, None before the first."""
        return self._status

    def change(self, status: CameraStatus, reason: str) -> None:
        """Report `status` unless it stands already."""
        if status is self._status:
            return
        with self._lock:
            if status is self._status:
                return
            before, self._status = self._status, status
            self._log(before, reason)
            self._up.set(1 if status in DELIVERING else 0)
            self._reporter.status(
                self._camera,
                status,
                reason=reason,
                captured_s=self._clock.monotonic_s(),
                utc_s=self._clock.utc_s(),
            )

    def _log(self, before: CameraStatus | None, reason: str) -> None:
        calm = self._status in (CameraStatus.ONLINE, CameraStatus.DISABLED)
        level = logging.INFO if calm else logging.WARNING
        logger.log(level, "camera %s: %s → %s: %s", self._camera, before or "new", self._status, reason)
