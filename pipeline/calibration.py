"""Scores of normal footage in, p-values and thresholds out: conformal block maxima with a fitted tail.

Blocks are compared with those of the same time of day, where there are enough (Mondrian conformal).
"""

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
# So many twelfths may wait for what becomes of them: a quarter of an hour, with blocks of a minute.
MAX_WAITING = 15 * FINE_PER_BLOCK
# Fewer maxima say nothing about a tail.
MIN_BLOCKS = 8
# Two weeks of minutes: what a camera has forgotten after that cannot alarm by being rare.
KEEP_BLOCKS = 20_160
KEEP_FINE = ENOUGH_BLOCKS * FINE_PER_BLOCK
# A block is compared with those of its own hour and of so many hours around it that they are this many: after
# two days with those of 13 hours, after four with those of seven, after eight with those of three, the least.
BAND_BLOCKS, HOURS = 1_440, 24
HOUR_S = 3600.0
# The expected rate is that of the newest day: of so many p-values, but no fewer than make a tail.
KEEP_P_VALUES, MIN_P_VALUES = 1_440, 60
# The highest tenth of them is their tail; so many of them weigh as much as what should be.
P_TAIL, P_SHRINKAGE = 0.1, 20
MIN_P_VALUE = 1e-9
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
    """The block maxima of one camera's normal scores, oldest first, each with the hour of the day it fell in.

    The hours are those of whatever clock `turn_to` is told; only that a day has 24 of them matters.
    """

    def __init__(self, block_s: float) -> None:
        self._block_s = block_s
        self._blocks: F64 = np.zeros(0)
        self._hours = np.zeros(0, np.int8)
        self._fine: list[float] = []
        self._open_block: list[float] = []  # the fine maxima of the block that is not over yet
        self._open_s = 0.0
        self._open_max = -math.inf
        self._waiting: list[float] = []  # the newest fine maxima: an alarm may yet show what they were
        self._observed_s = 0.0
        self._hour = 0
        self._tail: Tail | None = None
        self._p_values: F64 = np.zeros(0)  # of the newest blocks, each by the tail that stood before it

    @property
    def observed_s(self) -> float:
        """How long normal footage was observed; does not shrink when old blocks are forgotten."""
        return self._observed_s

    @property
    def tail(self) -> Tail | None:
        """What is known of normal maxima at this time of day; None until there are enough."""
        return self._tail

    @property
    def block_s(self) -> float:
        """How long the blocks of `tail` are: young calibrations use shorter ones."""
        return self._block_s if self._is_grown else self._block_s / FINE_PER_BLOCK

    @property
    def _is_grown(self) -> bool:
        return len(self._blocks) >= ENOUGH_BLOCKS

    def surplus(self, p_value: float) -> float | None:
        """Return how many times as often as `p_value` says days like the last one reach its threshold.

        If -ln p of the newest blocks is exponential of scale 1, as it should be, this is 1. Its highest tenth
        is taken to be exponential of a scale of its own. None while there are too few blocks.
        """
        if len(self._p_values) < MIN_P_VALUES or not 0 < p_value < P_TAIL:
            return None
        excess = np.log(P_TAIL / self._p_values)
        k = int((excess > 0).sum())
        scale = (float(excess[excess > 0].sum()) + P_SHRINKAGE) / (k + P_SHRINKAGE)
        share = (k + P_SHRINKAGE * P_TAIL) / (len(excess) + P_SHRINKAGE)
        return share * math.exp(-math.log(P_TAIL / p_value) / scale) / p_value

    def turn_to(self, time_s: float) -> None:
        """Let `tail` be that of this time of day."""
        hour = int(time_s // HOUR_S) % HOURS
        if hour != self._hour:
            self._hour = hour
            self._fit()

    def add(
        self, step_s: float, score: float, *, waits_from: float = math.inf, is_one_episode: bool = False
    ) -> None:
        """Observe a score that stood for `step_s` seconds.

        What rises slowly to an alarm must not lift the threshold on its way: blocks that reach `waits_from`
        wait. Of those that waited together only the highest counts where they are `is_one_episode`, and the
        others as the median.
        """
        self._observed_s += step_s
        self._open_s += step_s
        self._open_max = max(self._open_max, score)
        if self._open_s >= self._block_s / FINE_PER_BLOCK:
            self._close_fine_block(waits_from, is_one_episode=is_one_episode)

    def forget_newest(self) -> None:
        """Leave out the fine block in progress and those that wait: they led to an alarm."""
        self._waiting, self._open_s, self._open_max = [], 0.0, -math.inf

    def forget_open(self) -> None:
        """Leave out the fine block in progress alone: something else has led to an alarm."""
        self._open_s, self._open_max = 0.0, -math.inf

    def _close_fine_block(self, waits_from: float, *, is_one_episode: bool) -> None:
        is_high = self._open_max >= waits_from
        waits = MAX_WAITING if is_high else 1
        self._waiting.append(self._open_max)
        self._open_s, self._open_max = 0.0, -math.inf
        settled, self._waiting = self._waiting[:-waits], self._waiting[-waits:]
        if is_one_episode and self._tail is not None and settled:
            highest, usual = max(settled), self._tail.median
            settled = [min(maximum, usual) for maximum in settled]
            if is_high:  # it goes on: its highest block is still to be counted
                self._waiting[0] = max(self._waiting[0], highest)
            else:
                settled[0] = highest
        for maximum in settled:
            self._settle(maximum)

    def _settle(self, maximum: float) -> None:
        self._open_block.append(maximum)
        if not self._is_grown:
            self._fine = [*self._fine, maximum][-KEEP_FINE:]
        if len(self._open_block) == FINE_PER_BLOCK:
            self._keep(max(self._open_block))
            self._open_block = []
            self._fit()
        elif not self._is_grown:
            self._fit()

    def _keep(self, maximum: float) -> None:
        if self._tail is not None and self._is_grown:
            p_value = max(self._tail.p_value(maximum), MIN_P_VALUE)
            self._p_values = np.append(self._p_values, p_value)[-KEEP_P_VALUES:]
        self._blocks = np.append(self._blocks, maximum)[-KEEP_BLOCKS:]
        self._hours = np.append(self._hours, np.int8(self._hour))[-KEEP_BLOCKS:]

    def _fit(self) -> None:
        maxima = self._band() if self._is_grown else np.array(self._fine)
        self._tail = Tail.of(maxima) if len(maxima) >= MIN_BLOCKS else None

    def _band(self) -> F64:
        """Return the blocks of the narrowest band around this hour that holds enough; all where none does."""
        half = HOURS // 2
        away = np.abs((self._hours - self._hour + half) % HOURS - half)  # 23 h and 1 h are 2 hours apart
        counts = np.cumsum(np.bincount(away, minlength=half + 1))
        reach = max(1, int(np.searchsorted(counts, BAND_BLOCKS)))
        return self._blocks[away <= reach]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was observed, by name; a block that is not over yet is left out."""
        return {
            "blocks": self._blocks.astype(np.float32),
            "hours": self._hours,
            "fine": np.array(self._fine, np.float32),
            "p_values": self._p_values.astype(np.float32),
            "observed_s": np.array(self._observed_s),
        }

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays do not belong together.
        """
        blocks, hours = arrays["blocks"].astype(np.float64), arrays["hours"].astype(np.int8)
        if blocks.shape != hours.shape:
            raise ValueError(f"{len(blocks)} blocks have {len(hours)} hours")
        self._blocks, self._hours = blocks, hours
        self._fine, self._p_values = arrays["fine"].tolist(), arrays["p_values"].astype(np.float64)
        self._observed_s = float(arrays["observed_s"])
        self._fit()
