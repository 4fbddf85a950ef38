"""What the detector is compared with: each baseline on made-up pictures and features."""

import numpy as np
import pytest

from models.runtime import FrameFeatures
from tests.media import moving_square, write_images
from tests.training.data import ENCODER
from training.anomaly_baselines import (
    FrameDifference,
    Look,
    PatchCore,
    PooledNeighbours,
    Rates,
    cover,
    looks,
    score_baselines,
)
from training.anomaly_folder import load_clips
from training.anomaly_scores import ClipScores


def look(*, grey=None, grid=0.0, pooled=0.0, begins=False):
    picture = np.zeros((30, 40), np.uint8) if grey is None else grey
    features = FrameFeatures(
        np.full((1, 1280), pooled, np.float32), np.full((1, 112, 14, 14), grid, np.float32)
    )
    return Look(0.0, picture, features, begins)


def spot(left, *, level=200):
    picture = np.zeros((30, 40), np.uint8)
    picture[10:12, left : left + 2] = level
    return picture


def test_the_frame_difference_is_that_of_the_most_changed_block():
    way = FrameDifference()
    # Blocks are 30 / 15 = 2 pixels high: one covers the whole spot.
    assert way.score(look(grey=spot(5))) == 0.0
    assert way.score(look(grey=spot(5))) == 0.0
    assert way.score(look(grey=spot(20))) == 200.0


def test_the_first_frame_of_a_clip_differs_from_nothing():
    way = FrameDifference()
    way.score(look(grey=spot(5)))
    assert way.score(look(grey=spot(20), begins=True)) == 0.0


def test_the_coreset_takes_the_farthest_point_each_time():
    line = np.array([[0], [1], [5], [6]], np.float32)
    assert cover(line, 2).ravel().tolist() == [0, 6]
    assert cover(line, 3).ravel().tolist() == [0, 6, 1]
    assert cover(line, 9) is line


def test_patchcore_measures_the_strangest_cell_against_what_was_learned():
    way = PatchCore(coreset=4)
    way.learn([look(grid=0.0), look(grid=1.0)])
    assert way.score(look(grid=1.0)) == pytest.approx(0.0, abs=1e-3)
    strange = look(grid=1.0)
    strange.features.grid[0, :, 5, 5] = 10.0
    # Averaged with the 8 cells around it: 1 above the nearest, in each of 112 channels.
    assert way.score(strange) == pytest.approx(np.sqrt(112), rel=1e-3)


def test_pooled_neighbours_are_the_five_nearest():
    way = PooledNeighbours()
    way.learn([look(pooled=value) for value in (0, 0, 0, 0, 5, 100)])
    # Distances in units of sqrt(1280): 0, 0, 0, 0 and 5.
    assert way.score(look(pooled=0)) == pytest.approx(np.sqrt(1280), rel=1e-3)


def test_frames_are_sampled_and_seen_as_they_are(tmp_path):
    write_images(tmp_path / "a", moving_square(10))
    (clip,) = load_clips(tmp_path)
    seen = list(looks(clip, ENCODER, Rates(5.0, 10.0)))
    assert [round(one.time_s, 1) for one in seen] == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert [one.begins for one in seen] == [True, False, False, False, False]
    assert (seen[0].grey.shape, seen[0].features.pooled.shape) == ((180, 320), (1, 1280))


def test_every_baseline_scores_every_frame(tmp_path):
    write_images(tmp_path / "train/a", moving_square(12))
    write_images(tmp_path / "test/b", moving_square(6))
    train, (clip,) = load_clips(tmp_path / "train"), load_clips(tmp_path / "test")
    told = []
    test = [ClipScores(clip, np.arange(6) / 10, np.zeros(6), (), ())]
    found = score_baselines(train, test, encoder=ENCODER, rates=Rates(5.0, 10.0), on_clip=told.append)
    assert set(found) == {"frame difference", "PatchCore", "pooled nearest neighbours"}
    assert [path.name for path in told] == ["a", "b"]
    difference = found["frame difference"]["b"].tolist()
    # Every second frame is sampled, and the first one differs from nothing.
    assert difference[:2] == [0, 0]
    assert difference[2] == difference[3] > 0
