"""A checkpoint's events on ordinary footage: counted as live, at the frame rate of each camera."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from models.checkpoint import Checkpoint, Task
from models.runtime import ClipUnderstanding
from tests.fakes import checkpoint
from training.alarms import count_alarms
from training.data_folder import DataFolder, Segment
from training.features import FileFeatures
from training.normal_footage import footage_of, score_footage

TASKS = {
    "fight": Task(("normal", "fight"), (None, 0.5)),
    "activity": Task(("walk", "sit"), (None, None)),
}
# So many events allow chi2(0.95, 2 k + 2) / 2 in the time that they were seen in.
ALLOWED = {0: 2.996, 1: 4.744}


@dataclass
class NewestEncoder:
    """Says fight with the first feature of the newest frame as its probability."""

    checkpoint: Checkpoint = field(default_factory=lambda: checkpoint(tasks=TASKS))

    def understand(self, clips):
        fight = clips.features[:, -1, 0]
        said = np.stack([1 - fight, fight], axis=1)
        return ClipUnderstanding(np.zeros((len(said), 8)), {"fight": said, "activity": said})


@dataclass
class RateStore:
    """Has 40 s of each recording, calm but for ten seconds of `loud` ones; at a rate of its own only."""

    loud: tuple[str, ...] = ()
    camera_fps: float | None = None

    def as_sent_at(self, camera_fps):
        return RateStore(self.loud if camera_fps is None else (), camera_fps)

    def file(self, recording):
        times_s = np.arange(200) / 5
        fight = np.where((times_s >= 20) & (times_s < 30) & (recording.name in self.loud), 0.9, 0.1)
        still = np.zeros(200, np.bool_)
        features = fight.astype(np.float32)[:, None]
        return FileFeatures(times_s, features, np.zeros((200, 16), np.float32), still, np.arange(200) == 0)


def footage(*names, without=()):
    segments = tuple(Segment(name, "calm", name, 0.0, None) for name in names)
    return footage_of([DataFolder(Path("yard"), segments)], without)


def count(store, *names, camera_fps=None, without=()):
    return count_alarms(NewestEncoder(), store, footage(*names, without=without), camera_fps=camera_fps)


def test_events_are_counted_where_they_were_seen():
    (fight,) = count(RateStore(loud=("b",)), "a", "b")
    assert (fight.threshold.task, fight.threshold.label, fight.threshold.probability) == (
        "fight",
        "fight",
        0.5,
    )
    # Ten decisions above the threshold, one after the other, are one event.
    assert (fight.false_alarms.events, fight.recordings) == (1, {"yard/b": 1})


def test_the_rate_that_the_events_allow_is_that_of_all_footage_together():
    (fight,) = count(RateStore(loud=("b",)), "a", "b")
    # Forty decisions a recording, one a second.
    hours = 2 * 40 / 3600
    assert fight.false_alarms.hours == pytest.approx(hours)
    assert fight.per_hour == pytest.approx(1 / hours)
    assert fight.false_alarms.at_most_per_hour == pytest.approx(ALLOWED[1] / hours, rel=1e-3)


def test_footage_is_read_as_a_camera_of_each_rate_would_have_sent_it():
    (fight,) = count(RateStore(loud=("a",)), "a", camera_fps=10.0)
    assert (fight.camera_fps, fight.false_alarms.events) == (10.0, 0)


@dataclass
class BrokenStore(RateStore):
    """Was interrupted after 20 s."""

    def file(self, recording):
        whole = super().file(recording)
        return replace(whole, begins=whole.begins | (whole.times_s == 20.0))


def test_after_an_interruption_half_a_clip_must_have_come_as_live():
    encoder = NewestEncoder(checkpoint(tasks=TASKS, num_frames=12))
    (scores,) = score_footage(encoder, BrokenStore(), footage("a"), task="fight")
    # It decides at the last frame of a second: the fifth of a stream, one short of half a clip of 12.
    assert [time_s for time_s in (0.8, 1.8, 19.8, 20.8, 21.8) if time_s in scores.times_s.round(1)] == [
        1.8,
        19.8,
        21.8,
    ]


def test_what_is_left_out_of_a_task_is_no_alarm_of_it():
    (fight,) = count(RateStore(loud=("b",)), "a", "b", without=["fight:b"])
    assert (fight.false_alarms.events, fight.false_alarms.hours) == (0, pytest.approx(40 / 3600))


def test_a_label_without_a_threshold_is_not_listed():
    assert [one.threshold.label for one in count(RateStore(), "a")] == ["fight"]


def test_no_footage_at_all_promises_nothing():
    (fight,) = count(RateStore(), "a", without=["a"])
    assert (fight.per_hour, fight.false_alarms.at_most_per_hour) == (0.0, float("inf"))
