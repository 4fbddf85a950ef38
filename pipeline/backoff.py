"""How long a camera has been away in, how long to wait before the next attempt out."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackoffSettings:
    """Delays double from `first_s` up to a cap, which is low while the absence is young.

    A camera that restarts is back within minutes, and then at most `early_cap_s` and one connection
    attempt are lost. One that is away for longer than `early_s` is asked every `cap_s`.
    """

    first_s: float = 0.25
    early_cap_s: float = 1.0
    early_s: float = 600.0
    cap_s: float = 30.0


class Backoff:
    """Delays between attempts of one camera: exponential, with jitter so that forty cameras don't march."""

    def __init__(self, settings: BackoffSettings, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self._attempts = 0

    def reset(self) -> None:
        """Start over with the shortest delay, as the camera works."""
        self._attempts = 0

    def next_delay_s(self, absent_s: float) -> float:
        """Return the next delay: between half of and the whole doubled delay, after `absent_s` of absence."""
        settings = self._settings
        cap_s = settings.early_cap_s if absent_s < settings.early_s else settings.cap_s
        whole_s = min(cap_s, settings.first_s * 2.0 ** min(self._attempts, 32))
        self._attempts += 1
        return whole_s * self._rng.uniform(0.5, 1.0)
