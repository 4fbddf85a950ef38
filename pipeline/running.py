"""Running means and deviations: of 196 cells, pooled with their neighbours, and of a few numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import CELLS, F32

F64 = NDArray[np.float64]

# Beyond this many observations a cell forgets the oldest, exponentially: 5 fps x 1 hour.
MEMORY_FRAMES = 18_000.0
# The picture as a whole counts as this many observations of each cell. Frames in a row show the same: at
# 5 fps these are about 40 sights of 5 s, so a place has a scale of its own once it was watched for minutes.
PRIOR_FRAMES = 1_000.0


class CellStatistics:
    """Weighted count, sum and sum of squares of a value for each cell.

    `zeros` observations of 0 count for each cell from the start.
    """

    def __init__(self, pooling: F32, *, zeros: float = 0.0) -> None:
        self._pooling = pooling
        self._zeros = zeros
        self._sums = np.zeros((3, CELLS), np.float32)  # count, sum, sum of squares

    def add(self, values: F32, weights: F32) -> None:
        """Observe (196,) values, each with its weight; weight 0 leaves a cell as it was."""
        self._sums[0] += weights
        self._sums[1] += weights * values
        self._sums[2] += weights * values * values
        self._sums *= np.minimum(1.0, MEMORY_FRAMES / np.maximum(self._sums[0], 1.0))

    def usual(self, floor: float) -> tuple[F32, F32]:
        """Return the usual value and the usual deviation of each cell, (196,) each; deviation >= `floor`."""
        total = self._sums.sum(axis=1)
        whole = total * min(1.0, PRIOR_FRAMES / max(float(total[0]), 1.0))  # the picture, as PRIOR_FRAMES
        pooled = self._sums @ self._pooling + whole[:, None]
        counts = np.maximum(pooled[0] + self._zeros, 1e-6)
        mean = pooled[1] / counts
        variance = np.maximum(pooled[2] / counts - mean * mean, 0.0)
        return mean, np.maximum(np.sqrt(variance), floor)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was observed, by name."""
        return {"sums": self._sums}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._sums = arrays["sums"].copy()


class Units:
    """Mean and deviation of N numbers, so that they can be compared with one another."""

    def __init__(self, count: int) -> None:
        self._sums = np.zeros((3, count))  # count, sum, sum of squares

    def add(self, values: F64) -> None:
        """Observe (N,) values."""
        self._sums += (np.ones_like(values), values, values * values)

    def excess(self, values: F64, *, floor: float) -> F64:
        """Return (N,): by how many deviations, each at least `floor`, the values exceed their means; or 0."""
        mean, squares = self._sums[1:] / np.maximum(self._sums[0], 1.0)
        deviation = np.sqrt(np.maximum(squares - mean * mean, floor * floor))
        return np.asarray(np.maximum((values - mean) / deviation, 0.0))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was observed, by name."""
        return {"sums": self._sums}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._sums = arrays["sums"].copy()
