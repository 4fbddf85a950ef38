"""Scores of the parts of normality in, one score out: each part is counted in how rare it is, not how large.

A part is anything that can say how unusual a frame is: a strange sight, a speed, a second badly guessed.
Their numbers have nothing in common, and a noisy part would drown a sharp one in their maximum. So each is
mapped through the distribution that it had on footage it had not learned from.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

# The newest scores of each part: a quarter of an hour at 5 frames a second.
KEEP = 4_096
# The tail begins where this share of the scores lies above.
TAIL_RATIO = 0.1
# The distributions are looked at anew after so many scores.
REFRESH = 25
# Frames in a row show the same thing: so many of them count as one sight.
FRAMES_PER_SIGHT = 25
# Scores that hardly differ must not make a small step endlessly rare.
MIN_TAIL_RATIO = 0.1
# A score that is capped counts as at most so many nats beyond the highest tenth.
CAP_NATS = 3.0


@dataclass(frozen=True, slots=True)
class Part:
    """What must be known of a part to judge its scores.

    `unit` is a difference of scores that means something: the tail is never thinner than a tenth of it.
    `beyond` is how much of a rarity counts that was never seen, nor could be in footage of that length: 1
    where the highest scores go on as the others do (nobody is suddenly ten times as fast), less where they
    are of another kind (the first visitor to a place is as strange as can be, and after minutes no wonder).
    `weight` is how much its rarity counts beside those of other parts: 1 for a part that finds what others
    miss, less for one that costs more of that than it adds.
    """

    unit: float
    beyond: float = 1.0
    weight: float = 1.0


class Rarity:
    """How rare a score of one part is, in nats: 2.3 for one of the highest tenth, 4.6 for the hundredth.

    Up to the highest tenth by counting, as a conformal p-value; beyond it by an exponential tail.
    """

    def __init__(self, part: Part) -> None:
        self._part = part
        self._scores = np.zeros(KEEP, np.float32)
        self._count = 0
        self._sorted: F32 = np.zeros(0, np.float32)
        self._start, self._slope = math.inf, 1.0

    def add(self, score: float, *, capped: bool = False) -> None:
        """Observe a score of normal footage; the oldest of more than KEEP is forgotten.

        `capped`: one extreme must not make the tail so long that the next is no longer rare.
        """
        if capped:
            score = min(score, self._start + CAP_NATS / self._slope)
        self._scores[self._count % KEEP] = score
        self._count += 1
        if self._count <= REFRESH or self._count % REFRESH == 0:
            self._fit()

    def of(self, score: float) -> float:
        """Return -ln of the share of normal frames that score as high, by weight; 0 while none is known."""
        n = len(self._sorted)
        above = n - int(np.searchsorted(self._sorted, np.float32(min(score, self._start))))
        counted = math.log((n + 1) / (above + 1))
        rarity = counted + max(score - self._start, 0.0) * self._slope if n else 0.0
        seen = math.log1p(self._count / FRAMES_PER_SIGHT)
        limited = rarity if rarity <= seen else seen + self._part.beyond * (rarity - seen)
        return self._part.weight * limited

    def is_record(self, score: float) -> bool:
        """Say whether no score that is remembered was as high."""
        return bool(len(self._sorted)) and score > self._sorted[-1]

    def _fit(self) -> None:
        ordered = self._sorted = np.sort(self._scores[: min(self._count, KEEP)])
        beyond = max(1, int(TAIL_RATIO * len(ordered)))
        self._start = float(ordered[-beyond])
        excess = float(ordered[-beyond:].mean()) - self._start
        self._slope = 1.0 / max(excess, MIN_TAIL_RATIO * self._part.unit)

    def to_array(self) -> F32:
        """Return the scores in the order they came."""
        kept = np.roll(self._scores, -(self._count % KEEP)) if self._count > KEEP else self._scores
        return kept[: min(self._count, KEEP)]

    @property
    def count(self) -> int:
        """How many scores were observed, the forgotten ones too."""
        return self._count

    def from_array(self, scores: F32, count: int) -> None:
        """Take back what `to_array` returned, the newest of `count` scores."""
        self._count = count
        self._scores[: len(scores)] = scores
        if count > KEEP:
            self._scores = np.roll(self._scores, count % KEEP)
        if count:
            self._fit()


class Parts:
    """The rarities of all parts, and their union.

    The union is the length of the vector of rarities: what is rare to two parts is rarer than what is so to
    one, and what nothing is to all but one is as rare as that one says. Of the ways to join them (the
    largest, the sum, this) it lost least of what the best part alone finds (docs/anomaly.md).
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._rarities = {name: Rarity(part) for name, part in parts.items()}

    def add(self, scores: Sequence[float], *, capped: bool = False) -> None:
        """Observe the scores of a normal frame, one for each part; NaN where a part cannot say.

        `capped` as in `Rarity.add`.
        """
        for rarity, score in zip(self._rarities.values(), scores, strict=True):
            if not math.isnan(score):
                rarity.add(score, capped=capped)

    def rarities(self, scores: Sequence[float]) -> list[float]:
        """Return how rare each score is, in nats; 0 where it is NaN."""
        parts = zip(self._rarities.values(), scores, strict=True)
        return [0.0 if math.isnan(score) else rarity.of(score) for rarity, score in parts]

    def union(self, rarities: Sequence[float]) -> float:
        """Return how rare all parts together find a frame."""
        return math.hypot(*rarities)

    def is_record(self, part: int, score: float) -> bool:
        """Say whether no normal score of a part, counted from 0, was as high."""
        return list(self._rarities.values())[part].is_record(score)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was observed, by name."""
        counts = np.array([rarity.count for rarity in self._rarities.values()], np.int64)
        return {"counts": counts} | {name: rarity.to_array() for name, rarity in self._rarities.items()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: A part is missing.
            ValueError: There are more or fewer counts than parts.
        """
        for (name, rarity), count in zip(self._rarities.items(), arrays["counts"], strict=True):
            rarity.from_array(arrays[name], int(count))
