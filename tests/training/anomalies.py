"""Sessions made up as a test needs them: what a detector said of a few frames, without footage."""

from pathlib import Path

import numpy as np

from pipeline.replay import ReplaySettings
from pipeline.types import Region
from training.anomaly_folder import Clip
from training.anomaly_measures import Labelled
from training.anomaly_scores import ClipScores, Judged, LiveAlarm, Session

LEFT_TOP = Region(0.0, 0.0, 0.5, 0.5)


def judged(frame, score, *, fps=10.0, words="Moves fast.", heat=None):
    """Return what was said of one frame; motion alone would have had half the score."""
    parts = {"appearance": score, "motion": score / 2}
    return Judged(frame, frame / fps, score, 0.1, parts, LEFT_TOP, words, heat)


def alarm(start_s, end_s):
    return LiveAlarm(start_s, end_s, 0.8, LEFT_TOP, "Moves fast.")


def clip_scores(name, scores, *, fps=10.0, alarms=(), folder="data"):
    """Return a clip whose every frame was sampled and has the given score."""
    values = np.array(scores, np.float64)
    return ClipScores(
        clip=Clip(name, Path(folder) / name),
        times_s=np.arange(len(values)) / fps,
        scores=np.nan_to_num(values),
        judged=tuple(judged(frame, value, fps=fps) for frame, value in enumerate(scores)),
        alarms=tuple(alarms),
    )


def labelled(name, scores, labels, *, fps=10.0):
    values = np.array(scores, np.float64)
    return Labelled(name, np.arange(len(values)) / fps, values, np.array(labels, np.int64))


def session(*clips, budget_per_day=24.0):
    return Session(tuple(clips), ReplaySettings(sample_fps=10.0, budget_per_day=budget_per_day), 0.5)
