"""Scores and labels of each clip's frames in, how well they agree out: frame by frame, and event by event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from training.intervals import DRAWS, Indices, Interval, bootstrap
from training.measures import F64, FALSE_POSITIVE_RATES, I64, auc, average_precision, recall_at_fpr

# Labelled spans, or scores above a threshold, that are less apart are one event: the alarm's own hold.
HOLD_S = 5.0
# An alarm that begins this much before a labelled span is about it: labels are set by hand.
EARLY_S = 1.0
# How many false alarms an hour are allowed where the thresholds are compared.
PER_HOUR = (1.0, 6.0, 60.0)
THRESHOLDS = 200


@dataclass(frozen=True, slots=True)
class Labelled:
    """One clip: `times_s`, `scores` and `labels` (N,), 1 where a frame is abnormal."""

    name: str
    times_s: F64
    scores: F64
    labels: I64


@dataclass(frozen=True, slots=True)
class FrameMeasures:
    """How frames are ranked, pooled over all clips; NaN unless there are normal and abnormal frames.

    All are of raw scores, but for `auc_offline`, which is of scores that were smoothed over past and future.
    """

    auc: float
    auc_offline: float
    ap: float
    recall_at_fpr: Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a clip, in seconds."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Return how long it lasts."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """One labelled span; `delay_s` is how long after its first frame the alarm began, None if none did."""

    span: Span
    delay_s: float | None


@dataclass(frozen=True, slots=True)
class ClipEvents:
    """The labelled spans of a clip, and the alarms that are about none of them."""

    name: str
    events: tuple[FoundEvent, ...]
    false_alarms: tuple[Span, ...]
    normal_s: float


@dataclass(frozen=True, slots=True)
class FoundAt:
    """The share of events that are found with one threshold; NaN where there is no event."""

    share: float
    threshold: float


def measure_frames(clips: Sequence[Labelled], *, sigma_frames: float) -> FrameMeasures:
    """Measure all frames of all clips together; nothing is normalised by clip."""
    positive = _pooled([clip.labels for clip in clips]) == 1
    raw = _pooled([clip.scores for clip in clips])
    smooth = _pooled([smoothed(clip.scores, sigma_frames) for clip in clips])
    return FrameMeasures(
        auc=auc(positive, raw),
        auc_offline=auc(positive, smooth),
        ap=average_precision(positive, raw),
        recall_at_fpr={rate: recall_at_fpr(positive, raw, rate) for rate in FALSE_POSITIVE_RATES},
    )


def smoothed(scores: F64, sigma_frames: float) -> F64:
    """Smooth the scores of one clip over past and future; 0 leaves them as they are."""
    return np.asarray(gaussian_filter1d(scores, sigma_frames, mode="nearest")) if sigma_frames else scores


def frame_intervals(clips: Sequence[Labelled], *, draws: int = DRAWS) -> dict[str, Interval]:
    """Return 95 % intervals of auc and ap over resamples of whole clips."""
    groups = [clip.name for clip in clips for _ in clip.labels]
    positive, scores = _pooled([clip.labels for clip in clips]) == 1, _pooled([clip.scores for clip in clips])

    def measure(indices: Indices) -> dict[str, float]:
        chosen, values = positive[indices], scores[indices]
        return {"auc": auc(chosen, values), "ap": average_precision(chosen, values)}

    return bootstrap(groups, measure, draws=draws)


def labelled_spans(clip: Labelled, *, hold_s: float = HOLD_S) -> list[Span]:
    """Return the parts of a clip whose frames are abnormal; what is less than `hold_s` apart is one.

    Labels 0 1 1 0 at 0, 1, 2, 3 s: one span from 1 to 3 s.
    """
    return _runs(clip.times_s, clip.labels == 1, hold_s)


def match(clip: Labelled, alarms: Sequence[Span], *, early_s: float = EARLY_S) -> ClipEvents:
    """Say which labelled spans an alarm begins in, and which alarms are about none.

    An alarm that begins earlier and lasts into a span has not found it: one that never ends finds nothing.
    """
    spans = labelled_spans(clip)
    events = [FoundEvent(span, _delay(span, alarms, early_s)) for span in spans]
    false = [one for one in alarms if not any(_is_about(one, span, early_s) for span in spans)]
    return ClipEvents(
        clip.name, tuple(events), tuple(false), _duration_s(clip) - sum(span.duration_s for span in spans)
    )


def share_found_at(
    clips: Sequence[Labelled], rates: Sequence[float], *, early_s: float = EARLY_S
) -> dict[float, FoundAt]:
    """Return, for each rate of false alarms an hour, the highest share of events found with at most so many.

    An alarm begins where the score reaches the threshold, and ends where it stays below for HOLD_S. The
    thresholds are chosen on these very labels: an upper bound for any that is not.
    """
    best = dict.fromkeys(rates, FoundAt(float("nan"), float("nan")))
    for threshold in _thresholds(clips):
        matched = [match(clip, _above(clip, threshold), early_s=early_s) for clip in clips]
        events = [event for one in matched for event in one.events]
        hours = sum(one.normal_s for one in matched) / 3600
        false = sum(len(one.false_alarms) for one in matched)
        share = sum(event.delay_s is not None for event in events) / len(events) if events else float("nan")
        for rate, so_far in best.items():
            if events and false <= rate * hours and not share <= so_far.share:
                best[rate] = FoundAt(share, threshold)
    return best


def _above(clip: Labelled, threshold: float) -> list[Span]:
    return _runs(clip.times_s, clip.scores >= threshold, HOLD_S)


def _thresholds(clips: Sequence[Labelled]) -> list[float]:
    """Return thresholds from above every score downwards, denser where scores are rare."""
    scores = np.sort(_pooled([clip.scores for clip in clips]))[::-1]
    if not len(scores):
        return []
    ranks = np.unique(np.geomspace(1, len(scores), THRESHOLDS).astype(int)) - 1
    return [float(np.nextafter(scores[0], np.inf)), *np.unique(scores[ranks])[::-1].tolist()]


def _delay(span: Span, alarms: Sequence[Span], early_s: float) -> float | None:
    delays = [max(0.0, one.start_s - span.start_s) for one in alarms if _is_about(one, span, early_s)]
    return min(delays, default=None)


def _is_about(alarm: Span, span: Span, early_s: float) -> bool:
    return span.start_s - early_s <= alarm.start_s < span.end_s


def _runs(times_s: F64, inside: np.ndarray, hold_s: float) -> list[Span]:
    """Return the runs of true frames, each until the frame after its last; short gaps are filled."""
    if not len(times_s):
        return []
    step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    ends_s = np.append(times_s, times_s[-1] + step_s)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside, [0]]).astype(np.int8)))
    runs: list[Span] = []
    for first, after in edges.reshape(-1, 2).tolist():
        span = Span(float(times_s[first]), float(ends_s[after]))
        if runs and span.start_s - runs[-1].end_s < hold_s:
            runs[-1] = Span(runs[-1].start_s, span.end_s)
        else:
            runs.append(span)
    return runs


def _duration_s(clip: Labelled) -> float:
    whole = _runs(clip.times_s, np.ones(len(clip.times_s), np.bool_), np.inf)
    return whole[0].duration_s if whole else 0.0


def _pooled(values: Sequence[F64] | Sequence[I64]) -> F64:
    return np.concatenate([np.zeros(0), *values])
