"""Why and how long a connection to the broker was lost in, how long to wait before the next one out."""

import random

from daemon.mqtt import BrokerError
from pipeline.backoff import Backoff, BackoffSettings

BROKER_BACKOFF = BackoffSettings(first_s=0.5, early_cap_s=5.0, early_s=60.0, cap_s=30.0)

# Another client with our id is not fought: each side would throw the other out at once, for ever.
TAKEN_OVER_FIRST_S = 60.0
TAKEN_OVER_CAP_S = 900.0
# MQTT 3.1.1 can't say "taken over". A broker that accepts and drops us this often, this soon, means it.
SHORT_LIFE_S = 10.0
SUSPICIOUS_LIVES = 5


class Reconnects:
    """Delays between connections: short and growing for a broker that is away, long for a stolen session."""

    def __init__(self, rng: random.Random, settings: BackoffSettings = BROKER_BACKOFF) -> None:
        self._rng = rng
        self._backoff = Backoff(settings, rng)
        self._short_lives = 0
        self._thefts = 0

    def judge(self, error: BrokerError, lived_s: float | None) -> BrokerError:
        """Return what the failure means; `lived_s` is how long the broker had accepted us, None if never."""
        is_short = error.reason == "lost" and lived_s is not None and lived_s < SHORT_LIFE_S
        self._short_lives = self._short_lives + 1 if is_short else 0
        if lived_s is not None and lived_s >= SHORT_LIFE_S:
            self._backoff.reset()
        if lived_s is not None and lived_s >= 2 * TAKEN_OVER_CAP_S:
            self._thefts = 0
        if self._short_lives < SUSPICIOUS_LIVES:
            return error
        words = (
            f"the broker accepted and soon dropped us {SUSPICIOUS_LIVES} times, as for a session taken over"
        )
        return BrokerError("taken_over", words)

    def delay_s(self, error: BrokerError, absent_s: float) -> float:
        """Return how long to wait after a judged failure, `absent_s` after the last good connection."""
        if error.reason != "taken_over":
            return self._backoff.next_delay_s(absent_s)
        self._short_lives = 0
        whole_s = min(TAKEN_OVER_CAP_S, TAKEN_OVER_FIRST_S * 2.0**self._thefts)
        self._thefts = min(self._thefts + 1, 8)
        return whole_s * self._rng.uniform(1.0, 1.5)
