"""How things usually move in each place: a movement field goes in, how much faster than usual comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.flow import FINE, FINE_PER_CELL
from pipeline.cells import CELLS, F32, SIDE, gaussian_pooling

# Rows and columns of fine cells: a person far away, over whom the swing of the legs averages out.
WINDOW = (7, 5)
# A window of which less moves says nothing about a velocity.
MIN_MOVING_RATIO = 0.15
# Below this many picture widths a second, things stand still.
MIN_SPEED_PER_S = 0.01
# What hardly moves is measured against this at least: half a picture in 25 s is nobody's usual hurry.
SPEED_UNIT_PER_S = 0.02
# Things in one row of cells are about as far away, so their speeds compare well; rows above and below less.
ROW_SIGMA, COLUMN_SIGMA = 0.7, 5.0
# Where nothing moved yet, a plane through the speeds elsewhere says what is usual: what is lower in the
# picture is nearer and so faster. It counts as so many moving cells, and its slopes as none from the start.
PRIOR_CELLS, SLOPE_PRIOR = 20.0, 2.0
# Beyond this weight a cell forgets the oldest, exponentially.
MEMORY_CELLS = 5_000.0
# What is usual changes slowly: it is worked out anew after so many frames.
REFRESH_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Windows:
    """Person-sized windows around every fine cell in which something moves.

    `speeds` is (56, 56): how fast what moves in the window goes on the whole, picture widths a second.
    `shares` is (56, 56): how much of the window moves, 0 where that is too little to tell.
    """

    speeds: F32
    shares: F32

    @classmethod
    def of(cls, movement: F32) -> "Windows":
        """Sum up the (56, 56, 3) movement field over windows.

        The mean velocity of what moves, not the mean of its speeds: one leg forward at 0.3, one back at 0.1
        and a body at 0.1 have 0.1, which is how fast the walker walks.
        """
        rows, columns = WINDOW
        sums = cv2.boxFilter(movement, -1, (columns, rows), borderType=cv2.BORDER_CONSTANT)
        shares = sums[..., 0]
        tells = (shares >= MIN_MOVING_RATIO) & (movement[..., 0] > 0)
        speeds = cv2.magnitude(sums[..., 1], sums[..., 2]) / np.maximum(shares, MIN_MOVING_RATIO)
        return cls(np.asarray(speeds * tells, np.float32), np.asarray(shares * tells, np.float32))


NO_WINDOWS = Windows(np.zeros((FINE, FINE), np.float32), np.zeros((FINE, FINE), np.float32))


class FlowNormality:
    """One-sided: slower than usual is normal, and so is a direction that is rare."""

    def __init__(self) -> None:
        self._pooling = gaussian_pooling(ROW_SIGMA, COLUMN_SIGMA)
        self._sums = np.zeros((2, CELLS), np.float32)  # weight, weight times speed
        self._frames = 0
        self._usual: F32 = np.zeros((FINE, FINE), np.float32)

    def surprise(self, windows: Windows) -> F32:
        """Return (56, 56): by how many times the usual speed there a window is faster; 0 if not."""
        usual = self._usual
        excess = np.maximum(windows.speeds - usual, 0.0)
        return np.asarray(excess / (usual + np.float32(SPEED_UNIT_PER_S)), np.float32)

    def ratio(self, windows: Windows) -> F32:
        """Return (14, 14): how many times the usual speed the fastest window of a cell has."""
        ratio = windows.speeds / np.maximum(self._usual, np.float32(SPEED_UNIT_PER_S))
        return per_cell(np.asarray(ratio, np.float32))

    def learn(self, windows: Windows, *, limit: float | None = None) -> None:
        """Remember how fast windows move that do; at most by `limit` times the usual faster than usual."""
        speeds = windows.speeds
        if limit is not None:
            usual = self._usual
            speeds = np.minimum(speeds, usual + np.float32(limit) * (usual + np.float32(SPEED_UNIT_PER_S)))
        weights, weighted = _mean(windows.shares), _mean(windows.shares * speeds)
        self._sums += (weights, weighted)
        self._frames += 1
        if self._frames % REFRESH_FRAMES == 0 or self._frames < REFRESH_FRAMES:
            self._sums *= np.minimum(1.0, MEMORY_CELLS / np.maximum(self._sums[0], 1.0))
            self._refresh()

    def _refresh(self) -> None:
        pooled = self._sums @ self._pooling
        speeds = (pooled[1] + PRIOR_CELLS * _plane(self._sums)) / (pooled[0] + PRIOR_CELLS)
        coarse = np.asarray(speeds, np.float32).reshape(SIDE, SIDE)
        self._usual = np.asarray(cv2.resize(coarse, (FINE, FINE), interpolation=cv2.INTER_LINEAR), np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was learned, by name."""
        return {"sums": self._sums}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._sums = arrays["sums"].copy()
        self._refresh()


def _plane(sums: F32) -> F32:
    """Return (196,): the plane through the speeds of all cells by least squares, at least MIN_SPEED_PER_S.

    `sums` is (2, 196), weight and weighted speed of each cell.
    """
    place = (np.arange(SIDE, dtype=np.float64) - (SIDE - 1) / 2) / SIDE  # -0.46…0.46 of the picture
    rows, columns = np.repeat(place, SIDE), np.tile(place, SIDE)
    terms = np.stack([np.ones(CELLS), rows, columns])  # (3, 196)
    moments = (terms * sums[0]) @ terms.T + np.diag([1e-6, SLOPE_PRIOR, SLOPE_PRIOR])
    plane = np.linalg.solve(moments, terms @ sums[1].astype(np.float64)) @ terms
    return np.asarray(np.maximum(plane, MIN_SPEED_PER_S), np.float32)


def per_cell(fine: F32) -> F32:
    """Return (14, 14): the highest of the 4 x 4 fine cells of each cell of (56, 56) values."""
    rows = fine.reshape(SIDE, FINE_PER_CELL, FINE).max(axis=1)
    return np.asarray(rows.T.reshape(SIDE, FINE_PER_CELL, SIDE).max(axis=1).T)


def _mean(fine: F32) -> F32:
    """Return (196,): the mean of each cell's 4 x 4 fine cells."""
    return np.asarray(cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32).reshape(CELLS)
