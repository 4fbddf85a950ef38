"""A small world in place of camera and encoder: textured cells, and a walker that crosses one row."""

from dataclasses import dataclass

import numpy as np

from models.movement import COLUMNS, ROWS, Movement
from pipeline.cells import SIDE

FPS = 5
WALK_PER_S = 0.15  # picture widths: a crossing takes about seven seconds
ROW = 7
# The walker covers four rows and three columns of movement cells; each is 2 x 2 pixels of the view.
TOP, HIGH, WIDE = 20, 4, 3


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame of the world: `grid` (112, 14, 14) and `movement`."""

    grid: np.ndarray
    movement: Movement


class World:
    """A walker goes back and forth along ROW; `speed_ratio` makes it faster, `size` larger.

    `bag` puts a thing into a cell of the grid, and into the view.
    """

    def __init__(self, seed=0):
        self._rng = np.random.default_rng(seed)
        look = np.random.default_rng(0).standard_normal
        self._empty = look((112, SIDE, SIDE)).astype(np.float32)
        self._floor = np.random.default_rng(1).integers(80, 160, (2 * ROWS, 2 * COLUMNS))
        self.walker_look = 2 * look(112).astype(np.float32)
        self._bag = 2 * look(112).astype(np.float32)
        self._place = 0.0

    def frame(self, *, speed_ratio=1.0, size=1, bag=None, walker=True):
        grid = self._empty + self._rng.normal(0, 0.1, self._empty.shape).astype(np.float32)
        cells = np.zeros((ROWS, COLUMNS, 3), np.float32)
        view = self._floor + self._rng.integers(0, 2, self._floor.shape)
        if walker:
            # Each crossing is a little slower or faster than the last.
            speed = WALK_PER_S * speed_ratio * (1 + 0.2 * np.sin(self._place))
            self._place += speed / FPS
            place = self._place % 1.0
            grid[:, ROW, int(place * SIDE)] = self.walker_look + self._rng.normal(0, 0.2, 112)
            columns = slice(int(place * COLUMNS), int(place * COLUMNS) + WIDE * size)
            cells[TOP + HIGH - HIGH * size : TOP + HIGH, columns] = 1, speed, 0
            view[2 * TOP : 2 * (TOP + HIGH), 2 * columns.start : 2 * columns.stop] = 30
        if bag is not None:
            row, column = bag
            grid[:, row, column] = self._bag
            top, left = 2 * ROWS * row // SIDE, 2 * COLUMNS * column // SIDE
            view[top : top + 5, left : left + 6] = 20
        return Seen(grid, Movement(cells, view.astype(np.uint8)))

    def frames(self, seconds, **options):
        return (self.frame(**options) for _ in range(round(seconds * FPS)))
