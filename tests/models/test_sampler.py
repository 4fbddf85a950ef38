"""Frames are chosen by the stream's own time, at the rate that was asked for."""

import pytest

from models.sampler import Sampler


def chosen(times_s, sample_fps=5.0):
    sampler = Sampler(sample_fps)
    return [time_s for time_s in times_s if sampler.wants(time_s)]


def test_every_second_frame_of_ten_a_second_is_taken():
    assert chosen([0.0, 0.1, 0.2, 0.3, 0.4]) == [0.0, 0.2, 0.4]


def test_jittering_time_stamps_do_not_shift_the_grid():
    # Each frame up to 5 ms early or late; the grid of 0.2 s stays where it began.
    assert chosen([0.0, 0.098, 0.196, 0.301, 0.405, 0.497, 0.595]) == [0.0, 0.196, 0.405, 0.595]


def test_a_rate_that_does_not_divide_is_met_on_average():
    # 12.5 fps, wanted at 5: of 1000 frames in 80 s, 400.
    assert len(chosen([index * 0.08 for index in range(1000)])) == 400


@pytest.mark.parametrize("stream_fps", [5, 7, 15, 24, 25, 29.97, 30, 60])
def test_each_usual_frame_rate_gives_five_a_second(stream_fps):
    times_s = [index / stream_fps for index in range(round(stream_fps * 60))]
    assert len(chosen(times_s)) == pytest.approx(300, abs=3)


def test_a_slower_stream_is_taken_whole():
    assert chosen([0.0, 0.5, 1.0, 1.5]) == [0.0, 0.5, 1.0, 1.5]


def test_a_late_frame_is_not_followed_by_a_burst():
    # Nothing for a second, then 0.05 s apart: five were missed, but only the grid's half step is made up.
    assert chosen([0.0, 1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3]) == [0.0, 1.0, 1.1, 1.3]


def test_the_first_frame_begins_and_the_next_does_not():
    sampler = Sampler(5.0)
    assert (sampler.wants(7.0), sampler.begins) == (True, True)
    assert (sampler.wants(7.2), sampler.begins) == (True, False)


@pytest.mark.parametrize("jump_s", [12.01, 9.9, 0.0, 1e6])
def test_a_jump_of_the_streams_time_begins_anew(jump_s):
    sampler = Sampler(5.0)
    sampler.wants(10.0)
    assert (sampler.wants(jump_s), sampler.begins) == (True, True)


def test_a_gap_of_two_seconds_is_none():
    sampler = Sampler(5.0)
    sampler.wants(10.0)
    assert (sampler.wants(12.0), sampler.begins) == (True, False)


def test_begins_stays_true_until_the_next_chosen_frame():
    sampler = Sampler(5.0)
    sampler.wants(0.0)
    assert not sampler.wants(0.1)
    assert sampler.begins
