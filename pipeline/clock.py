"""The two clocks of the program, passed in wherever time is read, so that a test can hold its own."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time; durations come from `monotonic_s`, dates from `utc_s`."""

    def monotonic_s(self) -> float:
        """Return seconds that never run backwards, from an arbitrary start."""

    def utc_s(self) -> float:
        """Return seconds since the Unix epoch."""


class SystemClock:
    """The clock of this machine."""

    def monotonic_s(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    def utc_s(self) -> float:
        """Return `time.time()`."""
        return time.time()
