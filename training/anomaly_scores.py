"""Clips in, a score for each of their frames out: learned and judged by the very stages that run live."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.runtime import Encoder
from pipeline.cells import highest_per_cell
from pipeline.image_folder import list_images
from pipeline.replay import ReplayResult, ReplaySettings, taught
from pipeline.types import Event, EventKind, EventPhase, Region
from training.anomaly_folder import Clip
from training.measures import F64

# Rounding of a frame's time must not make it the next one.
TIME_TOLERANCE_S = 1e-6


@dataclass(frozen=True, slots=True)
class Judged:
    """What the detector says of one sampled frame, the `frame`-th of its clip.

    `score` and `rarities` are NaN where the camera had not learned enough to judge; `heat` is (14, 14), how
    unusual each cell is to the rarest part, or None.
    """

    frame: int
    time_s: float
    score: float
    level: float
    rarities: Mapping[str, float]
    region: Region
    words: str
    heat: F64 | None


@dataclass(frozen=True, slots=True)
class LiveAlarm:
    """One alarm as a subscriber would have heard of it, in seconds since the beginning of the clip."""

    start_s: float
    end_s: float
    score: float
    region: Region | None
    words: str


@dataclass(frozen=True, slots=True)
class ClipScores:
    """One clip: `times_s` and `scores` (N,) of all its frames; each has the score of the last sampled one."""

    clip: Clip
    times_s: F64
    scores: F64
    judged: tuple[Judged, ...]
    alarms: tuple[LiveAlarm, ...]

    def of_part(self, part: str) -> F64:
        """Return (N,): the scores that one part alone would have given."""
        sampled_s = [one.time_s for one in self.judged]
        return per_frame(self.times_s, sampled_s, [one.rarities.get(part, np.nan) for one in self.judged])


@dataclass(frozen=True, slots=True)
class Session:
    """What a detector learned and found; `seconds` were spent on scoring, decoding and encoding included."""

    clips: tuple[ClipScores, ...]
    settings: ReplaySettings
    seconds: float

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts of normality by name."""
        return tuple(self.clips[0].judged[0].rarities) if self.clips and self.clips[0].judged else ()


def score_clips(
    train: Sequence[Clip],
    test: Sequence[Clip],
    *,
    encoder: Encoder,
    settings: ReplaySettings,
    learns_on: bool = True,
    on_clip: Callable[[Path], None] = lambda _: None,
) -> Session:
    """Learn `train`, then judge `test`, as if one camera had seen them all; `on_clip` is told of each.

    Without `learns_on` nothing of `test` is learned.

    Raises:
        SourceError: A recording cannot be read.
    """
    player = taught([clip.path for clip in train], encoder=encoder, settings=settings, on_lesson=on_clip)
    if not learns_on:
        player.stop_learning()
    scored = []
    began_s = time.perf_counter()
    for clip in test:
        results = list(player.play(clip.path))
        scored.append(clip_scores(clip, results, image_fps=settings.image_fps))
        on_clip(clip.path)
    return Session(tuple(scored), player.settings, time.perf_counter() - began_s)


def clip_scores(clip: Clip, results: Sequence[ReplayResult], *, image_fps: float) -> ClipScores:
    """Return what the replay of one clip amounts to; a damaged image has the score of the one before it."""
    if clip.path.is_dir():
        times = np.arange(len(list_images(clip.path))) / image_fps
    else:
        times = np.array([time_s for result in results for time_s in result.frame_times_s], np.float64)
    judged = tuple(_judged(result, times) for result in results if result.anomaly is not None)
    scores = per_frame(times, [one.time_s for one in judged], [one.score for one in judged])
    return ClipScores(clip, times, scores, judged, tuple(_alarms(results)))


def per_frame(times_s: F64, sampled_s: Sequence[float], values: Sequence[float]) -> F64:
    """Return a value for each of N frames: that of the last sampled frame up to it, 0 where there is none.

    Frames at 0, 0.1, 0.2 and 0.3 s, values 3 at 0 s and 5 at 0.2 s: 3, 3, 5, 5.
    """
    last = np.searchsorted(np.asarray(sampled_s), np.asarray(times_s) + TIME_TOLERANCE_S, side="right")
    return np.concatenate([[0.0], np.nan_to_num(np.asarray(values, np.float64))])[last]


def _judged(result: ReplayResult, times_s: F64) -> Judged:
    anomaly = result.anomaly
    assert anomaly is not None  # noqa: S101 - the caller left out those without
    normality = anomaly.normality
    return Judged(
        frame=int(np.searchsorted(times_s, result.time_s - TIME_TOLERANCE_S)),
        time_s=result.time_s,
        score=normality.score,
        level=anomaly.level,
        rarities=dict(normality.rarities),
        region=normality.region,
        words=normality.words,
        heat=highest_per_cell(normality.heat).astype(np.float64),
    )


def _alarms(results: Sequence[ReplayResult]) -> Iterator[LiveAlarm]:
    """Yield each alarm from its first message to its last; what is open at the end ends with the clip."""
    begun: tuple[float, Event] | None = None
    for result in results:
        for event in result.events:
            if event.kind is not EventKind.ANOMALY:
                continue
            if event.phase is EventPhase.NEW:
                begun = result.time_s, event
            elif event.phase is EventPhase.END and begun is not None:
                start_s, new = begun
                yield LiveAlarm(start_s, result.time_s, event.score, new.region, new.explanation)
                begun = None
