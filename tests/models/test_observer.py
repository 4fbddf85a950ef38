"""What the processor sees of a video is what the daemon and the training side see of it."""

import av
import cv2
import numpy as np
import pytest

from models.checkpoint import DEFAULT_DIR
from models.motion import MotionSettings
from models.observer import Observation, Observer, encode_observed, newest
from models.processing import VideoBERTProcessor
from models.runtime import FrameFeatures, open_encoder
from pipeline.replay import Player, ReplaySettings
from tests.media import moving_square, still_scene, write_video
from tests.training.test_features import Watched
from training.features import extract
from training.footage import Footage


def seen(kinds):
    """Frames as a word says them: b begins, M moves, h holds its second picture, s is still.

    Each shows its number, which is its time.
    """
    return [observation(number, kind) for number, kind in enumerate(kinds)]


def observation(number, kind):
    # Two pictures, the second of which h does without, as it is held.
    picture = np.full((2, 4, 4, 3), number, np.float32)
    pictures = picture[: {"s": 0, "h": 1}.get(kind, 2)]
    nothing = np.zeros(2)
    return Observation(number, picture[0], pictures, nothing, nothing, still=kind == "s", begins=kind == "b")


def times(frames):
    return [frame.time_s for frame in frames]


def mean_features(pictures):
    means = pictures.reshape(len(pictures), -1).mean(axis=1, keepdims=True)
    return FrameFeatures(means, np.zeros(0))


@pytest.mark.parametrize("fps", [10, 25])
def test_the_processor_sees_what_the_daemon_and_the_training_side_see(tmp_path, fps):
    # A square walks for 4 s, is away for 2 s (the gate closes after one) and walks again. At 25 frames a
    # second the camera is glanced at between sampled frames, for the shortest lag of `lags`.
    walk = list(moving_square(4 * fps, noise=0, step_px=60 // fps))
    pictures = [*walk, *still_scene(2 * fps, noise=0), *walk[: 2 * fps]]
    video = write_video(tmp_path / "a.mp4", pictures, fps=fps)
    encoder = Watched(open_encoder(DEFAULT_DIR, device="cpu"))
    for _ in Player(encoder, ReplaySettings()).play(video):
        pass
    cached = extract(video, encoder, Footage.of_checkpoint(encoder.checkpoint))
    count = encoder.checkpoint.num_frames
    batch = VideoBERTProcessor.from_pretrained(DEFAULT_DIR).encode_videos([video], encoder.encode)
    np.testing.assert_allclose(batch.features[0], cached.features[-count:], atol=1e-4)
    assert np.array_equal(batch.motion[0], cached.motion[-count:])
    assert 0 < cached.still[-count:].sum() < count
    # The last decision is made at most a stride before the last frame.
    stride = round(encoder.checkpoint.sample_fps * encoder.checkpoint.stride_s)
    live, late = encoder.clips[-1], range(stride)
    ends = [slice(len(cached) - count - frames, len(cached) - frames) for frames in late]
    (end,) = [end for end in ends if np.array_equal(live.motion[0], cached.motion[end])]
    np.testing.assert_allclose(live.features[0], cached.features[end], atol=1e-4)


def test_a_frame_between_two_sampled_ones_is_not_observed():
    observer = Observer(MotionSettings(picture_px=64), sample_fps=5)
    frames = [write_frame(picture) for picture in moving_square(5)]
    observed = [observer.observe(frame, index / 10) for index, frame in enumerate(frames)]
    assert [frame is not None for frame in observed] == [True, False, True, False, True]
    assert [frame.begins for frame in observed[::2]] == [True, False, False]
    assert observed[2].pictures.shape == (1, 64, 64, 3)


def test_a_frame_between_two_sampled_ones_shows_how_fast_a_thing_goes():
    # A square of 40 px goes 32 px of 320 in a fifth of a second, half of the picture a second.
    def seen(*indices):
        observer = Observer(MotionSettings(picture_px=64), sample_fps=5, movement=True)
        frames = [observer.observe(write_frame(soft[index]), index / 10) for index in indices]
        share, right, _ = frames[-1].movement.cells[18:26, 25:31].sum(axis=(0, 1))
        return right / share

    soft = [cv2.blur(picture, (15, 15)) for picture in moving_square(10, noise=0, step_px=16)]
    assert 0.35 < seen(6, 7, 8) < 0.5
    assert seen(6, 8) < 0.3


def write_frame(picture):
    return av.VideoFrame.from_ndarray(picture, format="rgb24")


def test_the_newest_frames_bring_the_one_that_a_still_frame_repeats():
    assert times(newest(seen("bMMssM"), 2)) == [2, 3, 4, 5]
    assert times(newest(seen("bMMM"), 2)) == [2, 3]
    assert times(newest(seen("bs"), 5)) == [0, 1]
    assert times(newest(seen("bsssMM"), 2)) == [4, 5]


def test_the_newest_frames_bring_the_one_whose_picture_is_held():
    assert times(newest(seen("bhhMhhhs"), 2)) == [3, 4, 5, 6, 7]


def test_frames_before_an_interruption_are_not_among_the_newest():
    assert times(newest(seen("bMMbM"), 4)) == [3, 4]


def test_a_still_frame_has_the_features_of_the_one_before_it():
    features = np.stack(list(encode_observed(seen("bsMss"), mean_features)))
    assert features.tolist() == [[0, 0], [0, 0], [2, 2], [2, 2], [2, 2]]


def test_a_frame_whose_second_picture_is_held_has_its_features_of_before():
    features = np.stack(list(encode_observed(seen("bhsMh"), mean_features)))
    assert features.tolist() == [[0, 0], [1, 0], [1, 0], [3, 3], [4, 3]]


def test_a_batch_that_begins_still_goes_on_from_the_batch_before():
    features = list(encode_observed(seen("ss"), mean_features, np.array([7.0, 8.0])))
    assert [row.tolist() for row in features] == [[7.0, 8.0]] * 2
