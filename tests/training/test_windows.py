import numpy as np
import pytest

from tests.training.data import numbered
from training.data_folder import DataError, Segment
from training.windows import (
    Window,
    WindowSettings,
    blind_windows,
    cut_batch,
    middle_window,
    random_window,
    spread_windows,
)

FOUR = WindowSettings(num_frames=4)


def segment(start_s: float = 0.0, end_s: float | None = None, label: str | None = "walk") -> Segment:
    return Segment("a.mp4", label, "one", start_s, end_s)


def spans(windows) -> list[tuple[int, int]]:
    return [(window.first, window.stop) for window in windows]


def test_windows_are_spread_evenly_over_a_segment():
    # 5 frames a second: 1.0 ≤ t < 3.0 are frames 5 to 14; of 4 frames each at 5, 8 and 11.
    windows = spread_windows(segment(1.0, 3.0), numbered(40), FOUR, count=3)
    assert spans(windows) == [(5, 9), (8, 12), (11, 15)]


def test_one_window_stands_in_the_middle():
    assert spans(spread_windows(segment(1.0, 3.0), numbered(40), FOUR, count=1)) == [(8, 12)]


def test_a_segment_with_less_room_than_windows_gives_each_window_once():
    # Frames 5 to 9 hold two different windows of four.
    assert spans(spread_windows(segment(1.0, 2.0), numbered(40), FOUR, count=9)) == [(5, 9), (6, 10)]


def test_a_short_segment_is_one_window_of_what_there_is():
    assert spans(spread_windows(segment(1.0, 1.5), numbered(40), FOUR, count=3)) == [(5, 8)]


def test_the_first_frame_shows_no_motion_and_is_left_out():
    # Ten frames, the first of them begins.
    assert spans(spread_windows(segment(), numbered(10), WindowSettings(20), count=1)) == [(1, 10)]


def test_no_window_crosses_an_interruption():
    # Frames 0 … 5 and 6 … 19: the second run is the longer, and its first frame stands alone.
    file = numbered(20, begins=(0, 6))
    assert spans(spread_windows(segment(), file, WindowSettings(30), count=1)) == [(7, 20)]


def test_a_segment_between_two_frames_has_the_one_after_it():
    assert spans(spread_windows(segment(1.05, 1.1), numbered(40), FOUR, count=1)) == [(6, 7)]


def test_a_segment_after_the_end_is_refused():
    with pytest.raises(DataError, match=r"a\.mp4@30-40 begins after the end .* which is 1\.8 s long"):
        spread_windows(segment(30.0, 40.0), numbered(10), FOUR, count=1)


def test_the_middle_window_reaches_beyond_a_short_segment():
    # The middle of 1.0 … 1.6 s is 1.3 s; 2 s about it are 0.3 … 2.3 s, frames 2 to 11.
    window = middle_window(segment(1.0, 1.6), numbered(40), length_s=2.0)
    assert spans([window]) == [(2, 12)]
    assert window.segment == segment(1.0, 1.6)


def test_the_middle_window_of_a_long_segment_lies_in_it():
    # The middle of 1.0 … 7.0 s is 4.0 s; 2 s about it are frames 15 to 24.
    assert spans([middle_window(segment(1.0, 7.0), numbered(40), length_s=2.0)]) == [(15, 25)]


def test_the_middle_of_a_whole_recording_is_that_of_its_frames():
    # Frames 0 … 20 end at 4.0 s: 1 s about 2.0 s are frames 8 to 12.
    assert spans([middle_window(segment(), numbered(21), length_s=1.0)]) == [(8, 13)]


def test_random_windows_lie_in_the_segment_and_reach_all_of_it():
    rng = np.random.default_rng(0)
    drawn = [random_window(segment(1.0, 3.0), numbered(40), FOUR, rng=rng) for _ in range(200)]
    # Frames 5 to 14 hold windows of four from 5 to 11.
    assert {window.first for window in drawn} == set(range(5, 12))
    assert {len(window) for window in drawn} == {4}


def test_the_same_seed_draws_the_same_windows():
    def draw(seed: int) -> list[Window]:
        rng = np.random.default_rng(seed)
        return [random_window(segment(), numbered(40), FOUR, rng=rng) for _ in range(20)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_jitter_moves_the_ends_of_a_segment():
    rng, settings = np.random.default_rng(0), WindowSettings(num_frames=30, jitter_s=0.5)
    drawn = [random_window(segment(2.0, 4.0), numbered(40), settings, rng=rng) for _ in range(200)]
    # From 1.5 ≤ t < 3.5 to 2.5 ≤ t < 4.5: begins at frames 8 (1.6 s) to 13, ends before 18 (3.6 s) to 23.
    assert {window.first for window in drawn} == set(range(8, 14))
    assert {window.stop for window in drawn} == set(range(18, 24))


def test_jitter_leaves_something_of_a_tiny_segment():
    rng, settings = np.random.default_rng(0), WindowSettings(num_frames=4, jitter_s=5.0)
    assert all(len(random_window(segment(2.0, 2.4), numbered(40), settings, rng=rng)) for _ in range(50))


def test_blind_windows_take_the_label_that_covers_most():
    parts = [segment(0.0, 2.5), segment(2.5, 5.0, "sit")]
    windows = blind_windows(numbered(40), parts, length_s=4.0, step_s=1.0)
    # 0–4: 2.5 s walk, 1.5 sit; 1–5: 1.5 walk, 2.5 sit; 2–6: 2.5 sit; 3–7: 2.0 sit. Frames end at 7.8 s.
    assert [(w.segment.start_s, w.segment.label, w.coverage) for w in windows] == [
        (0.0, "walk", 0.625),
        (1.0, "sit", 0.625),
        (2.0, "sit", 0.625),
        (3.0, "sit", 0.5),
    ]
    # The first frame shows no motion; 4 s are 20 frames.
    assert spans(windows) == [(1, 20), (5, 25), (10, 30), (15, 35)]


def test_a_blind_window_without_a_label_says_so():
    windows = blind_windows(numbered(20), [segment(90.0, 95.0)], length_s=2.0)
    assert [(window.segment.label, window.coverage) for window in windows] == [(None, 0.0)] * 2


def test_a_recording_shorter_than_a_blind_window_is_one_window():
    assert spans(blind_windows(numbered(8), [segment()], length_s=4.0)) == [(1, 8)]


def test_clips_are_padded_in_front_to_the_longest():
    batch = cut_batch([Window(segment(), 2, 4), Window(segment(), 5, 8)], {"a.mp4": numbered(10)})
    assert batch.features[..., 0].tolist() == [[0, 2, 3], [5, 6, 7]]
    assert batch.motion[..., 0].tolist() == [[0, 2, 3], [5, 6, 7]]
    assert batch.mask.tolist() == [[False, True, True], [True, True, True]]
    assert (batch.features.dtype, batch.features.shape) == (np.float32, (2, 3, 2))


def test_a_window_longer_than_the_clip_gives_its_newest_frames():
    batch = cut_batch([Window(segment(), 2, 9)], {"a.mp4": numbered(10)}, num_frames=4)
    assert batch.features[0, :, 0].tolist() == [5, 6, 7, 8]
