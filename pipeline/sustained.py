"""Scores of single frames in, how high they are and stay out: what an alarm judges."""

import math
from dataclasses import dataclass, replace

# Of three scores in a row the second highest counts: one alone may be a flash.
NEEDED, WINDOW = 2, 3
# Of these the mean over some time, by default about a second, exponentially: what lasts is rarer than what
# flickers.
MEAN_S = 1.0


@dataclass(frozen=True, slots=True)
class Sustained:
    """The newest `scores`, at most three, and the `level` that they and those before them come to.

    `mean_s` is the time over which the mean goes: what is older counts by an e-th and less.
    """

    scores: tuple[float, ...] = ()
    level: float = 0.0
    mean_s: float = MEAN_S

    def then(self, score: float, step_s: float) -> "Sustained":
        """Return what it comes to with the next score, `step_s` seconds later.

        From nothing, 4 and 4 a fifth of a second apart: at first 0, then 4 * (1 - e^-0.2) = 0.73.
        """
        scores = (*self.scores, score)[-WINDOW:]
        lasting = sorted(scores)[-NEEDED] if len(scores) >= NEEDED else 0.0
        kept = math.exp(-step_s / self.mean_s)
        return replace(self, scores=scores, level=kept * self.level + (1 - kept) * lasting)
