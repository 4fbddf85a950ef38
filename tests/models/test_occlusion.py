"""How much each frame of a clip counts: by what the model says without it."""

import numpy as np
import pytest

from models.occlusion import Query, frame_importance, log_odds, mean_frames, swapped
from models.runtime import ClipBatch
from tests.fakes import SummingEncoder

FIGHT = Query("fight", 1)


def clip(features, motion=None, mask=None):
    motion = np.zeros(len(features)) if motion is None else motion
    mask = np.ones(len(features)) if mask is None else mask
    column = [np.asarray(values, np.float32)[None, :, None] for values in (features, motion)]
    return ClipBatch(*column, mask=np.asarray(mask, np.bool_)[None])


def test_a_frame_counts_what_the_log_odds_lose_when_the_mean_frame_takes_its_place():
    # The mean of 0, 0, 3 is 1. All: 3. Without one of the zeros: 4. Without the 3: 1.
    importance = frame_importance(SummingEncoder(), clip([0, 0, 3]), FIGHT)
    assert importance.tolist() == pytest.approx([-1, -1, 2], abs=1e-5)


def test_what_moves_in_a_frame_is_left_out_with_it():
    # Mean motion 1: without the 2 the sum of 2 falls to 1.
    importance = frame_importance(SummingEncoder(), clip([0, 0], motion=[0, 2]), FIGHT)
    assert importance.tolist() == pytest.approx([-1, 1], abs=1e-5)


def test_what_is_no_frame_counts_nothing_and_is_in_no_mean():
    # The 9 is padding. The mean of 1 and 3 is 2: the 1 costs 1, the 3 gives 1.
    importance = frame_importance(SummingEncoder(), clip([9, 1, 3], mask=[0, 1, 1]), FIGHT)
    assert importance.tolist() == pytest.approx([0, -1, 1], abs=1e-5)


def test_of_a_long_clip_neighbours_are_left_out_together():
    # 32 frames are 16 pairs. Mean 2 / 32: the last pair, 0 and 2, costs 2 - 2 * 2 / 32 = 1.875, half each.
    importance = frame_importance(SummingEncoder(), clip([0] * 31 + [2]), FIGHT)
    assert importance[-2:].tolist() == pytest.approx([0.9375, 0.9375], abs=1e-5)
    assert importance[:-2].tolist() == pytest.approx([-0.0625] * 30, abs=1e-5)


def test_in_a_clip_without_a_frame_nothing_counts():
    assert frame_importance(SummingEncoder(), clip([0, 0], mask=[0, 0]), FIGHT).tolist() == [0, 0]


def test_the_model_is_asked_once_for_all_frames():
    encoder = SummingEncoder()
    frame_importance(encoder, clip([0, 1, 2, 3]), FIGHT)
    assert encoder.batches == 1


def test_another_label_is_asked_about_by_its_column():
    # Of two labels the one's log-odds are minus the other's.
    assert log_odds(SummingEncoder(), clip([2]), Query("fight", 0)).tolist() == pytest.approx([-2], abs=1e-5)


def test_log_odds_of_a_sure_model_are_finite():
    # ln (0.999999 / 0.000001) = 13.8
    assert log_odds(SummingEncoder(), clip([900]), FIGHT).tolist() == pytest.approx([13.8], abs=0.1)


def test_chosen_frames_come_from_the_other_clip():
    one = clip([1, 2, 3])
    chosen = np.array([[False, False, True], [True, True, False]])
    assert swapped(one, mean_frames(one), chosen).features[..., 0].tolist() == [[1, 2, 2], [2, 2, 3]]
