import importlib.util
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from models.checkpoint import DEFAULT_DIR
from models.errors import CheckpointError
from models.motion import MotionSettings
from models.runtime import ClipBatch, Encoder, open_encoder
from pipeline.errors import SourceError
from pipeline.replay import Player, ReplaySettings
from tests.fakes import FakeEncoder, checkpoint
from tests.media import moving_square, still_scene, write_images, write_video
from tests.training.data import ENCODER, FOOTAGE, store, write_clips
from training.data_folder import Segment
from training.extraction import extract_all
from training.feature_keys import code_of, recording_key
from training.features import FeatureStore, extract
from training.footage import Footage
from training.windows import Window, cut_batch


@dataclass
class Watched:
    """The encoder of the checkpoint that comes with the program, which keeps the clips it is shown."""

    encoder: Encoder
    clips: list[ClipBatch] = field(default_factory=list)

    @property
    def name(self):
        return self.encoder.name

    @property
    def checkpoint(self):
        return self.encoder.checkpoint

    def encode(self, pictures):
        return self.encoder.encode(pictures)

    def understand(self, clips):
        self.clips.append(clips)
        return self.encoder.understand(clips)


def test_live_and_cached_features_of_a_recording_are_the_same(tmp_path):
    # A square walks for 2 s, then nothing moves: the gate closes a second later.
    pictures = [*moving_square(20), *still_scene(30, noise=0)]
    video = write_video(tmp_path / "a.mp4", pictures, fps=10)
    watched = Watched(open_encoder(DEFAULT_DIR, device="cpu"))
    live = list(Player(watched, ReplaySettings()).play(video))
    cached = FeatureStore(tmp_path / "cache", watched, Footage.of_checkpoint(watched.checkpoint)).file(video)
    assert cached.times_s.tolist() == [result.time_s for result in live]
    assert 0 < cached.still.sum() < len(cached)
    # 30 frames at 6 a second; a decision once half of 24 are there, and each second, 6 frames, after it.
    stops = [12, 18, 24, 30]
    whole = [Window(Segment("a.mp4", None, "a"), max(0, stop - 24), stop) for stop in stops]
    expected = cut_batch(whole, {"a.mp4": cached}, num_frames=24)
    # float16 keeps 11 bits.
    for name in ("features", "motion"):
        seen = np.concatenate([getattr(clip, name) for clip in watched.clips])
        np.testing.assert_allclose(seen, getattr(expected, name), rtol=2**-11, atol=1e-6)
    assert (np.concatenate([clip.mask for clip in watched.clips]) == expected.mask).all()


def test_features_are_those_of_the_sampled_frames_at_their_times(tmp_path):
    video = write_video(tmp_path / "a.mp4", moving_square(20), fps=10)
    features = extract(video, ENCODER, FOOTAGE)
    # 20 frames at 10 fps, every second one taken.
    assert features.times_s == pytest.approx(np.arange(10) / 5)
    assert (features.features.shape, features.motion.shape) == ((10, 1280), (10, 18))
    assert features.begins.tolist() == [True] + [False] * 9
    # The first frame stands alone: its picture is grey, 127, all over.
    assert features.features[0] == pytest.approx(np.full(1280, 127 / 255))


def test_a_still_frame_has_the_features_of_the_one_before_it_and_no_motion(tmp_path):
    video = write_video(tmp_path / "a.mp4", [*moving_square(5), *still_scene(25, noise=0)], fps=10)
    features = extract(video, ENCODER, FOOTAGE)
    still = np.flatnonzero(features.still)
    assert len(still) > 0
    assert (features.features[still] == features.features[still - 1]).all()
    assert not features.motion[still].any()


def test_the_frame_after_a_gap_begins_anew_and_is_never_still(tmp_path):
    # Nothing moves for 3 s; 5 s are missing, and still nothing moves.
    times_s = [index / 10 if index < 30 else index / 10 + 5 for index in range(40)]
    video = write_video(tmp_path / "a.mp4", still_scene(40, noise=0), fps=10, times_s=times_s)
    features = extract(video, ENCODER, FOOTAGE)
    assert features.times_s[features.begins] == pytest.approx([0.0, 8.0])
    assert features.still[14]  # the last frame before the gap, 2.8 s
    assert not features.still[15]


def test_a_folder_of_images_is_read_at_its_rate(tmp_path):
    folder = write_images(tmp_path / "clip", moving_square(12))
    features = store(tmp_path / "cache").file(folder)
    # Twelve images, ten a second: 0, 0.2 … 1.0 s.
    assert features.times_s == pytest.approx(np.arange(6) / 5)


def test_each_picture_of_a_frame_has_its_place(tmp_path):
    footage = Footage(MotionSettings(("frame", "fused"), picture_px=64), sample_fps=5)
    video = write_video(tmp_path / "a.mp4", moving_square(6), fps=10)
    features = extract(video, FakeEncoder(checkpoint()), footage)
    assert features.features.shape == (3, 2560)
    # The fused picture of the first frame is 127 all over, the frame itself is not.
    assert features.features[0, 1280:] == pytest.approx(np.full(1280, 127 / 255))
    assert abs(features.features[0, 0] - 127 / 255) > 0.01


def test_a_held_picture_keeps_its_features_for_a_second(tmp_path):
    footage = Footage(MotionSettings(("fused", "frame"), picture_px=64), sample_fps=5)
    # Ten frames a second, each brighter by 8 grey levels; every second one is sampled.
    brighter = [picture // 4 + 8 * index for index, picture in enumerate(moving_square(20))]
    features = extract(write_video(tmp_path / "a.mp4", brighter, fps=10), FakeEncoder(checkpoint()), footage)
    frame = features.features[:, 1280] * 255
    assert len(set(frame[:5])) == len(set(frame[5:])) == 1
    assert frame[5] - frame[0] == pytest.approx(80, abs=4)


def test_a_recording_is_encoded_once_whatever_it_is_called(tmp_path):
    write_clips(tmp_path / "data", "a.mp4")
    shutil.copy(tmp_path / "data/a.mp4", tmp_path / "data/copy.mp4")
    cache = store(tmp_path / "cache")
    report = extract_all(cache, [tmp_path / "data/a.mp4", tmp_path / "data/copy.mp4"])
    assert (report.recordings, report.cached, report.frames) == (2, 1, 20)
    assert len(list((tmp_path / "cache").rglob("*.npz"))) == 1


def test_what_is_cached_equals_what_was_extracted(tmp_path):
    write_clips(tmp_path, "a.mp4")
    fresh, cached = (store(tmp_path / "cache").file(tmp_path / "a.mp4") for _ in range(2))
    for name in ("times_s", "features", "motion", "still", "begins"):
        assert (getattr(fresh, name) == getattr(cached, name)).all()
    with np.load(next((tmp_path / "cache").rglob("*.npz"))) as arrays:
        assert arrays["features"].dtype == arrays["motion"].dtype == np.float16


@pytest.mark.parametrize("changes", [{"encoder_sha256": "two"}, {"sample_fps": 6.0}])
def test_another_encoder_or_rate_is_another_cache(tmp_path, changes):
    write_clips(tmp_path, "a.mp4")
    before, after = store(tmp_path / "cache"), store(tmp_path / "cache", **changes)
    before.file(tmp_path / "a.mp4")
    assert before.has(tmp_path / "a.mp4")
    assert not after.has(tmp_path / "a.mp4")


def test_a_recording_that_was_changed_is_encoded_again(tmp_path):
    write_clips(tmp_path, "a.mp4", frames=20)
    cache = store(tmp_path / "cache")
    assert len(cache.file(tmp_path / "a.mp4")) == 10
    write_clips(tmp_path, "a.mp4", frames=30)
    assert len(cache.file(tmp_path / "a.mp4")) == 15


def test_a_folder_of_images_is_known_by_names_and_contents(tmp_path):
    folder = write_images(tmp_path / "clip", moving_square(3))
    before = recording_key(folder)
    (folder / "2.jpg").rename(folder / "3.jpg")
    assert recording_key(folder) != before


def test_code_counts_and_comments_and_docstrings_do_not(tmp_path):
    def code(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        return code_of(importlib.util.module_from_spec(spec))

    plain = code("one", "def f():\n    return 1\n")
    assert code("two", '"""Say."""\n\ndef f():\n    """Say more."""\n    return 1  # why\n') == plain
    assert code("three", "def f():\n    return 2\n") != plain


def test_a_damaged_file_in_the_cache_is_made_again(tmp_path):
    write_clips(tmp_path, "a.mp4")
    cache = store(tmp_path / "cache")
    whole = cache.file(tmp_path / "a.mp4")
    (path,) = (tmp_path / "cache").rglob("*.npz")
    path.write_bytes(path.read_bytes()[:1000])
    assert (cache.file(tmp_path / "a.mp4").features == whole.features).all()
    assert path.stat().st_size > 1000


def test_the_cache_says_what_it_was_made_with(tmp_path):
    write_clips(tmp_path, "a.mp4")
    cache = store(tmp_path / "cache")
    cache.file(tmp_path / "a.mp4")
    record = json.loads((tmp_path / "cache" / cache.key / "footage.json").read_text())
    assert (record["frame_encoder_sha256"], record["sample_fps"], record["pictures"]) == ("one", 5, ["fused"])


def test_an_encoder_without_a_file_has_no_cache(tmp_path):
    with pytest.raises(CheckpointError, match=r"was exported without frame_encoder\.onnx"):
        FeatureStore(tmp_path, FakeEncoder(checkpoint()), FOOTAGE).key  # noqa: B018


def test_an_unreadable_recording_is_reported_and_the_rest_goes_on(tmp_path):
    write_clips(tmp_path, "a.mp4", "c.mp4")
    (tmp_path / "b.mp4").write_text("no video")
    done: list[Path] = []
    paths = [tmp_path / name for name in ("a.mp4", "b.mp4", "c.mp4", "d.mp4")]
    report = extract_all(store(tmp_path / "cache"), paths, on_progress=done.append)
    assert (report.recordings, report.frames, done) == (4, 20, paths)
    assert list(report.failed) == [str(tmp_path / "b.mp4"), str(tmp_path / "d.mp4")]
    # Two clips of 2 s, sampled from 0.0 to 1.8 s.
    assert report.duration_s == pytest.approx(3.6)


def test_a_recording_that_is_not_there_is_a_source_error(tmp_path):
    with pytest.raises(SourceError, match=r"a\.mp4 cannot be read: No such file"):
        store(tmp_path).file(tmp_path / "a.mp4")
