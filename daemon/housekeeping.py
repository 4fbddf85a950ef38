"""Chores and their intervals in, the right moments out: what the main thread does while others work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.clock import Clock


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every `interval_s`, for the first time one interval after the start."""

    interval_s: float
    do: Callable[[], object]


class Housekeeper:
    """Knows when each chore is due; a late one is done once, not as often as it was missed."""

    def __init__(self, chores: Sequence[Chore], clock: Clock) -> None:
        now_s = clock.monotonic_s()
        self._clock = clock
        self._due_s = {chore: now_s + chore.interval_s for chore in chores}

    def wait_s(self) -> float | None:
        """Return how long nothing is due; None if there is never anything to do."""
        now_s = self._clock.monotonic_s()
        return min((max(0.0, due_s - now_s) for due_s in self._due_s.values()), default=None)

    def do_due(self) -> None:
        """Do every chore whose time has come."""
        now_s = self._clock.monotonic_s()
        for chore in [chore for chore, due_s in self._due_s.items() if due_s <= now_s]:
            self._due_s[chore] = now_s + chore.interval_s
            chore.do()
