"""Words for systemd's notify socket: ready, alive, reloading, stopping; silent where there is no systemd."""

import logging
import os
import socket
from collections.abc import Mapping

logger = logging.getLogger(__name__)


class Systemd:
    """The service manager at the other end of `NOTIFY_SOCKET`, if there is one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog_us = environ.get("WATCHDOG_USEC", "")
        self._watchdog_pid = environ.get("WATCHDOG_PID", "")

    def watchdog_interval_s(self) -> float | None:
        """Return how often to call `alive`, half of what systemd allows; None where nobody watches."""
        if not self._watchdog_us.isdigit() or not int(self._watchdog_us):
            return None
        if self._watchdog_pid and self._watchdog_pid != str(os.getpid()):
            return None
        return int(self._watchdog_us) / 1_000_000 / 2

    def ready(self, status: str) -> None:
        """Say that the start, or a reload, is complete."""
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self, status: str) -> None:
        """Feed the watchdog, and say in one line how things stand."""
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def reloading(self, monotonic_s: float) -> None:
        """Say that the settings are being read again; `ready` must follow."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic_s * 1_000_000)}")

    def stopping(self) -> None:
        """Say that a clean stop has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # "@name" stands for a socket in the abstract namespace, whose first byte is 0.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.sendto(message.encode(), address)
        except OSError as error:
            logger.debug("systemd cannot be told: %s", error)
