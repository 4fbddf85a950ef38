import numpy as np
import pytest

from models.flow import MOTION_DIM
from models.motion import (
    PICTURES,
    MotionHistory,
    MotionRenderer,
    MotionSettings,
    Picture,
    difference_gain,
)

SIDE = 224
# No speed and no direction; the crop, whose x, y, width and height come last, is the whole picture.
STILLNESS = [0.0] * (MOTION_DIM - 2) + [1.0, 1.0]


def square_at(x: int, *, background: int = 100) -> np.ndarray:
    """Return a grey picture with a brighter 40 pixel square, textured so that flow can hold on to it."""
    picture = np.full((SIDE, SIDE, 3), background, np.uint8)
    texture = np.random.default_rng(0).integers(150, 250, (40, 40, 1)).astype(np.uint8)
    picture[90:130, x : x + 40] = texture
    return picture


def drawn(*pictures: str, frames: int = 2) -> np.ndarray:
    renderer = MotionRenderer(MotionSettings(pictures=pictures))
    views = [renderer.render(square_at(40 + 8 * index), index / 5) for index in range(frames)]
    return views[-1].pictures


def test_every_kind_of_picture_is_drawn_in_the_order_of_the_settings():
    pictures = drawn(*PICTURES)
    assert pictures.shape == (len(PICTURES), SIDE, SIDE, 3)
    assert pictures.dtype == np.uint8
    assert np.array_equal(pictures[PICTURES.index("frame")], square_at(48))


def test_the_first_frame_has_neutral_pictures():
    view = MotionRenderer(MotionSettings(("difference", "history", "fused"))).render(square_at(40), 12.0)
    difference, history, fused = view.pictures
    assert np.unique(difference).tolist() == [127]
    assert np.unique(history).tolist() == [0]
    assert np.unique(fused).tolist() == [127]
    assert view.descriptor.tolist() == STILLNESS


def test_the_difference_is_drawn_one_and_a_half_times_as_strong():
    renderer = MotionRenderer(MotionSettings(("difference",)))
    renderer.render(np.full((SIDE, SIDE, 3), 100, np.uint8), 0.0)
    view = renderer.render(np.full((SIDE, SIDE, 3), 110, np.uint8), 0.2)
    assert np.unique(view.pictures).tolist() == [142]  # 127 + 1.5 * 10


def test_beyond_the_reference_lag_the_difference_is_drawn_per_time():
    assert difference_gain(0.1) == 1.5
    assert difference_gain(0.2) == 1.5
    assert difference_gain(0.4) == 0.75


def test_the_fused_picture_is_the_difference_twice_and_the_history_from_127():
    fused, history, difference = drawn("fused", "history", "difference")
    # The RGB of this picture is grey, so its difference is the grey one.
    assert np.array_equal(fused[..., 0], difference[..., 0])
    assert np.array_equal(fused[..., 1], difference[..., 0])
    assert np.array_equal(fused[..., 2], 127 + history[..., 0] // 2)
    # The square left column 40 (150…250 → 100) and came to column 87 (100 → 150…250).
    assert fused[100, 42, 0] < 127 < fused[100, 86, 0]


def test_a_movement_fades_from_the_history_within_seven_tenths_of_a_second():
    history = MotionHistory(8)
    history.update(np.full((8, 8), 13, np.uint8), 10.0)
    still = np.zeros((8, 8), np.uint8)
    # 255 - 255 * 0.35 / 0.7 = 127.5
    assert history.update(still, 10.35)[0, 0] in (127, 128)
    assert history.update(still, 10.71).max() == 0


def test_a_change_of_twelve_levels_is_not_yet_movement():
    history = MotionHistory(8)
    assert history.update(np.full((8, 8), 12, np.uint8), 0.0).max() == 0
    assert history.update(np.full((8, 8), 13, np.uint8), 0.1).min() == 255


def test_speed_is_described_in_picture_widths_per_second():
    renderer = MotionRenderer(MotionSettings())
    renderer.render(square_at(80), 7.0)
    descriptor = renderer.render(square_at(88), 7.2).descriptor
    # 8 px of 224 in 0.2 s are 0.179 widths per second, of the fastest cell, and all of it rightward.
    assert descriptor[1] == pytest.approx(0.179, abs=0.06)
    assert descriptor[5] > 0.9


def test_the_crop_follows_the_motion():
    renderer = MotionRenderer(MotionSettings(("difference_crop",)))
    for index in range(6):
        view = renderer.render(square_at(20 + 6 * index), index / 5)
    x, y, width, height = view.descriptor[-4:]
    assert x < 0.2
    assert y < 0.5 < y + height
    assert width < 0.7
    # What moved fills more of the cropped picture than of the whole.
    assert np.mean(view.pictures[0] != 127) > np.mean(drawn("difference") != 127)


def test_a_gap_begins_a_new_picture():
    renderer = MotionRenderer(MotionSettings(("difference",)))
    renderer.render(square_at(40), 0.0)
    assert np.unique(renderer.render(square_at(100), 1.5).pictures).tolist() == [127]


def test_time_that_runs_backwards_begins_a_new_picture():
    renderer = MotionRenderer(MotionSettings(("history",)))
    renderer.render(square_at(40), 100.0)
    renderer.render(square_at(80), 100.2)
    assert renderer.render(square_at(100), 3.0).pictures.max() == 0


def test_a_skipped_frame_is_what_the_next_is_compared_with():
    renderer = MotionRenderer(MotionSettings(("difference",)))
    renderer.render(square_at(40), 0.0)
    renderer.skip(square_at(60), 0.2)
    assert np.unique(renderer.render(square_at(60), 0.4).pictures).tolist() == [127]


def test_history_goes_on_fading_while_frames_are_skipped():
    renderer = MotionRenderer(MotionSettings(("history",)))
    renderer.render(square_at(40), 0.0)
    renderer.render(square_at(60), 0.2)
    for index in range(4):
        renderer.skip(square_at(60), 0.4 + index / 5)
    assert renderer.render(square_at(60), 1.2).pictures.max() == 0


def test_reset_forgets_all_motion():
    renderer = MotionRenderer(MotionSettings(("history", "difference")))
    renderer.render(square_at(40), 0.0)
    renderer.render(square_at(60), 0.2)
    renderer.reset()
    view = renderer.render(square_at(80), 0.4)
    assert [int(picture.max()) for picture in view.pictures] == [0, 127]
    assert view.descriptor.tolist() == STILLNESS


def test_the_smaller_side_of_a_picture_may_differ():
    renderer = MotionRenderer(MotionSettings((Picture.FUSED, Picture.HISTORY_CROP), picture_px=96))
    for index in range(2):
        view = renderer.render(np.full((96, 96, 3), 50 + index, np.uint8), index / 5)
    assert view.pictures.shape == (2, 96, 96, 3)


def level(value):
    return np.full((SIDE, SIDE, 3), value, np.uint8)


def test_the_channels_of_lags_compare_with_a_third_a_sixth_and_a_twelfth_of_a_second_ago():
    renderer = MotionRenderer(MotionSettings(("lags",)))
    renderer.render(level(50), 0.0)
    for time_s, grey in ((1 / 12, 60), (2 / 12, 70), (3 / 12, 80)):
        renderer.glance(level(grey), time_s)
    lags = renderer.render(level(90), 4 / 12).pictures[0]
    # 1/3 s ago it was 50, 1/6 s ago 70, 1/12 s ago 80: 127 + 1.5 times 40, 20 and 10.
    assert np.unique(lags.reshape(-1, 3), axis=0).tolist() == [[187, 157, 142]]


def test_without_glances_the_nearest_sampled_frame_stands_in():
    renderer = MotionRenderer(MotionSettings(("lags",)))
    renderer.render(level(50), 0.0)
    renderer.render(level(60), 0.2)
    lags = renderer.render(level(70), 0.4).pictures[0]
    # 1/3 s ago is nearest to 0.0, 1/6 and 1/12 s ago to 0.2: a frame is never compared with itself.
    assert np.unique(lags.reshape(-1, 3), axis=0).tolist() == [[157, 142, 142]]


def test_glances_are_wanted_only_where_lags_are_drawn():
    assert not MotionRenderer(MotionSettings(("fused", "frame"))).glances
    assert MotionRenderer(MotionSettings(("lags", "frame"))).glances


def held_and_fresh(renderer, times_s):
    """Return the grey of the second picture and the number of new ones, for frames of the greys 0, 1, …"""
    views = [renderer.render(level(grey), time_s) for grey, time_s in enumerate(times_s)]
    return [(int(view.pictures[1].max()), view.fresh) for view in views]


def test_a_frame_beside_another_picture_is_held_for_a_second():
    renderer = MotionRenderer(MotionSettings(("lags", "frame")))
    # 0.96 s is early by 0.04 s, and taken; the next is due at 1.96 s.
    seen = held_and_fresh(renderer, [0.0, 0.5, 0.96, 1.4, 1.9, 2.0])
    assert seen == [(0, 2), (0, 1), (2, 2), (2, 1), (2, 1), (5, 2)]


def test_an_interruption_ends_the_hold():
    renderer = MotionRenderer(MotionSettings(("lags", "frame")))
    renderer.render(level(50), 0.0)
    renderer.reset()
    assert held_and_fresh(renderer, [0.1, 0.2]) == [(0, 2), (0, 1)]


@pytest.mark.parametrize("pictures", [("frame",), ("frame", "fused"), ("lags", "difference")])
def test_only_a_frame_in_the_last_place_is_held(pictures):
    renderer = MotionRenderer(MotionSettings(pictures))
    fresh = [renderer.render(level(grey), grey / 5).fresh_pictures for grey in range(3)]
    assert [len(of_frame) for of_frame in fresh] == [len(pictures)] * 3


def test_nothing_of_before_an_interruption_is_compared_with():
    renderer = MotionRenderer(MotionSettings(("lags",)))
    renderer.render(level(50), 0.0)
    renderer.reset()
    assert np.unique(renderer.render(level(90), 0.2).pictures).tolist() == [127]
