"""The heat map: a layer that hides most where it was hottest and nothing where it was cold."""

import cv2
import numpy as np
import pytest

from pipeline.heat import HEAT_COLOUR, HEAT_SHARE, heat_layer, opacity

NOTHING = np.zeros((40, 60), np.bool_)


def hot_at(row, column, *, grid=(14, 14)):
    heat = np.zeros(grid, np.float32)
    heat[row, column] = 7.0
    return heat


def decoded(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


def test_the_hottest_cell_hides_most_and_a_cold_one_nothing():
    hidden = opacity(hot_at(2, 3), width_px=14, height_px=14)
    assert hidden[2, 3] == pytest.approx(HEAT_SHARE)
    assert hidden.sum() == pytest.approx(HEAT_SHARE)


def test_between_two_cells_the_heat_fades_smoothly():
    # Two columns become four pixels, in the middle of the outer ones of which the columns' own values lie.
    hidden = opacity(np.array([[0.0, 1.0]], np.float32), width_px=4, height_px=1)
    assert hidden[0] / HEAT_SHARE == pytest.approx([0.0, 0.25, 0.75, 1.0])


def test_a_finer_heat_map_is_averaged():
    # Of two by two pixels one is hot: a quarter of it is left.
    hidden = opacity(hot_at(0, 0, grid=(4, 4)), width_px=2, height_px=2)
    assert hidden[0] / HEAT_SHARE == pytest.approx([0.25, 0.0])


@pytest.mark.parametrize("grid", [(14, 14), (40, 60), (80, 120)])
def test_the_layer_of_any_grid_is_small_and_clear_where_it_is_cold(grid):
    layer = decoded(heat_layer(hot_at(0, 0, grid=grid), NOTHING))
    assert layer.shape == (40, 60, 4)
    assert tuple(layer[0, 0, :3]) == HEAT_COLOUR
    assert layer[0, 0, 3] > 0 == layer[39, 59, 3]


def test_where_nothing_was_unusual_there_is_no_layer():
    assert heat_layer(np.zeros((14, 14), np.float32), NOTHING) is None


def test_what_is_hidden_in_the_picture_is_clear_in_the_layer():
    hidden = NOTHING.copy()
    hidden[:, :30] = True
    heat = hot_at(0, 0) + hot_at(13, 13)
    layer = decoded(heat_layer(heat, hidden))
    assert layer[:, :30, 3].max() == 0 < layer[:, 30:, 3].max()
    assert heat_layer(hot_at(0, 0), hidden) is None
