"""The daemon as a process of its own, as everybody runs it; its log goes to a file."""

import subprocess
import sys
from types import TracebackType
from typing import Self

from daemon.demo.settings import DemoPlaces

STOP_TIMEOUT_S = 15.0
LOG_TAIL_LINES = 15


class DaemonProcess:
    """Starts the daemon and stops it politely.

    It gets a session of its own: Ctrl-C reaches the demo alone, which then ends everything in order.
    """

    def __init__(self, places: DemoPlaces) -> None:
        self._places = places
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def exit_code(self) -> int | None:
        """Return how it ended, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        lines = self._places.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def stop(self) -> None:
        """Ask it to stop, and insist if it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "daemon.demo.quick_daemon", str(self._places.config)]
        with self._places.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
