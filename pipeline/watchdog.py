"""Cameras in, reports of silent ones out: for streams that block where no time-out reaches."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from pipeline.clock import Clock

CHECK_S = 1.0


class Watched(Protocol):
    """A camera, as the watchdog sees it."""

    def report_silence(self, now_s: float) -> None:
        """Report the camera offline if it has been silent for too long at `now_s`, a monotonic time."""


class Watchdog:
    """Looks at every camera once a second; `cameras` is asked each time, as cameras come and go."""

    def __init__(self, cameras: Callable[[], Sequence[Watched]], clock: Clock) -> None:
        self._cameras = cameras
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Check until `stop` is set."""
        while not stop.wait(CHECK_S):
            now_s = self._clock.monotonic_s()
            for camera in self._cameras():
                camera.report_silence(now_s)
