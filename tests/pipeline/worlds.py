"""A small world in place of camera and encoder: textured cells, and a walker that crosses one row."""

from dataclasses import dataclass

import numpy as np

from models.flow import FINE, FINE_PER_CELL
from pipeline.cells import SIDE

FPS = 5
WALK_PER_S = 0.15  # picture widths: a crossing takes about seven seconds
ROW = 7


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame of the world: `grid` (112, 14, 14), `movement` (56, 56, 3)."""

    grid: np.ndarray
    movement: np.ndarray


class World:
    """A walker goes back and forth along ROW; `speed_ratio` makes it faster, `bag` puts a thing in a cell."""

    def __init__(self, seed=0):
        self._rng = np.random.default_rng(seed)
        look = np.random.default_rng(0).standard_normal
        self._empty = look((112, SIDE, SIDE)).astype(np.float32)
        self._walker = 2 * look(112).astype(np.float32)
        self._bag = 2 * look(112).astype(np.float32)
        self._place = 0.0

    def frame(self, *, speed_ratio=1.0, bag=None, walker=True):
        grid = self._empty + self._rng.normal(0, 0.1, self._empty.shape).astype(np.float32)
        movement = np.zeros((FINE, FINE, 3), np.float32)
        if walker:
            # Each crossing is a little slower or faster than the last.
            speed = WALK_PER_S * speed_ratio * (1 + 0.2 * np.sin(self._place))
            self._place += speed / FPS
            column = int(self._place % 1.0 * SIDE)
            grid[:, ROW, column] = self._walker + self._rng.normal(0, 0.2, 112)
            fine = slice(column * FINE_PER_CELL, (column + 1) * FINE_PER_CELL)
            movement[ROW * FINE_PER_CELL : (ROW + 1) * FINE_PER_CELL, fine] = 1, speed, 0
        if bag is not None:
            grid[:, bag[0], bag[1]] = self._bag
        return Seen(grid, movement)

    def frames(self, seconds, **options):
        return (self.frame(**options) for _ in range(round(seconds * FPS)))
