"""Each camera's anomaly score every other second in, its last minutes out: the curve on its card."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise

# How often a score is noted, and how many are kept: five minutes.
INTERVAL_S = 2.0
KEPT = 150
# Where the alarm's threshold lies in a score.
ALARM = 0.5

Scores = Sequence[float | None]


class RecentScores:
    """The last scores of every camera, oldest first; None where there was none. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scores: dict[str, deque[float | None]] = {}

    def note(self, scores: Mapping[str, float | None]) -> None:
        """Take the scores of this moment; a camera that is not among them is forgotten."""
        with self._lock:
            before = self._scores
            self._scores = {name: before.get(name, deque(maxlen=KEPT)) for name in scores}
            for name, score in scores.items():
                self._scores[name].append(score)

    def of(self, camera: str) -> tuple[float | None, ...]:
        """Return a camera's last scores; none of one that is not known."""
        with self._lock:
            return tuple(self._scores.get(camera, ()))


def curve(scores: Scores) -> str:
    """Return the scores as an SVG path, KEPT wide and 100 high, the newest at its right end.

    Example: None, 0.5, 1 is "M148 50L149 0". static/page.js draws the same.
    """
    steps, before = [], None
    for x, score in enumerate(scores, start=KEPT - len(scores)):
        if score is not None:
            steps.append(f"{'M' if before is None else 'L'}{x} {round(100 * (1 - score))}")
        before = score
    return "".join(steps)


def curve_words(scores: Scores) -> str:
    """Return what the curve shows in words; static/page.js says the same."""
    known = [score for score in scores if score is not None]
    if not known:
        return "No score in the last 5 minutes."
    alarms = sum(one < ALARM <= other for one, other in pairwise([0.0, *known]))
    times = "never" if not alarms else "once" if alarms == 1 else f"{alarms} times"
    return (
        f"How unusual in the last 5 minutes: {100 * known[-1]:.0f} % now,"
        f" {100 * max(known):.0f} % at most, {times} over the alarm's threshold."
    )
