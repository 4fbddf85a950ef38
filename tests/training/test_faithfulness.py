"""Whether an order of frames is that of their importance: taken away, and given back, against random ones."""

import numpy as np
import pytest

from models.occlusion import Query, mean_frames
from models.runtime import ClipBatch
from tests.fakes import FakeEncoder, SummingEncoder, checkpoint
from training.faithfulness import RANDOM, Curves, curves, nothing_moves

FIGHT = Query("fight", 1)
RNG = np.random.default_rng(0)


def clip(features, motion=None, mask=None):
    """Return a clip (1, T, …) of one feature and one number of motion a frame."""
    columns = [features, np.zeros(len(features)) if motion is None else motion]
    values = [np.array(column, np.float32)[None, :, None] for column in columns]
    return ClipBatch(*values, np.array(np.ones(len(features)) if mask is None else mask, np.bool_)[None])


def probability(odds):
    return 1 / (1 + np.exp(-odds))


def test_the_frame_that_counts_most_is_taken_first():
    one = clip([0, 4, 0, 0])
    found = curves(SummingEncoder(), one, clip([0, 0, 0, 0]), query=FIGHT, rng=RNG)["left out"]
    # Of four frames 0, 0, 1, 2, … are away: the first that goes is the 4, and with it all there was.
    assert found.deletion[:3].tolist() == pytest.approx([probability(4), probability(4), 0.5], abs=1e-3)
    assert found.insertion[:3].tolist() == pytest.approx([0.5, 0.5, probability(4)], abs=1e-3)


def test_a_true_order_beats_random_ones_and_a_wrong_one_does_not():
    # What moves most, the last frame, says nothing; then come the others in order, what counts at the end.
    one = clip([0, 0, 0, 0, 0, 0, 4, 0], motion=[0, 0, 0, 0, 0, 0, 0, 0.01])
    found = curves(SummingEncoder(), one, mean_frames(clip([0] * 8)), query=FIGHT, rng=RNG)
    assert found["left out"].deleted_area < found[RANDOM].deleted_area < found["most movement"].deleted_area
    assert found["left out"].inserted_area > found[RANDOM].inserted_area


def test_padding_is_no_frame_that_could_be_taken():
    one = clip([9, 0, 4], mask=[0, 1, 1])
    found = curves(SummingEncoder(), one, clip([0, 0, 0], mask=[0, 1, 1]), query=FIGHT, rng=RNG)["left out"]
    # Two real frames: after an eighth of them none is away, after half of them the 4 is.
    assert found.deletion[[0, 4]].tolist() == pytest.approx([probability(4), 0.5], abs=1e-3)


def test_the_area_of_a_line_from_one_to_zero_is_a_half():
    line = np.linspace(1, 0, 9)
    assert Curves(line, line[::-1]).deleted_area == pytest.approx(0.5)


def test_where_nothing_moves_pictures_are_grey_and_flow_is_zero():
    empty = nothing_moves(FakeEncoder(checkpoint(feature_dim=1)), clip([3, 5], motion=[1, 1]))
    # The fake encoder's feature is the mean pixel over 255; the neutral grey is 127.
    assert empty.features.ravel().tolist() == pytest.approx([127 / 255] * 2)
    assert empty.motion.ravel().tolist() == [0, 0]
