"""Scores over time go in, decisions come out: an alarm opens, changes, closes; pure, time is passed in."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.calibration import Calibration
from pipeline.sustained import Sustained

DAY_S = 86_400.0
# The actual rate is that of the last week, or of as much of it as was watched, but of a day at least.
RATE_DAYS = 7.0
# A longer silence between two scores is an interruption: nothing was observed in it.
MAX_STEP_S = 2.0
# Times are told in milliseconds.
CLOCK_STEP_S = 0.001
# An open alarm closes, and learning resumes, halfway from the threshold down to what is usual.
CLOSE_RATIO = 0.5
# An update is worth sending when the highest score has grown by this factor, and a second has passed; an
# alarm that is stronger by it than the last one opens during the cool-down too.
GROWTH, UPDATE_EVERY_S = 1.2, 1.0


class AlarmPhase(StrEnum):
    """The three steps of an alarm's life; they become an event's new, update and end."""

    OPENED = "opened"
    CHANGED = "changed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """When an alarm opens and closes.

    `budget_per_day` is how many alarms a day the user accepts on average; 0 means none ever.
    `block_s` is the length of the blocks whose maxima are calibrated.
    `hold_s` is how long the score must be low before the alarm closes: what comes back sooner is merged.
    `cooldown_s` is how long after that no new one opens, unless it is clearly stronger.
    `longest_s` is when an alarm that does not end is closed, and what it saw is accepted as normal.
    """

    budget_per_day: float = 1.0
    block_s: float = 60.0
    hold_s: float = 5.0
    cooldown_s: float = 30.0
    longest_s: float = 900.0


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """One step of an alarm.

    `score` is the alarm's highest score so far and `p_value` the share of normal blocks that reach it.
    """

    phase: AlarmPhase
    time_s: float
    began_s: float
    score: float
    p_value: float


@dataclass(frozen=True, slots=True)
class _OpenAlarm:
    began_s: float
    last_high_s: float
    peak: float
    told_peak: float
    told_s: float


class Alarm:
    """One camera's alarm with its calibration; not thread-safe."""

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings
        self._calibration = Calibration(settings.block_s)
        self._sustained = Sustained()
        self._time_s: float | None = None
        self._open: _OpenAlarm | None = None
        self._quiet_until_s, self._quiet_below = -math.inf, 0.0
        self._uncounted_until_s = -math.inf
        self._accepts = False
        self._opened_s: list[float] = []
        self._threshold: float | None = None
        self._p_value = 0.0  # the share of blocks that may reach it

    @property
    def threshold(self) -> float | None:
        """The score at which an alarm opens; None until the calibration can say."""
        return self._threshold

    @property
    def is_open(self) -> bool:
        """Say whether an alarm is open."""
        return self._open is not None

    @property
    def accepts(self) -> bool:
        """Say whether an alarm was closed because it did not end, and what it saw is still there."""
        return self._accepts

    @property
    def is_calm(self) -> bool:
        """Say whether the newest frame is safe to learn from: neither alarmed nor nearly so."""
        if self._accepts:
            return True
        return self._open is None and self._sustained.level < self._close_level()

    @property
    def budget_per_day(self) -> float:
        """How many alarms a day are accepted."""
        return self._settings.budget_per_day

    @property
    def calibration_ratio(self) -> float:
        """How much of the normal footage that the budget needs was seen: one budget period, 0 to 1."""
        return min(1.0, self._calibration.observed_s * self._settings.budget_per_day / DAY_S)

    @property
    def budget_used_ratio(self) -> float:
        """The alarms of the last 24 hours over the daily budget; 0 where the budget is 0."""
        since_s = (self._time_s or 0.0) - DAY_S
        count = sum(opened_s > since_s for opened_s in self._opened_s)
        return count / self._settings.budget_per_day if self._settings.budget_per_day else 0.0

    @property
    def expected_per_day(self) -> float | None:
        """How many alarms a day like the last one would bring; None while there is no threshold."""
        if self._threshold is None:
            return None
        surplus = self._calibration.surplus(self._p_value)
        return (1.0 if surplus is None else surplus) * self._p_value * DAY_S / self._calibration.block_s

    @property
    def actual_per_day(self) -> float:
        """How many alarms a day there were in the last week; those that a user confirmed do not count."""
        since_s = (self._time_s or 0.0) - RATE_DAYS * DAY_S
        days = min(max(self._calibration.observed_s / DAY_S, 1.0), RATE_DAYS)
        return sum(opened_s > since_s for opened_s in self._opened_s) / days

    def confirm(self, opened_s: float) -> None:
        """Take an alarm that opened then (to the millisecond) for right: it uses none of the budget."""
        self._opened_s = [known_s for known_s in self._opened_s if abs(known_s - opened_s) > CLOCK_STEP_S]

    def count(self, opened_s: float) -> None:
        """Count an alarm, opened here or by another rule, among those of the last week."""
        self._opened_s = [*(s for s in self._opened_s if s > opened_s - RATE_DAYS * DAY_S), opened_s]

    def set_budget(self, per_day: float) -> None:
        """Change how many alarms a day are accepted."""
        self._settings = replace(self._settings, budget_per_day=per_day)
        self._set_threshold()

    def level(self, score: float) -> float:
        """Return the score on a scale of 0…1 whose 0.5 is the threshold; 0 while there is none."""
        if self._threshold is None or math.isnan(score):
            return 0.0
        return score / (score + self._threshold) if score > 0 else 0.0

    def foresee(self, time_s: float, score: float) -> float:
        """Return what would be judged if this were the next score; NaN where it is."""
        if math.isnan(score):
            return math.nan
        if self._time_s is None or time_s - self._time_s > MAX_STEP_S:
            return Sustained().then(score, 0.0).level
        return self._sustained.then(score, max(time_s - self._time_s, 0.0)).level

    def update(self, time_s: float, score: float, *, suppressed: bool = False) -> AlarmChange | None:
        """Take the score of one frame; a NaN score, like `suppressed`, opens and calibrates nothing."""
        step_s = self._step(time_s)
        self._turn_to(time_s)
        if suppressed or math.isnan(score):
            self._sustained = Sustained()
            return self._follow(time_s, 0.0)
        self._sustained = self._sustained.then(score, step_s)
        sustained = self._sustained.level
        if self._open:
            return self._follow(time_s, sustained)
        if self._accepts:
            self._accepts = sustained >= self._close_level()
            self._uncounted_until_s = time_s + self._settings.hold_s  # what fades of it is no normal score
            return None
        if time_s < self._quiet_until_s and sustained < self._quiet_below:
            return None
        if self._threshold is None or sustained < self._threshold:
            if time_s >= self._uncounted_until_s:
                self._calibrate(step_s, sustained)
            return None
        return self._begin(time_s, step_s, sustained)

    def excuse(self, time_s: float) -> None:
        """Leave what led to a frame that is no alarm out of the calibration, and what follows it at once."""
        self._calibration.forget_newest()
        self._uncounted_until_s = time_s + self._settings.hold_s

    def pass_calm(self, time_s: float, highest: float, *, newest: Sustained, duration_s: float) -> bool:
        """Take a stretch of scores at once, as simulations of many days do, by its highest sustained one.

        `newest` is what they have come to at its end.

        Return False, and take nothing, where only the scores one by one say what comes of them.
        """
        self._turn_to(time_s)
        is_idle = self._open is None and not self._accepts and time_s - duration_s >= self._quiet_until_s
        if not is_idle or self._threshold is None or highest >= self._threshold:
            return False
        self._time_s, self._sustained = time_s, newest
        self._calibrate(duration_s, highest)
        return True

    def _turn_to(self, time_s: float) -> None:
        """Let the threshold be that of this time of day."""
        tail = self._calibration.tail
        self._calibration.turn_to(time_s)
        if self._calibration.tail is not tail:
            self._set_threshold()

    def _step(self, time_s: float) -> float:
        """Return how long the last score stood; where time jumps back, what was to come counts from now."""
        before_s = time_s if self._time_s is None else self._time_s
        self._time_s = time_s
        if time_s - before_s > MAX_STEP_S:
            self._sustained = Sustained()
        if time_s < before_s:
            self._quiet_until_s = min(self._quiet_until_s, time_s + self._settings.cooldown_s)
            self._uncounted_until_s = min(self._uncounted_until_s, time_s + self._settings.hold_s)
            self._open = self._open and replace(self._open, last_high_s=time_s, told_s=time_s)
        return min(max(time_s - before_s, 0.0), MAX_STEP_S)

    def _close_level(self) -> float:
        tail = self._calibration.tail
        if self._threshold is None or tail is None:
            return math.inf
        return tail.median + CLOSE_RATIO * (self._threshold - tail.median)

    def _calibrate(self, step_s: float, sustained: float) -> None:
        tail = self._calibration.tail
        self._calibration.add(step_s, sustained, is_high=sustained >= self._close_level())
        if self._calibration.tail is not tail:
            self._set_threshold()

    def _account(self, step_s: float, threshold: float) -> None:
        """Leave the alarm out of the calibration, or count it as a normal block just above the threshold.

        What alarms on a calibrated camera may be what normal footage does once in a budget period: to leave
        it out would cut the tail off where it is wanted. To count it in full would let one event silence the
        camera. While a camera is young one block weighs too much: only alarms beyond the budget count.
        """
        self._calibration.forget_newest()
        tail = self._calibration.tail
        if tail is not None and (self.calibration_ratio >= 1 or self.budget_used_ratio > 1):
            self._calibrate(step_s, threshold + tail.scale)

    def _set_threshold(self) -> None:
        tail = self._calibration.tail
        # Where the last day was rougher than those that were learned, the next is taken to be like it.
        surplus = self._calibration.surplus(self._per_block()) or 1.0
        self._p_value = self._per_block() / max(surplus, 1.0)
        self._threshold = tail.threshold(self._p_value) if tail else None

    def _per_block(self) -> float:
        return self._settings.budget_per_day * self._calibration.block_s / DAY_S

    def _begin(self, time_s: float, step_s: float, score: float) -> AlarmChange:
        alarm = self._open = _OpenAlarm(time_s, time_s, score, score, time_s)
        self.count(time_s)
        change = self._change(AlarmPhase.OPENED, time_s, alarm)
        if self._threshold is not None:
            self._account(step_s, self._threshold)
        return change

    def _follow(self, time_s: float, sustained: float) -> AlarmChange | None:
        alarm = self._open
        if alarm is None:
            return None
        high = sustained >= self._close_level()
        alarm = replace(
            alarm, peak=max(alarm.peak, sustained), last_high_s=time_s if high else alarm.last_high_s
        )
        lasts = time_s - alarm.began_s >= self._settings.longest_s
        over_s = alarm.last_high_s + self._settings.hold_s
        if lasts or time_s >= over_s:
            self._accepts = lasts and high
            # After an interruption the hold may be long over, and the cool-down with it.
            return self._close(min(time_s, over_s), alarm)
        grows = alarm.peak >= GROWTH * alarm.told_peak and time_s - alarm.told_s >= UPDATE_EVERY_S
        self._open = replace(alarm, told_peak=alarm.peak, told_s=time_s) if grows else alarm
        return self._change(AlarmPhase.CHANGED, time_s, self._open) if grows else None

    def _close(self, time_s: float, alarm: _OpenAlarm) -> AlarmChange:
        self._open, self._quiet_below = None, GROWTH * alarm.peak
        self._quiet_until_s = time_s + self._settings.cooldown_s
        return self._change(AlarmPhase.CLOSED, time_s, alarm)

    def _change(self, phase: AlarmPhase, time_s: float, alarm: _OpenAlarm) -> AlarmChange:
        tail = self._calibration.tail
        p_value = tail.p_value(alarm.peak) if tail else 1.0
        return AlarmChange(phase, time_s, alarm.began_s, alarm.peak, p_value)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the calibration and the openings of the last week, by name; an open alarm is left out."""
        return self._calibration.to_arrays() | {"opened_s": np.array(self._opened_s, np.float64)}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: An array is missing.
        """
        self._calibration.from_arrays(arrays)
        self._opened_s = arrays["opened_s"].tolist()
        self._set_threshold()
