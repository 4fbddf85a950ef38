import numpy as np
import pytest

from models.flow import (
    GRID,
    MOTION_DIM,
    WHOLE,
    CropFollower,
    FlowMeter,
    describe,
    direction_histogram,
)


def flow_of(x: float, y: float, *, rows: slice = slice(None), columns: slice = slice(None)) -> np.ndarray:
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[rows, columns] = x, y
    return flow


def textured(shift: int) -> np.ndarray:
    texture = np.random.default_rng(3).integers(0, 255, (30, 60)).astype(np.uint8)
    whole = np.kron(texture, np.ones((8, 8), np.uint8))
    return np.ascontiguousarray(whole[:224, 100 - shift : 324 - shift])


def test_equal_frames_have_no_flow():
    flow = FlowMeter().measure(textured(0), textured(0), lag_s=0.2)
    assert not flow.any()


def test_what_the_whole_picture_does_is_the_cameras_movement_and_is_taken_out():
    flow = FlowMeter().measure(textured(0), textured(4), lag_s=0.2)
    assert abs(np.median(flow[..., 0])) < 0.005


@pytest.mark.parametrize(
    ("x", "y", "direction"),
    [(0.3, 0.0, 0), (0.2, 0.2, 1), (0.0, 0.3, 2), (-0.3, 0.0, 4), (0.0, -0.3, 6), (0.2, -0.2, 7)],
)
def test_directions_are_counted_clockwise_from_rightward(x, y, direction):
    flow = flow_of(x, y)
    histogram = direction_histogram(flow, np.hypot(flow[..., 0], flow[..., 1]))
    assert histogram[direction] == 1.0
    assert histogram.sum() == 1.0


def test_faster_cells_weigh_more_in_the_directions():
    flow = flow_of(0.3, 0.0, rows=slice(0, 7)) + flow_of(0.0, 0.1, rows=slice(7, 14))
    histogram = direction_histogram(flow, np.hypot(flow[..., 0], flow[..., 1]))
    # As many cells either way; speeds 0.3 and 0.1.
    assert histogram[0] == pytest.approx(0.75)
    assert histogram[2] == pytest.approx(0.25)


def test_the_descriptor_of_stillness_is_zero_but_for_the_whole_crop():
    descriptor = describe(flow_of(0, 0), WHOLE, moving_share=0.0)
    assert descriptor.shape == (MOTION_DIM,)
    assert descriptor.tolist() == [0.0] * (MOTION_DIM - 2) + [1.0, 1.0]


def test_the_descriptor_begins_with_mean_largest_and_deviation_of_speed():
    # Half the cells move by (0.3, 0.4): speed 0.5.
    descriptor = describe(flow_of(0.3, 0.4, rows=slice(0, 7)), WHOLE, moving_share=0.5)
    assert descriptor[:5] == pytest.approx([0.25, 0.5, 0.25, 0.15, 0.2], abs=1e-6)
    assert descriptor[13] == 0.5


def test_the_crop_is_a_square_around_the_moving_cells():
    crop = CropFollower().follow(flow_of(0.5, 0, rows=slice(4, 8), columns=slice(2, 10)), 10.0)
    assert crop.width == crop.height
    # Eight columns wide, one more on each side by the blur at most.
    assert 8 / 14 <= crop.width <= 10 / 14
    assert crop.x == pytest.approx((6 - crop.width * 7) / 14, abs=0.01)


def test_the_crop_stays_inside_the_picture_and_is_not_tiny():
    crop = CropFollower().follow(flow_of(0.5, 0, rows=slice(0, 1), columns=slice(13, 14)), 10.0)
    assert crop.width == pytest.approx(0.35)
    assert crop.x + crop.width == pytest.approx(1.0)
    assert crop.y == 0.0


def test_the_crop_holds_on_to_a_movement_for_seconds_and_then_lets_go():
    follower, moving = CropFollower(), flow_of(0.3, 0, rows=slice(2, 4), columns=slice(2, 4))
    for index in range(5):
        follower.follow(moving, 10 + index / 5)
    assert follower.follow(flow_of(0, 0), 11.2).width < 0.5
    assert follower.follow(flow_of(0, 0), 17.0) == WHOLE


def square_at(x: int, y: int) -> np.ndarray:
    picture = np.full((224, 224), 100, np.uint8)
    picture[y : y + 32, x : x + 32] = np.random.default_rng(0).integers(150, 250, (32, 32))
    return picture


def test_flow_is_measured_in_picture_widths_per_second():
    flow = FlowMeter().measure(square_at(96, 96), square_at(104, 96), lag_s=0.2)
    # The square lies in rows and columns 6…7; 8 px of 224 in 0.2 s are 0.179 widths per second.
    assert flow.shape == (GRID, GRID, 2)
    assert flow[6:8, 6:8, 0].mean() == pytest.approx(0.179, abs=0.06)
    assert abs(flow[6:8, 6:8, 1]).mean() < 0.03


def test_a_change_of_five_levels_is_noise():
    dark, bright = np.full((224, 224), 100, np.uint8), np.full((224, 224), 105, np.uint8)
    assert not FlowMeter().measure(dark, bright, lag_s=0.2).any()


def test_speed_does_not_depend_on_how_much_else_moves():
    alone = FlowMeter().measure(square_at(96, 96), square_at(100, 96), lag_s=0.2)
    both = [np.maximum(square_at(96 + x, 96), square_at(10, 180 + x)) for x in (0, 4)]
    beside = FlowMeter().measure(*both, lag_s=0.2)
    assert beside[6:8, 6:8, 0].mean() == pytest.approx(alone[6:8, 6:8, 0].mean(), rel=0.1)
