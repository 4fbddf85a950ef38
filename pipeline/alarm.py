"""Scores over time go in, decisions come out: an alarm opens, changes, closes; pure, time is passed in."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.control_chart import DAY_S, ChartSettings, ControlChart
from pipeline.sustained import Sustained

# The actual rate is that of the last week, or of as much of it as was watched, but of a day at least.
RATE_DAYS = 7.0
# A longer silence between two scores is an interruption: nothing was observed in it.
MAX_STEP_S = 2.0
# Times are told in milliseconds.
CLOCK_STEP_S = 0.001
# An update is worth sending when the highest score has grown by this factor, and a second has passed; an
# alarm that is stronger by it than the last one opens during the cool-down too.
GROWTH, UPDATE_EVERY_S = 1.2, 1.0
# The level at which an alarm opens.
THRESHOLD_LEVEL = 0.5
ONE_CHART = {"score": ChartSettings()}


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

    `level` is the highest so far, on the scale of `Alarm.level`. `p_value` is the share of normal blocks in
    which any chart reaches as much of its own scale, or an upper bound of that.
    """

    phase: AlarmPhase
    time_s: float
    began_s: float
    level: float
    p_value: float


@dataclass(frozen=True, slots=True)
class _OpenAlarm:
    """`peak` is the highest multiple of a threshold so far, `told_peak` that which was told last.

    `charts` have reached their thresholds: the alarm lasts while one of them is high.
    """

    began_s: float
    last_high_s: float
    peak: float
    p_value: float
    told_peak: float
    told_s: float
    charts: frozenset[ControlChart]


class Alarm:
    """One camera's alarm: what its control charts reach opens and closes it; not thread-safe.

    `charts` are named in the order of the scores. Each has its share of the budget, so that together they
    keep it, whatever they have to do with one another (Bonferroni). What one of them is used to makes no
    other less sensitive.
    """

    def __init__(self, settings: AlarmSettings, charts: Mapping[str, ChartSettings] = ONE_CHART) -> None:
        self._settings = settings
        self._named = {name: ControlChart(settings.block_s, chart) for name, chart in charts.items()}
        self._charts = tuple(self._named.values())
        total = sum(chart.weight for chart in charts.values())
        self._shares = tuple(chart.weight / total for chart in charts.values())
        self._time_s: float | None = None
        self._open: _OpenAlarm | None = None
        self._quiet_until_s, self._quiet_below = -math.inf, 0.0
        self._uncounted_until_s = -math.inf
        self._accepted: frozenset[ControlChart] = frozenset()  # what they see has been accepted as normal
        self._opened_s: list[float] = []
        self._share_budget()

    @property
    def thresholds(self) -> tuple[float, ...] | None:
        """What each chart may reach before an alarm opens; None until all calibrations can say."""
        known = tuple(chart.threshold for chart in self._charts if chart.threshold is not None)
        return known if len(known) == len(self._charts) else None

    @property
    def is_open(self) -> bool:
        """Say whether an alarm is open."""
        return self._open is not None

    @property
    def accepts(self) -> bool:
        """Say whether an alarm was closed because it did not end, and what it saw is still there."""
        return bool(self._accepted)

    @property
    def is_calm(self) -> bool:
        """Say whether the newest frame is safe to learn from: neither alarmed nor nearly so.

        Before all charts are known nothing alarms, and everything is learned.
        """
        if self.accepts or self.thresholds is None:
            return True
        return self._open is None and not any(chart.is_high for chart in self._charts)

    @property
    def budget_per_day(self) -> float:
        """How many alarms a day are accepted."""
        return self._settings.budget_per_day

    @property
    def calibration_ratio(self) -> float:
        """How much of the normal footage that the budget needs was seen: one budget period, 0 to 1."""
        return min(1.0, self._observed_s * self._settings.budget_per_day / DAY_S)

    @property
    def budget_used_ratio(self) -> float:
        """The alarms of the last 24 hours over the daily budget; 0 where the budget is 0."""
        since_s = (self._time_s or 0.0) - DAY_S
        count = sum(opened_s > since_s for opened_s in self._opened_s)
        return count / self._settings.budget_per_day if self._settings.budget_per_day else 0.0

    @property
    def expected_per_day(self) -> float | None:
        """How many alarms a day like the last one would bring; None while there is no threshold."""
        expected = [chart.expected_per_day for chart in self._charts]
        known = [per_day for per_day in expected if per_day is not None]
        return sum(known) if len(known) == len(self._charts) else None

    @property
    def actual_per_day(self) -> float:
        """How many alarms a day there were in the last week; those that a user confirmed do not count."""
        since_s = (self._time_s or 0.0) - RATE_DAYS * DAY_S
        days = min(max(self._observed_s / DAY_S, 1.0), RATE_DAYS)
        return sum(opened_s > since_s for opened_s in self._opened_s) / days

    @property
    def _observed_s(self) -> float:
        """How long normal footage was observed by all charts."""
        return min(chart.observed_s for chart in self._charts)

    def confirm(self, opened_s: float) -> None:
        """Take an alarm that opened then (to the millisecond) for right: it uses none of the budget."""
        self._opened_s = [known_s for known_s in self._opened_s if abs(known_s - opened_s) > CLOCK_STEP_S]

    def count(self, opened_s: float) -> None:
        """Count an alarm, opened here or by another rule, among those of the last week."""
        self._opened_s = [*(s for s in self._opened_s if s > opened_s - RATE_DAYS * DAY_S), opened_s]

    def set_budget(self, per_day: float) -> None:
        """Change how many alarms a day are accepted."""
        self._settings = replace(self._settings, budget_per_day=per_day)
        self._share_budget()

    def _share_budget(self) -> None:
        for chart, share in zip(self._charts, self._shares, strict=True):
            chart.allow(self._settings.budget_per_day * share)

    def level(self, scores: Sequence[float]) -> float:
        """Return the highest of the scores, one for each chart, on a scale of 0…1 whose 0.5 is the threshold.

        It is 0 until all charts are known.
        """
        return level_of(max(self.heights(scores)))

    def heights(self, scores: Sequence[float]) -> tuple[float, ...]:
        """Return each chart's score as a multiple of its threshold; 0 until all charts are known."""
        if self.thresholds is None:
            return tuple(0.0 for _ in self._charts)
        return tuple(chart.height_of(score) for chart, score in self._pairs(scores))

    @property
    def newest_level(self) -> float:
        """What the newest scores come to with those before, on the scale of `level`."""
        return 0.0 if self.thresholds is None else level_of(max(chart.height for chart in self._charts))

    def _pairs(self, scores: Sequence[float]) -> Iterator[tuple[ControlChart, float]]:
        return zip(self._charts, scores, strict=True)

    def update(
        self, time_s: float, scores: Sequence[float], *, suppressed: bool = False
    ) -> AlarmChange | None:
        """Take the scores of one frame, one for each chart.

        Nothing opens before all charts are known, or where a score is NaN, which calibrates the others, or
        `suppressed`, which calibrates none.
        """
        step_s = self._step(time_s)
        for chart in self._charts:
            chart.turn_to(time_s)
        if suppressed:
            self._interrupt()
            return self._follow(time_s)
        for chart, score in self._pairs(scores):
            chart.take(score, step_s)
        if self._open:
            return self._follow(time_s)
        if self.accepts:
            self._accepted = frozenset(chart for chart in self._accepted if chart.is_high)
            self._uncounted_until_s = time_s + self._settings.hold_s  # what fades of it is no normal score
        height = max((chart.height for chart in self._charts if chart not in self._accepted), default=0.0)
        if time_s < self._quiet_until_s and height < self._quiet_below:
            return None
        if height < 1.0 or self.thresholds is None or any(map(math.isnan, scores)):
            if time_s >= self._uncounted_until_s:
                for chart in self._charts:
                    chart.calibrate(step_s)
            return None
        return self._begin(time_s, step_s)

    def excuse(self, time_s: float) -> None:
        """Leave what led to a frame that is no alarm out of the calibration, and what follows it at once."""
        self._forget_newest()
        self._uncounted_until_s = time_s + self._settings.hold_s

    def pass_calm(
        self, time_s: float, highest: Sequence[float], *, newest: Sequence[Sustained], duration_s: float
    ) -> bool:
        """Take a stretch of scores at once, as simulations of many days do, by its highest averages.

        `newest` is what they have come to at its end. Both are one for each chart.

        Return False, and take nothing, where only the scores one by one say what comes of them.
        """
        for chart in self._charts:
            chart.turn_to(time_s)
        is_idle = self._open is None and not self.accepts and time_s - duration_s >= self._quiet_until_s
        if not is_idle or self.thresholds is None or self.level(highest) >= THRESHOLD_LEVEL:
            return False
        self._time_s = time_s
        for chart, level, last in zip(self._charts, highest, newest, strict=True):
            chart.pass_calm(level, newest=last, duration_s=duration_s)
        return True

    def _step(self, time_s: float) -> float:
        """Return how long the last score stood; where time jumps back, what was to come counts from now."""
        before_s = time_s if self._time_s is None else self._time_s
        self._time_s = time_s
        if time_s - before_s > MAX_STEP_S:
            self._interrupt()
        if time_s < before_s:
            self._quiet_until_s = min(self._quiet_until_s, time_s + self._settings.cooldown_s)
            self._uncounted_until_s = min(self._uncounted_until_s, time_s + self._settings.hold_s)
            self._open = self._open and replace(self._open, last_high_s=time_s, told_s=time_s)
        return min(max(time_s - before_s, 0.0), MAX_STEP_S)

    def _interrupt(self) -> None:
        for chart in self._charts:
            chart.interrupt()

    def _forget_newest(self) -> None:
        for chart in self._charts:
            chart.forget_newest()

    def _account(self, step_s: float) -> None:
        """Leave the alarm out of the calibration, or count it (`ControlChart.count_alarm`).

        While a camera is young one block weighs too much: only alarms beyond the budget count.
        """
        self._forget_newest()
        if self.calibration_ratio >= 1 or self.budget_used_ratio > 1:
            for chart in self._charts:
                if chart.height >= 1:
                    chart.count_alarm(step_s)

    def _begin(self, time_s: float, step_s: float) -> AlarmChange:
        height, p_value = self._peak()
        alarm = self._open = _OpenAlarm(time_s, time_s, height, p_value, height, time_s, self._reached())
        self.count(time_s)
        change = _change(AlarmPhase.OPENED, time_s, alarm)
        self._account(step_s)
        return change

    def _peak(self) -> tuple[float, float]:
        """Return the greatest height of a chart, and the share of blocks in which any may reach as much."""
        pairs = zip(self._charts, self._shares, strict=True)
        judged = [pair for pair in pairs if pair[0] not in self._accepted]
        highest, share = max(judged, key=lambda pair: pair[0].height)
        return highest.height, min(1.0, highest.p_value() / share)

    def _reached(self) -> frozenset[ControlChart]:
        judged = (chart for chart in self._charts if chart not in self._accepted)
        return frozenset(chart for chart in judged if chart.height >= 1)

    def _follow(self, time_s: float) -> AlarmChange | None:
        alarm = self._open
        if alarm is None:
            return None
        alarm = replace(alarm, charts=alarm.charts | self._reached())
        high = frozenset(chart for chart in alarm.charts if chart.is_high)
        if high:
            alarm = replace(alarm, last_high_s=time_s)
        height, p_value = self._peak()
        if height > alarm.peak:
            alarm = replace(alarm, peak=height, p_value=p_value)
        lasts = time_s - alarm.began_s >= self._settings.longest_s
        over_s = alarm.last_high_s + self._settings.hold_s
        if lasts or time_s >= over_s:
            self._accepted |= high if lasts else frozenset()
            # After an interruption the hold may be long over, and the cool-down with it.
            return self._close(min(time_s, over_s), alarm)
        grows = alarm.peak >= GROWTH * alarm.told_peak and time_s - alarm.told_s >= UPDATE_EVERY_S
        self._open = replace(alarm, told_peak=alarm.peak, told_s=time_s) if grows else alarm
        return _change(AlarmPhase.CHANGED, time_s, self._open) if grows else None

    def _close(self, time_s: float, alarm: _OpenAlarm) -> AlarmChange:
        self._open, self._quiet_below = None, GROWTH * alarm.peak
        self._quiet_until_s = time_s + self._settings.cooldown_s
        return _change(AlarmPhase.CLOSED, time_s, alarm)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the charts and the openings of the last week, by name; an open alarm is left out."""
        arrays = {
            f"{name}.{part}": array
            for name, chart in self._named.items()
            for part, array in chart.to_arrays().items()
        }
        return arrays | {"opened_s": np.array(self._opened_s, np.float64)}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned.

        Raises:
            KeyError: An array is missing.
            ValueError: The arrays do not belong together.
        """
        for name, chart in self._named.items():
            prefix = f"{name}."
            chart.from_arrays({n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)})
        self._opened_s = arrays["opened_s"].tolist()


def level_of(height: float) -> float:
    """Return a multiple of the threshold on a scale of 0…1: 0.5 for 1, 0.75 for 3."""
    return height / (1.0 + height)


def _change(phase: AlarmPhase, time_s: float, alarm: _OpenAlarm) -> AlarmChange:
    return AlarmChange(phase, time_s, alarm.began_s, level_of(alarm.peak), alarm.p_value)
