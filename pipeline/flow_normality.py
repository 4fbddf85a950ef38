"""How things usually move in each place: a movement field goes in, how much faster than usual comes out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.movement import COLUMNS, ROWS

F32 = NDArray[np.float32]

# Rows and columns of cells: a person far away, over whom the swing of the legs averages out.
WINDOW = (5, 3)
# What a window held is carried along with its movement, and fades so fast: one frame alone is often wrong.
CARRY_S = 0.5
# A window of which less moves says nothing about a velocity.
MIN_MOVING_RATIO = 0.2
# Below this many picture widths a second, things stand still.
MIN_SPEED_PER_S = 0.01
# A deviation from the usual speed is never less than this, nor than this share of it.
MIN_DEVIATION_PER_S, MIN_DEVIATION_RATIO = 0.01, 0.15
# Things in one row are about as far away, so their speeds compare well; rows above and below less.
ROW_SIGMA, COLUMN_SIGMA = 2.0, 20.0
# Speeds are summed up in strips of this many columns of cells.
STRIP = 5
STRIPS = COLUMNS // STRIP
# Where nothing moved yet, a plane through the speeds elsewhere says what is usual: what is lower in the
# picture is nearer and so faster. It counts as so many moving cells, varies as walkers do, and its slopes
# start at none.
PRIOR_CELLS, PRIOR_DEVIATION_RATIO, SLOPE_PRIOR = 20.0, 0.4, 2.0
# Beyond this weight a strip forgets the oldest, exponentially.
MEMORY_CELLS = 25_000.0
# What is usual changes slowly: it is worked out anew after so many frames.
REFRESH_FRAMES = 10

_X, _Y = np.meshgrid(np.arange(COLUMNS, dtype=np.float32), np.arange(ROWS, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Windows:
    """Person-sized windows around every cell in which something moves.

    `speeds` is (40, 60): how fast what moves in the window goes on the whole, picture widths a second.
    `shares` is (40, 60): how much of the window moves, 0 where that is too little to tell.
    `sums` is (40, 60, 3): the movement of the window, and of what it held before.
    """

    speeds: F32
    shares: F32
    sums: F32

    @classmethod
    def of(cls, cells: F32, before: "Windows | None" = None, *, step_s: float = 0.0) -> "Windows":
        """Sum up the (40, 60, 3) movement over windows, and what the windows held `step_s` before.

        The mean velocity of what moves, not the mean of its speeds: one leg forward at 0.3, one back at 0.1
        and a body at 0.1 have 0.1, which is how fast the walker walks.
        """
        rows, columns = WINDOW
        sums = cv2.boxFilter(cells, -1, (columns, rows), borderType=cv2.BORDER_CONSTANT)
        now = sums[..., 0]
        tells = now >= MIN_MOVING_RATIO / 2
        if before is not None and step_s > 0:
            # A thing at 0.1 widths a second comes from 0.1 * 60 * step_s cells away.
            way = sums[..., 1:] * (COLUMNS * step_s) / np.maximum(now, MIN_MOVING_RATIO / 2)[..., None]
            held = cv2.remap(before.sums, _X - way[..., 0], _Y - way[..., 1], cv2.INTER_LINEAR)
            kept = np.float32(math.exp(-step_s / CARRY_S))
            sums = held * kept + sums * (1 - kept)
        shares = sums[..., 0]
        tells &= shares >= MIN_MOVING_RATIO
        speeds = cv2.magnitude(sums[..., 1], sums[..., 2]) / np.maximum(shares, MIN_MOVING_RATIO)
        return cls(
            np.asarray(speeds * tells, np.float32),
            np.asarray(shares * tells, np.float32),
            np.asarray(sums, np.float32),
        )

    def velocity(self, row: int, column: int) -> F32:
        """Return (2,): where the window around a cell goes, in picture widths a second."""
        return np.asarray(
            self.sums[row, column, 1:] / max(float(self.sums[row, column, 0]), 1e-3), np.float32
        )


_NOTHING = np.zeros((ROWS, COLUMNS), np.float32)
NO_WINDOWS = Windows(_NOTHING, _NOTHING, np.zeros((ROWS, COLUMNS, 3), np.float32))


class FlowNormality:
    """One-sided: slower than usual is normal, and so is a direction that is rare."""

    def __init__(self) -> None:
        self._rows = _gaussian(ROWS, ROW_SIGMA)
        self._strips = _gaussian(STRIPS, COLUMN_SIGMA / STRIP)
        self._sums = np.zeros((3, ROWS, STRIPS), np.float32)  # weight, weight x speed, weight x its square
        self._frames = 0
        self._usual: F32 = np.full((ROWS, COLUMNS), MIN_SPEED_PER_S, np.float32)
        self._deviation: F32 = np.full((ROWS, COLUMNS), MIN_DEVIATION_PER_S, np.float32)
        self._weight: F32 = np.zeros((ROWS, STRIPS), np.float32)

    def surprise(self, windows: Windows) -> F32:
        """Return (40, 60): by how many usual deviations a window is faster than usual there; 0 if not."""
        excess = (windows.speeds - self._usual) / self._deviation
        return np.asarray(np.maximum(excess, 0.0) * (windows.shares > 0), np.float32)

    def ratio(self, windows: Windows) -> F32:
        """Return (40, 60): how many times the usual speed a window has."""
        return np.asarray(windows.speeds / self._usual, np.float32)

    def is_known(self, row: int, column: int) -> bool:
        """Say whether enough moved in the rows around a cell to tell what is usual there."""
        return bool(self._weight[row, column // STRIP] > PRIOR_CELLS)

    def learn(self, windows: Windows, *, limit: float | None = None) -> None:
        """Remember how fast windows move that do; at most by `limit` deviations faster than usual."""
        speeds = windows.speeds
        if limit is not None:
            speeds = np.minimum(speeds, self._usual + np.float32(limit) * self._deviation)
        weighted = windows.shares * speeds
        values = np.stack([windows.shares, weighted, weighted * speeds])
        self._sums += values.reshape(3, ROWS, STRIPS, STRIP).sum(axis=3)
        self._frames += 1
        if self._frames % REFRESH_FRAMES == 0 or self._frames < REFRESH_FRAMES:
            self._sums *= np.minimum(1.0, MEMORY_CELLS / np.maximum(self._sums[0], 1.0))
            self._refresh()

    def _refresh(self) -> None:
        weight, speed, square = (self._rows @ plane @ self._strips for plane in self._sums)
        plane, self._weight = _plane(self._sums), np.asarray(weight, np.float32)
        counts = self._weight + PRIOR_CELLS
        usual = (speed + PRIOR_CELLS * plane) / counts
        square += PRIOR_CELLS * (1 + PRIOR_DEVIATION_RATIO**2) * plane * plane
        variance = np.maximum(square / counts - usual * usual, 0.0)
        deviation = np.maximum(np.sqrt(variance), MIN_DEVIATION_RATIO * usual) + MIN_DEVIATION_PER_S
        self._usual, self._deviation = _spread(usual), _spread(deviation)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was learned, by name."""
        return {"sums": self._sums}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._sums = arrays["sums"].copy()
        self._refresh()


def _gaussian(length: int, sigma: float) -> F32:
    """Return (N, N): the weight of each place seen from each; 1 for its own, so that counts stay counts."""
    place = np.arange(length)
    return np.exp(-((place[:, None] - place) ** 2) / (2 * sigma**2)).astype(np.float32)


def _plane(sums: F32) -> F32:
    """Return (40, 12): the plane through the speeds of all strips by least squares, at least MIN_SPEED_PER_S.

    `sums` is (3, 40, 12), of which weight and weighted speed count.
    """
    rows, columns = np.meshgrid(_centred(ROWS), _centred(STRIPS), indexing="ij")
    terms = np.stack([np.ones(ROWS * STRIPS), rows.ravel(), columns.ravel()])  # (3, 480)
    moments = (terms * sums[0].ravel()) @ terms.T + np.diag([1e-6, SLOPE_PRIOR, SLOPE_PRIOR])
    plane = np.linalg.solve(moments, terms @ sums[1].ravel().astype(np.float64)) @ terms
    return np.asarray(np.maximum(plane, MIN_SPEED_PER_S), np.float32).reshape(ROWS, STRIPS)


def _centred(length: int) -> NDArray[np.float64]:
    """Return places from -0.5 to 0.5 of the picture: of two, -0.25 and 0.25."""
    return (np.arange(length, dtype=np.float64) - (length - 1) / 2) / length


def _spread(strips: NDArray[Any]) -> F32:
    """Return (40, 60) of (40, 12): between the middles of two strips, in proportion."""
    return np.asarray(cv2.resize(strips, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR), np.float32)
