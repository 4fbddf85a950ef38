"""Scores over normal footage and over positives in, a threshold per label that keeps a false-alarm rate out.

Events are counted by the very code that publishes them live (pipeline.behaviour): k of n, merged gaps,
cool-down. A rate is promised by its upper bound, not by what was seen: no event in H hours still allows
3 / H an hour at 95 % (the rule of three), so that short footage supports no threshold.
Source: Hanley and Lippman-Hand, If nothing goes wrong, is everything all right?, JAMA 249, 1983.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.checkpoint import Task
from pipeline.behaviour import Behaviour, BehaviourPhase, BehaviourSettings
from training.measures import NAN

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Thresholds tried, closer together the higher they are: the rarest scores decide.
MOST_CANDIDATES = 200
HOUR_S = 3600.0
# Other machines and runtimes round otherwise, and other days are not quite like the footage.
MARGIN = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSeries:
    """One label's probabilities `scores` (N,) at the decisions `times_s` (N,) of `duration_s` of footage."""

    times_s: F64
    scores: F32
    duration_s: float


@dataclass(frozen=True, slots=True)
class Case:
    """What decides about one label: footage in which it never happens, and one series per time it does."""

    normal: Sequence[ScoreSeries]
    positive: Sequence[ScoreSeries]


@dataclass(frozen=True, slots=True)
class Promise:
    """At most `per_hour` false events of one label, at the given `confidence`."""

    per_hour: float
    confidence: float = 0.95

    @property
    def needed_h(self) -> float:
        """Return the hours without any event that support the promise: about 3 / `per_hour`."""
        return -math.log(1 - self.confidence) / self.per_hour

    def upper_rate(self, events: int, hours: float) -> float:
        """Return the rate per hour that `events` in so many hours still allow: exact for a Poisson process.

        Source: Garwood, Biometrika 28, 1936.
        """
        return float(stats.chi2.ppf(self.confidence, 2 * (events + 1))) / 2 / hours if hours else math.inf


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """`events` in `hours` of normal footage, and the rate that they still allow."""

    events: int
    hours: float
    at_most_per_hour: float


@dataclass(frozen=True, slots=True)
class ChosenThreshold:
    """The lowest threshold that keeps the promise, or None and the `reason`; and the `recall` that it leaves.

    `recall` is the share of `positives` in which the behaviour begins, NaN where there is no threshold or no
    positive.
    """

    threshold: float | None
    recall: float
    positives: int
    false_alarms: FalseAlarms
    reason: str | None = None


def choose_thresholds(
    cases: Mapping[str, Case], promise: Promise, settings: BehaviourSettings
) -> dict[str, ChosenThreshold]:
    """Choose for each label; the footage must be in no training set, or the promise is worth nothing."""
    return {label: choose_threshold(case, promise, settings) for label, case in cases.items()}


def with_thresholds(labels: Sequence[str], chosen: Mapping[str, ChosenThreshold]) -> Task:
    """Return the task as a checkpoint holds it; a label that nothing was chosen for publishes nothing."""
    return Task(
        tuple(labels), tuple(chosen[label].threshold if label in chosen else None for label in labels)
    )


def choose_threshold(case: Case, promise: Promise, settings: BehaviourSettings) -> ChosenThreshold:
    """Choose the lowest threshold tried from which on every higher one keeps the promise.

    Fewer events at a lower threshold are no proof: long ones merge into one. The threshold then lies half way
    to the next one tried, which breaks the promise, if there are no more events there, but MARGIN above it.
    """
    hours = sum(series.duration_s for series in case.normal) / HOUR_S
    if hours < promise.needed_h:
        return _none(
            case,
            FalseAlarms(0, hours, promise.upper_rate(0, hours)),
            f"{hours:.2f} h of normal footage cannot support {promise.per_hour:g} false alarms an hour: "
            f"{promise.needed_h:.2f} h without any are needed",
        )
    candidates = _candidates(case.normal)
    counts = sum((count_events(series, candidates, settings) for series in case.normal), np.zeros(1, int))
    keeps = np.array([promise.upper_rate(int(count), hours) <= promise.per_hour for count in counts])
    # The first candidate lies above all normal scores: no event, and the footage is long enough for that.
    best = int(np.argmin(keeps)) - 1 if not keeps.all() else len(keeps) - 1
    threshold, events = float(candidates[best]), int(counts[best])
    if not keeps.all():
        threshold = _between(threshold, float(candidates[best + 1]), case=case, settings=settings)
        events = _events(case.normal, threshold, settings)
    alarms = FalseAlarms(events, hours, promise.upper_rate(events, hours))
    if threshold > 1:
        return _none(case, alarms, "normal footage reaches probability 1 too often for any threshold")
    return ChosenThreshold(threshold, recall(case.positive, threshold, settings), len(case.positive), alarms)


def _between(keeps: float, breaks: float, *, case: Case, settings: BehaviourSettings) -> float:
    """Return a threshold half way between one that keeps the promise and one that breaks it, if it is kept.

    0.9 and 0.7 give 0.8; 0.9 and 0.88 give 0.93.
    """
    half_way = (keeps + breaks) / 2
    same = _events(case.normal, half_way, settings) <= _events(case.normal, keeps, settings)
    return max(half_way if same else keeps, min(breaks + MARGIN, 1.0))


def _events(normal: Sequence[ScoreSeries], threshold: float, settings: BehaviourSettings) -> int:
    return sum(int(count_events(series, np.array([threshold]), settings)[0]) for series in normal)


def count_false_alarms(
    normal: Sequence[ScoreSeries], threshold: float, *, promise: Promise, settings: BehaviourSettings
) -> FalseAlarms:
    """Count the events at a threshold: on other footage than it was chosen on, the check of a promise."""
    hours = sum(series.duration_s for series in normal) / HOUR_S
    events = _events(normal, threshold, settings)
    return FalseAlarms(events, hours, promise.upper_rate(events, hours))


def recall(positive: Sequence[ScoreSeries], threshold: float, settings: BehaviourSettings) -> float:
    """Return the share of the series in which the behaviour begins at least once; NaN without any."""
    if not positive:
        return NAN
    begins = [count_events(series, np.array([threshold]), settings)[0] > 0 for series in positive]
    return float(np.mean(begins))


def count_events(series: ScoreSeries, thresholds: F64, settings: BehaviourSettings) -> NDArray[np.int64]:
    """Run the live code over a series and count the events that begin, for each threshold (M,)."""
    columns = tuple(str(index) for index in range(len(thresholds)))
    behaviour = Behaviour({"label": Task(columns, tuple(thresholds.tolist()))}, settings)
    counts = np.zeros(len(thresholds), np.int64)
    for time_s, score in zip(series.times_s.tolist(), series.scores, strict=True):
        for change in behaviour.update(time_s, {"label": np.full(len(thresholds), score, np.float32)}):
            if change.phase is BehaviourPhase.BEGAN:
                counts[int(change.label)] += 1
    return counts


def _candidates(normal: Sequence[ScoreSeries]) -> F64:
    """Return thresholds, highest first: one above all normal scores, then scores of ever wider ranks."""
    scores = np.unique(np.concatenate([np.asarray(series.scores, np.float32) for series in normal]))[::-1]
    above = np.nextafter(scores[:1], np.float32(np.inf)) if len(scores) else np.zeros(1, np.float32)
    # 1,000 scores and 4 candidates: ranks 1, 10, 100, 1,000.
    ranks = np.unique(np.geomspace(1, max(len(scores), 1), MOST_CANDIDATES).round().astype(np.intp)) - 1
    chosen = scores[ranks] if len(scores) else scores
    return np.concatenate([above, chosen]).astype(np.float64)


def _none(case: Case, alarms: FalseAlarms, reason: str) -> ChosenThreshold:
    return ChosenThreshold(None, NAN, len(case.positive), alarms, reason)
