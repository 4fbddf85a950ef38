"""The ring of a camera's last frames: newest last, zeros in front, nothing moved and nothing allocated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clip_buffer import ClipBuffer


def filled(count, num_frames=4):
    """Return a buffer whose frames 1, 2, … hold their number as features and its tenfold as motion."""
    buffer = ClipBuffer(num_frames, feature_dim=3, motion_dim=2)
    for number in range(1, count + 1):
        buffer.append(np.full(3, number, np.float32), np.full(2, 10 * number, np.float32))
    return buffer


def numbers(buffer):
    return buffer.clip().features[:, 0].tolist()


def test_the_worked_example_holds():
    clip = filled(5).clip()
    assert clip.features.tolist() == [[2] * 3, [3] * 3, [4] * 3, [5] * 3]
    assert clip.motion.tolist() == [[20] * 2, [30] * 2, [40] * 2, [50] * 2]
    assert clip.mask.tolist() == [True] * 4


def test_a_clip_that_is_still_filling_stands_at_the_right_with_zeros_in_front():
    clip = filled(2).clip()
    assert clip.features[:, 0].tolist() == [0, 0, 1, 2]
    assert clip.mask.tolist() == [False, False, True, True]


def test_an_empty_buffer_gives_an_empty_clip():
    clip = filled(0).clip()
    assert not clip.features.any()
    assert not clip.mask.any()


@pytest.mark.parametrize(("count", "ratio"), [(0, 0.0), (1, 0.25), (4, 1.0), (9, 1.0)])
def test_the_filled_ratio_counts_frames(count, ratio):
    assert filled(count).filled_ratio == ratio


def test_a_still_frame_repeats_the_look_of_the_newest_and_brings_its_own_motion():
    buffer = filled(2)
    buffer.repeat(np.zeros(2, np.float32))
    assert numbers(buffer) == [0, 1, 2, 2]
    assert buffer.clip().motion[:, 0].tolist() == [0, 10, 20, 0]


def test_a_repeat_right_after_the_ring_came_round_repeats_its_last_slot():
    buffer = filled(4)
    buffer.repeat(np.zeros(2, np.float32))
    assert numbers(buffer) == [2, 3, 4, 4]


def test_pictures_that_are_held_keep_the_features_of_the_frame_before():
    buffer = filled(4)  # the ring is full: the next frame goes to its first place
    buffer.append(np.full(2, 5, np.float32), np.full(2, 50, np.float32))
    assert buffer.clip().features.tolist() == [[2] * 3, [3] * 3, [4] * 3, [5, 5, 4]]


def test_before_its_first_picture_a_held_one_is_zero():
    buffer = filled(3)
    buffer.clear()
    buffer.append(np.full(2, 5, np.float32), np.full(2, 50, np.float32))
    assert buffer.clip().features[-1].tolist() == [5, 5, 0]


def test_there_is_nothing_to_repeat_in_an_empty_buffer():
    with pytest.raises(ValueError, match="no frame to repeat"):
        filled(0).repeat(np.zeros(2, np.float32))


def test_clearing_forgets_every_frame():
    buffer = filled(3)
    buffer.clear()
    buffer.append(np.full(3, 9, np.float32), np.zeros(2, np.float32))
    assert numbers(buffer) == [0, 0, 0, 9]
    assert buffer.clip().mask.tolist() == [False, False, False, True]


def test_a_clip_does_not_change_with_the_frames_that_come_after_it():
    buffer = filled(4)
    before = buffer.clip()
    buffer.append(np.full(3, 9, np.float32), np.zeros(2, np.float32))
    assert before.features[:, 0].tolist() == [1, 2, 3, 4]


@given(st.integers(0, 20), st.integers(1, 6))
def test_a_clip_ends_with_the_newest_frames_whatever_came_before(count, num_frames):
    newest = list(range(1, count + 1))[-num_frames:]
    expected = [0] * (num_frames - len(newest)) + newest
    assert numbers(filled(count, num_frames)) == expected
