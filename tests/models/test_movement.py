"""Grey pictures in, the velocity of what moves out, whatever stands beside it."""

import cv2
import numpy as np
import pytest

from models.movement import EmptyScene, MovementMeter

SCENE = np.full((240, 360), 60, np.uint8)


def walker_at(x, y, *, height=36, width=18):
    """Return a picture of a floor with a textured thing on it, the size of a person."""
    picture = SCENE.copy()
    thing = np.random.default_rng(0).integers(120, 170, (height // 3, width // 3))
    picture[y : y + height, x : x + width] = np.kron(thing, np.ones((3, 3)))
    return picture


def seen(*pictures, lag_s=0.1):
    meter = MovementMeter()
    return [meter.measure(picture, 5.0 + i * lag_s) for i, picture in enumerate(pictures)][-1]


def test_a_window_divides_into_the_velocity_of_what_moves_in_it():
    cells = seen(walker_at(120, 96), walker_at(123, 96)).cells
    assert cells.shape == (40, 60, 3)
    share, right, down = cells[14:24, 18:26].sum(axis=(0, 1))
    # 3 px of 360 in 0.1 s; half of the window stands still and does not count.
    assert right / share == pytest.approx(3 / 360 / 0.1, rel=0.15)
    assert down / share == pytest.approx(0.0, abs=0.01)


def test_where_nothing_moves_there_is_no_movement():
    cells = seen(walker_at(120, 180), walker_at(123, 180)).cells
    # The walker begins at row 180 of 240 pixels, cell row 30.
    assert not cells[:29, :, 0].any()
    assert cells[31:35, 21, 0].min() > 0.7


def test_the_first_frame_and_one_after_a_long_silence_have_no_movement():
    assert not seen(walker_at(120, 96)).cells.any()
    assert not seen(walker_at(120, 96), walker_at(123, 96), lag_s=0.7).cells.any()


def test_after_a_reset_a_frame_is_the_first_one():
    meter = MovementMeter()
    meter.measure(walker_at(120, 96), 1.0)
    meter.reset()
    assert not meter.measure(walker_at(123, 96), 1.1).cells.any()


def test_a_change_of_five_levels_is_noise():
    assert not seen(SCENE, SCENE + 5).cells.any()


def test_the_view_is_the_picture_averaged_over_three_pixels():
    picture = SCENE.copy()
    picture[30:33, 60:63] = 150
    view = seen(picture).view
    assert view.shape == (80, 120)
    assert (view[10, 20], view[10, 21]) == (150, 60)


def runner_at(x):
    """Return a walker as a camera blurs it, by 15 px."""
    return cv2.blur(walker_at(x, 96), (15, 15))


def speed_ratio(way_px, *glances, lag_s=0.2):
    """Return how fast a runner at 120 + `way_px` seems, by how fast it is; `glances` are ways and times."""
    meter = MovementMeter()
    meter.measure(runner_at(120), 5.0)
    for glanced_px, time_s in glances:
        meter.glance(runner_at(120 + glanced_px), time_s)
    cells = meter.measure(runner_at(120 + way_px), 5.0 + lag_s).cells
    share, right, _ = cells[14:24, (120 + way_px) // 6 :][:, :6].sum(axis=(0, 1))
    return right / share / (way_px / 360 / lag_s)


def test_what_is_too_fast_to_be_found_again_is_found_in_the_frame_glanced_at():
    assert speed_ratio(48) < 0.1
    assert speed_ratio(36, (18, 5.1)) == pytest.approx(1.0, abs=0.1)


def test_a_frame_glanced_at_is_searched_where_little_moves_though_nothing_seems_to_go_far():
    meter = MovementMeter()
    meter.measure(walker_at(120, 96), 5.0)
    meter.glance(walker_at(138, 96), 5.1)
    share, right, _ = meter.measure(walker_at(156, 96), 5.2).cells[14:24, 26:30].sum(axis=(0, 1))
    assert right / share == pytest.approx(36 / 360 / 0.2, rel=0.1)


def test_a_glance_need_not_lie_half_way():
    assert speed_ratio(30, (20, 5.0 + 0.2 * 20 / 30)) == pytest.approx(1.0, abs=0.1)


def test_a_glance_changes_nothing_where_things_go_slowly():
    assert speed_ratio(6, (3, 5.1)) == speed_ratio(6)


@pytest.mark.parametrize("time_s", [4.9, 5.0, 5.2, 5.3])
def test_a_glance_that_does_not_lie_between_two_frames_is_ignored(time_s):
    assert speed_ratio(24, (12, time_s)) == speed_ratio(24)


def test_who_passes_does_not_become_part_of_the_empty_scene():
    scene = EmptyScene()
    for step in range(100):
        scene.follow(walker_at(6 + 3 * step, 96), step / 5)
    # The one that passes now stands out from where it was a second ago.
    foreground = scene.foreground(walker_at(303, 96))
    assert foreground[100:128, 305:319].min() == 255
    assert not foreground[:, 60:280].any()


def test_who_was_there_first_is_forgotten_within_a_minute():
    scene = EmptyScene()
    scene.follow(walker_at(6, 96), 0.0)
    for step in range(120):
        scene.follow(SCENE, step / 2)
    assert not scene.foreground(SCENE).any()


def test_the_empty_scene_follows_the_light():
    scene = EmptyScene()
    for second in range(60):
        scene.follow(SCENE + np.uint8(second), float(second))
    # One level in half a second is more than one in a second.
    assert not scene.foreground(SCENE + 60).any()


def test_how_fast_a_thing_goes_does_not_depend_on_what_else_moves():
    alone = seen(walker_at(120, 96), walker_at(123, 96)).cells
    both = seen(*(np.maximum(walker_at(120 + x, 96), walker_at(300 - x, 190)) for x in (0, 3))).cells
    for cells in (alone, both):
        share, right, _ = cells[14:24, 18:26].sum(axis=(0, 1))
        assert right / share == pytest.approx(3 / 360 / 0.1, rel=0.1)


@pytest.mark.parametrize("way_px", [8, 16, 24])
def test_who_is_alone_in_the_picture_is_followed_as_far_as_in_a_crowd(way_px):
    cells = seen(walker_at(120, 96), walker_at(120 + way_px, 96), lag_s=0.2).cells
    share, right, _ = cells[14:24, (120 + way_px) // 6 :][:, :4].sum(axis=(0, 1))
    assert right / share == pytest.approx(way_px / 360 / 0.2, rel=0.1)


def test_what_the_whole_picture_does_is_the_cameras_movement_and_is_taken_out():
    texture = np.random.default_rng(3).integers(0, 255, (30, 60)).astype(np.uint8)
    whole = np.kron(texture, np.ones((10, 10), np.uint8))
    cells = seen(*(np.ascontiguousarray(whole[:240, 100 - x : 460 - x]) for x in (0, 3))).cells
    assert abs(np.median(cells[..., 1])) < 0.005
