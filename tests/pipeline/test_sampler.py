"""Frames are chosen by the stream's own time, at the rate that was asked for."""

import pytest

from pipeline.sampler import Sampler


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


def glances(stream_fps, sample_fps, count):
    """Return the chosen frames of a stream by their number, and those to be glanced at."""
    sampler, taken, glanced = Sampler(sample_fps), [], []
    for index in range(count):
        if sampler.wants(index / stream_fps):
            taken.append(index)
        elif sampler.is_glance:
            glanced.append(index)
    return taken, glanced


@pytest.mark.parametrize(
    ("stream_fps", "taken", "glanced"),
    [
        # Of 24 a second the grid of 1/12 s is every second frame: 0, 2, 4, …
        (24, [0, 4, 8, 12], [2, 6, 10]),
        # Due at 0, 5, 10 frames of 30 a second; half way lies 2.5: of 2 and 3 the first is taken.
        (30, [0, 5, 10], [2, 7, 12]),
        # Due at 0, 4.17, 8.33, 12.5 frames of 25 a second: 4, 8, 12; half way 2.08, 6.25, 10.42.
        (25, [0, 4, 8, 12], [2, 6, 10]),
        # Due at 0, 2.5, 5, 7.5, 10 frames of 15 a second: 2, 5, 7, 10; half way 1.25, 3.75, 6.25, 8.75.
        (15, [0, 2, 5, 7, 10], [1, 4, 6, 9]),
        # Due at 0, 1.67, 3.33, 5 frames of 10 a second: 2, 3, 5; half way 0.83 and 4.17, while 2.5 is taken.
        (10, [0, 2, 3, 5, 7, 8, 10], [1, 4, 6, 9]),
    ],
)
def test_the_nearest_frames_to_a_grid_of_six_and_of_twelve_a_second(stream_fps, taken, glanced):
    assert glances(stream_fps, 6.0, max(taken[-1], glanced[-1]) + 1) == (taken, glanced)


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
