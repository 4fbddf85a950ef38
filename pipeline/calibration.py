"""Scores of normal footage in, p-values and thresholds out: conformal block maxima with a fitted tail."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

# A young calibration works on twelfths of a block, until this many whole blocks are there.
FINE_PER_BLOCK = 12
ENOUGH_BLOCKS = 30
# Fewer maxima say nothing about a tail.
MIN_BLOCKS = 8
# Two weeks of minutes: what a camera has forgotten after that cannot alarm by being rare.
KEEP_BLOCKS = 20_160
KEEP_FINE = ENOUGH_BLOCKS * FINE_PER_BLOCK
# Footage that stands still repeats its score exactly; scores are in usual deviations, so the tail of normal
# footage is never taken to be thinner than this.
MIN_TAIL_SCALE = 0.5
# A shape from few excesses is noise: it counts by k / (k + 50), and block maxima of scores lie in this range.
SHAPE_SHRINKAGE, SHAPE_RANGE = 50.0, (-0.2, 0.3)

EXPONENTIAL_SHAPE = 1e-6  # nearer to 0, the general formula divides rounding errors


@dataclass(frozen=True, slots=True)
class Tail:
    """The distribution of block maxima: the observed ones, and a generalised Pareto tail above `start`.

    `maxima` are sorted; `excesses` of them lie above `start`.
    """

    maxima: F64
    start: float
    excesses: int
    shape: float
    scale: float

    @classmethod
    def of(cls, maxima: F64) -> "Tail":
        """Fit the tail of at least MIN_BLOCKS block maxima.

        Half of a few maxima count as the tail, a twentieth of many. Shape and scale by probability-weighted
        moments (Hosking and Wallis, Technometrics 1987, section 4). Then 1 / k is added to the shape: for k
        exponential excesses of mean m that gives P(x) = (1 + x / (k m))^-k, the exact predictive tail, whose
        false-alarm rate is right on average over what k observations may have missed.
        """
        ordered, n = np.sort(maxima.astype(np.float64)), len(maxima)
        k = min(n // 2, 30 + n // 20)
        start = float(ordered[n - k - 1])
        excess = ordered[n - k :] - start
        mean = max(float(excess.mean()), MIN_TAIL_SCALE)
        shape = _shape(excess) * k / (k + SHAPE_SHRINKAGE)
        shape = min(max(shape, SHAPE_RANGE[0]), SHAPE_RANGE[1])
        return cls(ordered, start, k, shape + 1 / k, mean * (1 - shape))

    @property
    def median(self) -> float:
        """Return what half of the normal blocks stay below."""
        return float(self.maxima[len(self.maxima) // 2])

    def p_value(self, score: float) -> float:
        """Return how likely a normal block reaches the score: (1 + how many did) / (n + 1), or the tail."""
        n = len(self.maxima)
        if score <= self.start:
            return (1 + n - int(np.searchsorted(self.maxima, score))) / (n + 1)
        return (1 + self.excesses) / (n + 1) * _tail((score - self.start) / self.scale, self.shape)

    def threshold(self, p_value: float) -> float:
        """Return the score whose p-value is the given one; infinite for 0."""
        if p_value <= 0:
            return math.inf
        n = len(self.maxima)
        share = p_value * (n + 1) / (1 + self.excesses)
        if share < 1:
            return self.start + self.scale * _stretch(-math.log(share), self.shape)
        above = min(int(p_value * (n + 1)), n)  # this many maxima may reach it
        return float(self.maxima[n - above])


def _tail(excess: float, shape: float) -> float:
    """Return P(X > excess) of the generalised Pareto distribution of scale 1."""
    if abs(shape) < EXPONENTIAL_SHAPE:
        return math.exp(-excess)
    base = 1 + shape * excess
    return math.exp(-math.log(base) / shape) if base > 0 else 0.0


def _stretch(units: float, shape: float) -> float:
    """Return the excess that is exceeded with probability exp(-units): the inverse of `_tail`."""
    return units if abs(shape) < EXPONENTIAL_SHAPE else math.expm1(shape * units) / shape


def _shape(excess: F64) -> float:
    """Return the shape of sorted excesses by probability-weighted moments; 0 is exponential."""
    k = len(excess)
    first = float(excess.mean())
    second = float((np.arange(k - 1, -1, -1) / (k - 1) * excess).mean())
    return 2 - first / (first - 2 * second) if first > 2 * second else 0.0


class Calibration:
    """The block maxima of one camera's normal scores, oldest first."""

    def __init__(self, block_s: float) -> None:
        self._block_s = block_s
        self._blocks: list[float] = []
        self._fine: list[float] = []
        self._open_block: list[float] = []  # the fine maxima of the block that is not over yet
        self._open_s = 0.0
        self._open_max = -math.inf
        self._waiting: float | None = None  # the newest fine maximum: an alarm may yet show what it was
        self._observed_s = 0.0
        self._tail: Tail | None = None

    @property
    def observed_s(self) -> float:
        """How long normal footage was observed; does not shrink when old blocks are forgotten."""
        return self._observed_s

    @property
    def tail(self) -> Tail | None:
        """What is known of normal maxima; None until there are enough."""
        return self._tail

    @property
    def block_s(self) -> float:
        """How long the blocks of `tail` are: young calibrations use shorter ones."""
        return self._block_s if len(self._blocks) >= ENOUGH_BLOCKS else self._block_s / FINE_PER_BLOCK

    def add(self, step_s: float, score: float) -> None:
        """Observe a score that stood for `step_s` seconds."""
        self._observed_s += step_s
        self._open_s += step_s
        self._open_max = max(self._open_max, score)
        if self._open_s >= self._block_s / FINE_PER_BLOCK:
            self._close_fine_block()

    def forget_newest(self) -> None:
        """Leave out the fine block in progress and the one before: they led to an alarm."""
        self._waiting, self._open_s, self._open_max = None, 0.0, -math.inf

    def _close_fine_block(self) -> None:
        settled, self._waiting = self._waiting, self._open_max
        self._open_s, self._open_max = 0.0, -math.inf
        if settled is not None:
            self._settle(settled)

    def _settle(self, maximum: float) -> None:
        self._open_block.append(maximum)
        self._fine = [*self._fine, maximum][-KEEP_FINE:]
        if len(self._open_block) == FINE_PER_BLOCK:
            self._blocks = [*self._blocks, max(self._open_block)][-KEEP_BLOCKS:]
            self._open_block = []
            self._fit()
        elif len(self._blocks) < ENOUGH_BLOCKS:
            self._fit()

    def _fit(self) -> None:
        maxima = self._blocks if len(self._blocks) >= ENOUGH_BLOCKS else self._fine
        self._tail = Tail.of(np.array(maxima)) if len(maxima) >= MIN_BLOCKS else None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was observed, by name; a block that is not over yet is left out."""
        return {
            "blocks": np.array(self._blocks, np.float32),
            "fine": np.array(self._fine, np.float32),
            "observed_s": np.array(self._observed_s),
        }

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._blocks, self._fine = arrays["blocks"].tolist(), arrays["fine"].tolist()
        self._observed_s = float(arrays["observed_s"])
        self._fit()
