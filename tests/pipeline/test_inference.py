"""Inference: one encoder call for all cameras, each camera's frames in order, one temporal call."""

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from models.checkpoint import Checkpoint, Task
from models.runtime import ClipBatch, ClipUnderstanding, FrameFeatures
from pipeline.analysis import CameraAnalysis, Outlets, Stages
from pipeline.behaviour import Behaviour, BehaviourSettings
from pipeline.clip_buffer import ClipBuffer
from pipeline.controls import CameraControls
from pipeline.events import EventBook
from pipeline.inference import Inference
from pipeline.mailbox import Mailbox
from pipeline.metrics import Metrics
from tests.fakes import (
    FakeEncoder,
    ManualClock,
    RecordingListener,
    ScriptedDetector,
    checkpoint,
    observed_frame,
)


@dataclass
class CountingEncoder:
    """FakeEncoder that keeps how many pictures and which clips it was given."""

    checkpoint: Checkpoint = field(default_factory=checkpoint)
    name: str = "counting"
    pictures: list[int] = field(default_factory=list)
    clips: list[ClipBatch] = field(default_factory=list)
    guesses: bool = False

    def encode(self, pictures: np.ndarray) -> FrameFeatures:
        self.pictures.append(len(pictures))
        return FakeEncoder(self.checkpoint).encode(pictures)

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        """Say fight where the newest picture is bright."""
        self.clips.append(clips)
        fight = clips.features[:, -1, 0]
        probabilities = {"fight": np.stack([1 - fight, fight], axis=1)}
        embedding = FakeEncoder(self.checkpoint).understand(clips).embedding
        return ClipUnderstanding(embedding, probabilities, surprise=fight / 2 if self.guesses else None)


class Bench:
    """Two cameras, "porch" and "garden", in front of an encoder that counts."""

    def __init__(self, pictures=1, max_pictures=8, kinds=None):
        self.metrics = Metrics(CollectorRegistry())
        self.clock = ManualClock(monotonic=2.0)
        tasks = {"fight": Task(("normal", "fight"), (None, 0.5))}
        self.encoder = CountingEncoder(checkpoint(pictures=kinds or ("fused",) * pictures, tasks=tasks))
        self.listener = RecordingListener()
        self.mailbox = Mailbox(8, self.metrics, max_pictures=max_pictures)
        self.detectors = {"porch": ScriptedDetector(), "garden": ScriptedDetector()}
        self.cameras = {name: self.analysis(name, pictures) for name in self.detectors}
        self.inference = Inference(
            self.encoder, self.mailbox, cameras=self.cameras, clock=self.clock, metrics=self.metrics
        )

    def analysis(self, name, pictures):
        book = EventBook(self.listener, self.clock, metrics=self.metrics)
        behaviour = Behaviour(self.encoder.checkpoint.tasks, BehaviourSettings(needed=1, out_of=1))
        stages = Stages(ClipBuffer(4, 1280 * pictures, 16), self.detectors[name], behaviour, stride_s=1.0)
        outlets = Outlets(book, self.listener, self.metrics)
        return CameraAnalysis(name, CameraControls(), stages=stages, outlets=outlets)

    def put(self, camera, *times_s, **kwargs):
        for time_s in times_s:
            self.mailbox.put(camera, observed_frame(time_s, **kwargs))

    def sample(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def bench():
    return Bench()


def test_frames_of_all_cameras_are_encoded_in_one_call(bench):
    bench.put("porch", 1.0, 1.2)
    bench.put("garden", 1.1)
    assert bench.inference.step(0.0) == 3
    assert bench.encoder.pictures == [3]


def test_each_camera_gets_its_own_features_in_its_own_order(bench):
    bench.put("porch", 1.0, value=51)  # 51 / 255 = 0.2
    bench.put("garden", 1.1, value=102)
    bench.put("porch", 1.2, value=153)
    bench.inference.step(0.0)
    seen = {
        name: [(time_s, round(mean, 2)) for time_s, mean, _ in detector.observed]
        for name, detector in bench.detectors.items()
    }
    assert seen == {"porch": [(1.0, 0.2), (1.2, 0.6)], "garden": [(1.1, 0.4)]}


def test_a_frame_without_the_picture_that_is_held_keeps_the_features_of_the_last_one():
    bench = Bench(pictures=2)
    bench.put("porch", 1.0, value=51, pictures=2)
    bench.put("porch", 1.2, value=102, pictures=1)
    bench.inference.step(0.0)
    assert bench.encoder.pictures == [3]
    (clip,) = bench.encoder.clips
    # The first and the last feature of both frames: 51 / 255 = 0.2, 102 / 255 = 0.4.
    seen = clip.features[0, -2:, [0, -1]].T.tolist()
    assert seen == [pytest.approx([0.2, 0.2]), pytest.approx([0.4, 0.2])]


def test_still_frames_are_not_encoded_but_keep_their_place(bench):
    bench.put("porch", 1.0, value=51)
    bench.put("porch", 1.2, still=True)
    bench.put("porch", 1.4, value=102)
    bench.inference.step(0.0)
    assert bench.encoder.pictures == [2]
    (clips,) = bench.encoder.clips
    assert clips.features[0, :, 0].round(2).tolist() == pytest.approx([0.0, 0.2, 0.2, 0.4])


def test_a_step_of_still_frames_alone_does_not_call_the_encoder(bench):
    bench.put("porch", 1.0)
    bench.inference.step(0.0)
    bench.put("porch", 1.2, still=True)
    bench.inference.step(0.0)
    assert bench.encoder.pictures == [1]
    assert bench.detectors["porch"].rested == [(1.2, False)]


def test_pictures_of_one_frame_become_its_features_side_by_side():
    bench = Bench(pictures=2)
    frame = observed_frame(1.0, pictures=2)
    frame.pictures[0], frame.pictures[1] = 51, 102
    bench.mailbox.put("porch", frame)
    bench.put("porch", 1.2, pictures=2, value=153)
    bench.inference.step(0.0)
    features = bench.encoder.clips[0].features
    assert features.shape == (1, 4, 2 * 1280)
    assert features[0, 2, [0, 1279, 1280, 2559]].round(2).tolist() == pytest.approx([0.2, 0.2, 0.4, 0.4])
    # The grid is that of the first picture.
    assert [round(mean, 2) for _, mean, _ in bench.detectors["porch"].observed] == [0.2, 0.6]


def test_the_grid_is_that_of_the_frame_as_it_is_and_there_is_none_where_that_is_held():
    bench = Bench(pictures=2, kinds=("lags", "frame"))
    frame = observed_frame(1.0, pictures=2)
    frame.pictures[0], frame.pictures[1] = 51, 102
    bench.mailbox.put("porch", frame)
    bench.put("porch", 1.2, pictures=1, value=153)
    bench.inference.step(0.0)
    (_, looks, _), (_, none, _) = bench.detectors["porch"].observed
    assert looks == pytest.approx(0.4)  # 102 / 255
    assert np.isnan(none)


def test_each_camera_hears_how_badly_its_own_last_second_was_guessed(bench):
    bench.encoder.guesses = True
    bench.put("porch", 1.0, 1.2, value=51)
    bench.put("garden", 1.0, 1.2, value=102)
    bench.inference.step(0.0)
    assert bench.detectors["porch"].surprises == pytest.approx([0.1])  # 51 / 255 / 2
    assert bench.detectors["garden"].surprises == pytest.approx([0.2])


def test_a_model_that_cannot_guess_says_so_once_a_stride(bench):
    bench.put("porch", 1.0, 1.2, value=51)
    bench.inference.step(0.0)
    assert bench.detectors["porch"].surprises == [None]


def test_all_clips_that_are_due_are_understood_in_one_call(bench):
    bench.put("porch", 1.0, 1.2, value=51)
    bench.put("garden", 1.0, 1.2, value=102)
    bench.inference.step(0.0)
    (clips,) = bench.encoder.clips
    assert clips.features.shape == (2, 4, 1280)
    assert clips.features[:, 3, 0].round(2).tolist() == pytest.approx([0.2, 0.4])
    assert clips.mask.tolist() == [[False, False, True, True]] * 2


def test_each_camera_gets_its_own_probabilities(bench):
    bench.put("porch", 1.0, 1.2, value=51)
    bench.put("garden", 1.0, 1.2, value=204)  # 204 / 255 = 0.8
    bench.inference.step(0.0)
    (event,) = bench.listener.events
    assert (event.camera, event.label, round(event.score, 2)) == ("garden", "fight", 0.8)
    assert event.captured_s == 1.2


def test_a_clip_is_understood_once_a_stride_however_many_frames_come(bench):
    for tenth in range(10, 32, 2):
        bench.put("porch", tenth / 10)
        bench.inference.step(0.0)
    # Half full at 1.2 s, then a stride of 1 s apart: 1.2 and 2.2; 3.2 is not there yet.
    assert len(bench.encoder.clips) == 2


def test_frames_that_waited_over_several_strides_make_one_decision(bench):
    bench.put("porch", 1.0, 2.0, 3.0, 4.0)
    bench.inference.step(0.0)
    assert len(bench.encoder.clips) == 1


def test_nothing_to_do_calls_nothing(bench):
    assert bench.inference.step(0.0) == 0
    assert bench.encoder.pictures == []


def test_a_camera_that_was_taken_out_is_skipped(bench):
    bench.put("porch", 1.0)
    bench.put("garden", 1.0)
    del bench.cameras["porch"]
    bench.inference.step(0.0)
    assert bench.encoder.pictures == [1]
    assert bench.detectors["porch"].observed == []


def test_a_camera_is_given_back_even_when_the_encoder_fails(bench):
    def fail(_pictures):
        raise RuntimeError("out of memory")

    bench.encoder.encode = fail
    bench.put("porch", 1.0, 1.2)
    with pytest.raises(RuntimeError, match="out of memory"):
        bench.inference.step(0.0)
    bench.put("porch", 1.4)
    assert [parcel.camera for parcel in bench.mailbox.take(0.0)] == ["porch"]


def test_frames_batches_and_times_are_measured(bench):
    bench.put("porch", 1.0, 1.2)
    bench.put("porch", 1.4, still=True)
    bench.put("garden", 1.0)
    bench.inference.step(0.0)
    assert bench.sample("videobert_frames_total", camera="porch", stage="encoded") == 2
    assert bench.sample("videobert_frames_total", camera="garden", stage="encoded") == 1
    assert bench.sample("videobert_batch_size_sum") == 3
    for stage in ("encode", "normality", "understand", "decide"):
        assert bench.sample("videobert_stage_seconds_count", stage=stage) == 1
    # The newest frames arrived at 1.4 s and 1.0 s, and the clock stands at 2.0 s.
    assert bench.sample("videobert_frame_to_score_seconds_count") == 2
    assert bench.sample("videobert_frame_to_score_seconds_sum") == pytest.approx(0.6 + 1.0)


def test_it_runs_until_the_mailbox_is_closed(bench):
    thread = threading.Thread(target=bench.inference.run, args=(threading.Event(),))
    thread.start()
    bench.put("porch", 1.0)
    bench.mailbox.close()
    thread.join(5)
    assert not thread.is_alive()


def test_it_does_not_begin_once_it_was_told_to_stop(bench):
    stop = threading.Event()
    stop.set()
    bench.put("porch", 1.0)
    bench.inference.run(stop)
    assert bench.encoder.pictures == []
