"""Unlabelled clips and what a model says of them in, those most worth a label out: active learning.

A strategy says what each clip is worth beside those already chosen; `select` never takes two of one event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

Strategy = Literal["badge", "entropy", "k-centre"]
STRATEGIES: tuple[Strategy, ...] = ("badge", "entropy", "k-centre")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a clip is: the seconds `start_s` ≤ t < `end_s` of a recording."""

    recording: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Pool:
    """N unlabelled clips: their `places`, `probabilities` (N, labels) of one task, `embeddings` (N, D).

    `labelled` (M, D) are the embeddings of clips that have a label already; M may be 0.
    """

    places: Sequence[Place]
    probabilities: F64
    embeddings: F64
    labelled: F64

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class Selected:
    """A clip's place in the pool, and what it was worth when it was chosen."""

    index: int
    score: float


@dataclass(frozen=True, slots=True)
class SelectionSettings:
    """How many clips to choose; two of one recording lie at least `gap_s` apart, so that they are two events.

    `seed` is that of BADGE's draws.
    """

    strategy: Strategy
    count: int
    gap_s: float = 5.0
    seed: int = 0


class Scorer(Protocol):
    """Knows what each clip is worth: `scores` (N,), higher is better, which change with every choice."""

    scores: F64

    def choose(self, allowed: Bool, rng: np.random.Generator) -> int:
        """Return one of the allowed clips; at least one is."""

    def took(self, index: int) -> None:
        """Learn that a clip was chosen."""


def select(pool: Pool, settings: SelectionSettings) -> list[Selected]:
    """Return the chosen clips in their order; fewer than `count` where events run out.

    While there are recordings of which no clip was chosen, the next comes from one of them.
    """
    scorer, spread = SCORERS[settings.strategy](pool), _Spread(pool.places, settings.gap_s)
    rng = np.random.default_rng(settings.seed)
    chosen: list[Selected] = []
    while len(chosen) < settings.count and (allowed := spread.allowed()).any():
        index = scorer.choose(allowed, rng)
        chosen.append(Selected(index, float(scorer.scores[index])))
        scorer.took(index)
        spread.took(index)
    return chosen


class Entropy:
    """A clip is worth the entropy of its probabilities in nats: how unsure the model is."""

    def __init__(self, pool: Pool) -> None:
        self.scores: F64 = entr(pool.probabilities).sum(axis=1)

    def choose(self, allowed: Bool, rng: np.random.Generator) -> int:  # noqa: ARG002 - nothing is drawn
        """Return the best."""
        return _best(self.scores, allowed)

    def took(self, index: int) -> None:
        """Nothing changes: what the model is unsure of does not depend on what was chosen."""


class KCentre:
    """A clip is worth its distance to the nearest centre: the labelled clips and those already chosen.

    Greedy k-centre (Sener and Savarese, ICLR 2018, algorithm 1). Where nothing is labelled the mean of all
    clips is the first centre.
    """

    def __init__(self, pool: Pool) -> None:
        self._embeddings = pool.embeddings
        centres = pool.labelled if len(pool.labelled) else pool.embeddings.mean(axis=0, keepdims=True)
        self.scores: F64 = np.full(len(pool), np.inf)
        for centre in centres:
            self._add(centre)

    def choose(self, allowed: Bool, rng: np.random.Generator) -> int:  # noqa: ARG002 - nothing is drawn
        """Return the farthest."""
        return _best(self.scores, allowed)

    def took(self, index: int) -> None:
        """Make the clip a centre."""
        self._add(self._embeddings[index])

    def _add(self, centre: F64) -> None:
        self.scores = np.minimum(self.scores, np.linalg.norm(self._embeddings - centre, axis=1))


class Badge:
    """A clip is worth the squared distance of its gradient to that of the nearest clip already chosen.

    The gradient is that of the loss in the head's weights, were the likeliest label true: the outer product
    of p - y and the embedding, long where the model is unsure. The first clip is the one with the longest;
    each further one is drawn with a probability in proportion to its worth, k-means++ (Ash et al., ICLR 2020,
    algorithm 1). Gradients (labels × D) are never written out: their products are those of their two parts.
    """

    def __init__(self, pool: Pool) -> None:
        labels = pool.probabilities.shape[1]
        self._errors = pool.probabilities - np.eye(labels)[pool.probabilities.argmax(axis=1)]  # (N, labels)
        self._embeddings = pool.embeddings
        self._squares = (self._errors**2).sum(axis=1) * (pool.embeddings**2).sum(axis=1)
        self._first = True
        self.scores: F64 = self._squares

    def choose(self, allowed: Bool, rng: np.random.Generator) -> int:
        """Return the clip with the longest gradient, later one that was drawn."""
        worth = np.where(allowed, self.scores, 0.0)
        if self._first or not worth.any():
            return _best(self.scores, allowed)
        return int(rng.choice(len(worth), p=worth / worth.sum()))

    def took(self, index: int) -> None:
        """Measure from this clip too."""
        products = (self._errors @ self._errors[index]) * (self._embeddings @ self._embeddings[index])
        distances = np.maximum(self._squares + self._squares[index] - 2 * products, 0.0)
        distances[index] = 0.0
        self.scores = distances if self._first else np.minimum(self.scores, distances)
        self._first = False


SCORERS: dict[Strategy, type[Badge] | type[Entropy] | type[KCentre]] = {
    "badge": Badge,
    "entropy": Entropy,
    "k-centre": KCentre,
}


class _Spread:
    """Keeps chosen clips apart."""

    def __init__(self, places: Sequence[Place], gap_s: float) -> None:
        self._recordings = np.array([place.recording for place in places])
        self._starts = np.array([place.start_s for place in places])
        self._ends = np.array([place.end_s for place in places])
        self._gap_s = gap_s
        self._apart: Bool = np.ones(len(places), np.bool_)
        self._fresh: Bool = np.ones(len(places), np.bool_)

    def allowed(self) -> Bool:
        """Return which clips (N,) may come next."""
        fresh: Bool = self._apart & self._fresh
        return fresh if fresh.any() else self._apart

    def took(self, index: int) -> None:
        same = self._recordings == self._recordings[index]
        after = self._starts - self._ends[index] >= self._gap_s
        before = self._starts[index] - self._ends >= self._gap_s
        self._apart &= ~same | after | before
        self._apart[index] = False
        self._fresh &= ~same


def _best(scores: F64, allowed: Bool) -> int:
    return int(np.where(allowed, scores, -np.inf).argmax())
