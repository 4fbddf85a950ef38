"""Failed logins in, how long to wait out: guessing becomes slow, and nobody is shut out for good."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from pipeline.clock import Clock

FREE = 5  # so many mistakes cost nothing
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
FORGET_S = 3600.0
# Whoever guesses from many addresses makes the memory forget the oldest, not grow.
MAX_KNOWN = 10_000


@dataclass(slots=True)
class _Record:
    failures: int
    last_s: float


class Attempts:
    """Counts failures by whatever should be slowed, such as an address or a name; any thread may call."""

    def __init__(self, clock: Clock, *, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self._clock = clock
        self._longest_wait_s = longest_wait_s
        self._lock = threading.Lock()
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Return how long this one must wait before the next attempt; 0 if not at all."""
        with self._lock:
            return self._wait_s(self._records.get(key), self._clock.monotonic_s())

    def failed(self, key: str) -> None:
        """Count a failure."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            record = self._records.pop(key, None)
            failures = record.failures if record and now_s - record.last_s <= FORGET_S else 0
            self._records[key] = _Record(failures + 1, now_s)
            while len(self._records) > MAX_KNOWN:
                self._records.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of this one."""
        with self._lock:
            self._records.pop(key, None)

    def _wait_s(self, record: _Record | None, now_s: float) -> float:
        if record is None or record.failures < FREE:
            return 0.0
        wait_s = min(self._longest_wait_s, FIRST_WAIT_S * 2.0 ** min(30, record.failures - FREE))
        return max(0.0, record.last_s + wait_s - now_s)
