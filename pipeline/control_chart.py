"""A statistic over time in, how near it comes to its share of the budget out: a control chart.

Source: Roberts, Control chart tests based on geometric moving averages, Technometrics 1959. The limit here is
no multiple of a deviation but a quantile of what normal footage did (`pipeline.calibration`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pipeline.calibration import Calibration
from pipeline.sustained import MEAN_S, Sustained

DAY_S = 86_400.0
# What is halfway from the usual up to the threshold is high: an open alarm goes on, and nothing is learned.
HIGH_RATIO = 0.5
# From here on an episode has begun.
EPISODE_RATIO = 0.1
# A budget that allows every other block allows 0, of which nothing is a multiple.
LEAST_THRESHOLD = 1e-6


@dataclass(frozen=True, slots=True)
class ChartSettings:
    """How one chart looks at its scores.

    `mean_s` is the time over which it averages. `has_episodes`: its scores are those of one thing at a time,
    as the age of what stands, so that what lies above the usual is one observation, however long it lasts.
    `weight` is its share of the budget, as against those of the other charts.
    """

    mean_s: float = MEAN_S
    has_episodes: bool = False
    weight: float = 1.0


class ControlChart:
    """A moving average of scores, what it usually reaches, and what it may reach; not thread-safe."""

    def __init__(self, block_s: float, settings: ChartSettings) -> None:
        self._settings = settings
        self._calibration = Calibration(block_s)
        self._nothing = Sustained(mean_s=settings.mean_s)
        self._sustained, self._is_known = self._nothing, False
        self._per_day = 0.0
        self._threshold: float | None = None
        self._per_block = 0.0  # the share of blocks that may reach it

    @property
    def threshold(self) -> float | None:
        """The average that the budget allows; None until the calibration can say."""
        return self._threshold

    @property
    def observed_s(self) -> float:
        """How long normal footage was observed."""
        return self._calibration.observed_s

    @property
    def height(self) -> float:
        """The average as a multiple of the threshold; 0 while there is none."""
        return self.height_of(self._sustained.level)

    @property
    def is_high(self) -> bool:
        """Say whether the average has gone half of the way to the threshold."""
        return self._sustained.level >= self._between(HIGH_RATIO)

    @property
    def expected_per_day(self) -> float | None:
        """How often a day like the last one would reach the threshold; None while there is none."""
        if self._threshold is None:
            return None
        surplus = self._calibration.surplus(self._per_block)
        return (1.0 if surplus is None else surplus) * self._per_block * DAY_S / self._calibration.block_s

    def height_of(self, score: float) -> float:
        """Return a score as a multiple of the threshold; 0 where it or the threshold is not known."""
        if self._threshold is None or math.isnan(score) or score <= 0:
            return 0.0
        return score / self._threshold

    def p_value(self) -> float:
        """Return the share of normal blocks that reach the average."""
        tail = self._calibration.tail
        return tail.p_value(self._sustained.level) if tail else 1.0

    def allow(self, per_day: float) -> None:
        """Set how often a day the threshold may be reached by chance."""
        self._per_day = per_day
        self._set_threshold()

    def turn_to(self, time_s: float) -> None:
        """Let the threshold be that of this time of day."""
        tail = self._calibration.tail
        self._calibration.turn_to(time_s)
        if self._calibration.tail is not tail:
            self._set_threshold()

    def take(self, score: float, step_s: float) -> None:
        """Let the next score be part of the average; with NaN nothing is known any more."""
        self._is_known = not math.isnan(score)
        self._sustained = self._sustained.then(score, step_s) if self._is_known else self._nothing

    def interrupt(self) -> None:
        """Begin the average anew: nobody knows what came between."""
        self.take(math.nan, 0.0)

    def calibrate(self, step_s: float) -> None:
        """Take the average, which stood for `step_s` seconds, for normal, where it is known."""
        if self._is_known:
            self._calibrate(step_s, self._sustained.level)

    def forget_newest(self) -> None:
        """Leave out what was newly taken for normal: it led to an alarm.

        An episode that is below the threshold has led to nothing, and counts when it is over.
        """
        if self._settings.has_episodes and self.height < 1:
            self._calibration.forget_open()
        else:
            self._calibration.forget_newest()

    def count_alarm(self, step_s: float) -> None:
        """Count what reached the threshold as a normal block just above it.

        What alarms on a calibrated camera may be what normal footage does once in a budget period: to leave
        it out would cut the tail off where it is wanted. To count it in full would let one event silence the
        camera.
        """
        tail = self._calibration.tail
        if tail is not None and self._threshold is not None:
            self._calibrate(step_s, self._threshold + tail.scale)

    def pass_calm(self, highest: float, *, newest: Sustained, duration_s: float) -> None:
        """Take a stretch of scores for normal at once, by its highest average and that at its end."""
        self._sustained, self._is_known = newest, True
        self._calibrate(duration_s, highest)

    def _calibrate(self, step_s: float, level: float) -> None:
        tail = self._calibration.tail
        has_episodes = self._settings.has_episodes
        waits_from = self._between(EPISODE_RATIO if has_episodes else HIGH_RATIO)
        self._calibration.add(step_s, level, waits_from=waits_from, is_one_episode=has_episodes)
        if self._calibration.tail is not tail:
            self._set_threshold()

    def _between(self, ratio: float) -> float:
        """Return the level so far on the way from the usual to the threshold; infinite while unknown."""
        tail = self._calibration.tail
        if self._threshold is None or tail is None:
            return math.inf
        return tail.median + ratio * (self._threshold - tail.median)

    def _set_threshold(self) -> None:
        tail = self._calibration.tail
        per_block = self._per_day * self._calibration.block_s / DAY_S
        # Where the last day was rougher than those that were learned, the next is taken to be like it.
        surplus = self._calibration.surplus(per_block) or 1.0
        self._per_block = per_block / max(surplus, 1.0)
        self._threshold = max(tail.threshold(self._per_block), LEAST_THRESHOLD) if tail else None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what was calibrated, by name."""
        return self._calibration.to_arrays()

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays do not belong together.
        """
        self._calibration.from_arrays(arrays)
        self._set_threshold()
