"""Why a clip was taken for a label: key frames, the span in words, heat and region."""

import numpy as np
import pytest

from models.occlusion import Query
from pipeline.clip_buffer import Clip
from pipeline.explanation import Explainer, Span, heat_of, key_frames, region_of_heat, span_of
from pipeline.recent import RecentFrames
from pipeline.types import Region
from pipeline.words import behaviour_sentence, time_span
from tests.fakes import SummingEncoder, moving, observed_frame

TIMES_UTC_S = np.arange(5) / 5 + 100


def values(*numbers):
    return np.array(numbers, np.float32)


def test_at_most_three_frames_are_the_key_ones_in_order_of_time():
    assert key_frames(values(5, 1, 2, 7, 3)).tolist() == [0, 3, 4]


def test_a_frame_that_speaks_against_the_label_is_no_key_frame():
    assert key_frames(values(-5, 1, 0)).tolist() == [1]


def test_the_span_is_the_shortest_run_with_half_of_what_spoke_for_the_label():
    # 3 + 3 of 10 are more than half; no frame alone is. Two frames of 0.2 s, from the third on.
    assert span_of(values(2, 0, 3, 3, 2), TIMES_UTC_S) == Span(100.4, pytest.approx(0.4))


def test_a_frame_that_speaks_against_the_label_takes_nothing_from_a_span():
    # 1 and 9 spoke for it: the last frame has more than half, whatever stands before it.
    assert span_of(values(0, 1, 0, -20, 9), TIMES_UTC_S) == Span(100.8, pytest.approx(0.2))


def test_where_no_frame_spoke_for_the_label_there_is_no_span():
    assert span_of(values(0, -1), TIMES_UTC_S[:2]) is None


def test_where_it_moves_in_more_frames_it_is_hotter():
    speeds = np.zeros((3, 14, 14), np.float32)
    # Four cells from the border and five columns apart: no blur of the one reaches the other.
    speeds[:2, 5, 4] = speeds[2, 9, 9] = 1.0
    heat = heat_of(speeds)
    assert heat.argmax() == 5 * 14 + 4
    assert heat[9, 9] == pytest.approx(heat[5, 4] / 2)


def test_without_a_key_frame_nothing_is_hot():
    assert heat_of(np.zeros((0, 14, 14), np.float32)).max() == 0


def test_the_region_holds_what_hangs_together_with_the_hottest_cell():
    heat = np.zeros((14, 14), np.float32)
    heat[7, 0:7], heat[0, 13] = 1.0, 0.9
    assert region_of_heat(heat) == Region(0.0, 0.5, 0.5, 1 / 14)


def test_without_any_movement_there_is_no_region():
    assert region_of_heat(np.zeros((14, 14), np.float32)) is None


def moving_clip(*features, column):
    """Return a clip of these first features, one frame every 0.2 s; the frame of a 3 moves in a column."""
    recent, fields = RecentFrames(len(features)), np.array(features, np.float32)[:, None]
    for number, feature in enumerate(features):
        frame = observed_frame(number / 5)
        if feature == 3:
            frame = moving(
                frame, slice(20, 23), slice(round(60 * column / 14), round(60 * (column + 1) / 14))
            )
        recent.add(frame)
    clip = Clip(fields, np.zeros_like(fields), np.ones(len(features), np.bool_))
    return clip, recent


def test_a_clip_is_explained_by_its_frame_that_speaks_for_the_label_and_by_where_that_moved():
    clip, recent = moving_clip(0, 0, 3, 0, column=10)
    reasons = Explainer(SummingEncoder()).explain(clip, recent, Query("fight", 1))
    assert reasons.key_times_utc_s == (0.4,)
    assert reasons.span == Span(0.4, pytest.approx(0.2))
    # The middle of column 10 of 14 and of row 7: blurred to both sides alike.
    assert reasons.region.x + reasons.region.width / 2 == pytest.approx(10.5 / 14)
    assert reasons.region.y + reasons.region.height / 2 == pytest.approx(7.5 / 14)


def test_a_clip_that_still_fills_is_explained_by_the_frames_that_it_has():
    clip, recent = moving_clip(0, 3, column=1)
    filling = Clip(*(np.concatenate([np.zeros_like(a), a]) for a in (clip.features, clip.motion, clip.mask)))
    reasons = Explainer(SummingEncoder()).explain(filling, recent, Query("fight", 1))
    assert (len(reasons.importance), reasons.key_times_utc_s) == (2, (0.2,))


def test_the_sentence_says_what_how_sure_when_and_where():
    # 14:03:12.44 of the first day of 1970
    when = time_span(14 * 3600 + 3 * 60 + 12.44, 0.8)
    assert (
        behaviour_sentence("fight", 0.934, when=when, region=Region(0, 0.4, 0.3, 0.2))
        == "Looks like fight (0.93), mostly the 0.8 s from 14:03:12.4 UTC (middle left)."
    )


def test_the_sentence_leaves_out_what_is_not_known():
    assert behaviour_sentence("fight", 0.934) == "Looks like fight (0.93)."
