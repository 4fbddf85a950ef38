"""The cells around what is marked, kept within the grid."""

import numpy as np
import pytest

from models.cell_box import CellBox, box_around


def marked(*cells):
    grid = np.zeros((10, 20), np.bool_)
    for cell in cells:
        grid[cell] = True
    return grid


@pytest.mark.parametrize(
    ("cells", "box"),
    [
        ([(4, 5)], CellBox(top=2, bottom=7, left=3, right=8)),
        ([(4, 5), (6, 9)], CellBox(top=2, bottom=9, left=3, right=12)),
        ([(0, 0), (9, 19)], CellBox(top=0, bottom=10, left=0, right=20)),
    ],
)
def test_a_box_has_two_cells_on_each_side_as_far_as_the_grid_goes(cells, box):
    assert box_around(marked(*cells), margin=2) == box


def test_around_nothing_there_is_no_box():
    assert box_around(marked(), margin=2) is None


def test_a_box_of_cells_is_a_box_of_pixels():
    assert CellBox(2, 5, 1, 3).slices(12) == (slice(24, 60), slice(12, 36))


@pytest.mark.parametrize(
    ("box", "inside", "widened"),
    [
        (CellBox(4, 6, 8, 9), CellBox(0, 10, 0, 20), CellBox(3, 7, 6, 11)),
        (CellBox(0, 1, 19, 20), CellBox(0, 10, 0, 20), CellBox(0, 4, 15, 20)),
        (CellBox(1, 9, 2, 18), CellBox(0, 10, 0, 20), CellBox(1, 9, 2, 18)),
        (CellBox(0, 2, 0, 3), CellBox(0, 3, 0, 4), CellBox(0, 3, 0, 4)),
    ],
)
def test_a_box_is_widened_on_both_sides_as_far_as_there_is_room(box, inside, widened):
    assert box.widened(rows=4, columns=5, inside=inside) == widened
