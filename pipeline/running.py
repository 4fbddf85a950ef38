"""Running means and deviations: of 196 cells, pooled with their neighbours."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import CELLS, F32

# Beyond this many observations a cell forgets the oldest, exponentially: 5 fps x 1 hour.
MEMORY_FRAMES = 18_000.0
# The picture as a whole counts as this many observations of each cell: at 5 fps, a minute. On held-out
# training footage of Ped2 anything from 0 to 3,000 did equally well (docs/anomaly.md).
PRIOR_FRAMES = 300.0


# What is usual changes slowly: it is worked out anew after so many observations.
REFRESH_FRAMES = 10


class CellStatistics:
    """Weighted count, sum and sum of squares of a value for each cell.

    `zeros` observations of 0 count for each cell from the start.
    """

    def __init__(self, pooling: F32, *, zeros: float = 0.0) -> None:
        self._pooling = pooling
        self._zeros = zeros
        self._sums = np.zeros((3, CELLS), np.float32)  # count, sum, sum of squares
        self._additions = 0
        self._usual: tuple[F32, F32] | None = None  # the mean and the variance of each cell, when last asked

    def add(self, values: F32, weights: F32) -> None:
        """Observe (196,) values, each with its weight; weight 0 leaves a cell as it was."""
        self._sums[0] += weights
        self._sums[1] += weights * values
        self._sums[2] += weights * values * values
        self._additions += 1
        if self._additions % REFRESH_FRAMES == 0 or self._additions < REFRESH_FRAMES:
            self._sums *= np.minimum(1.0, MEMORY_FRAMES / np.maximum(self._sums[0], 1.0))
            self._usual = None

    def usual(self, floor: float) -> tuple[F32, F32]:
        """Return the usual value and the usual deviation of each cell, (196,) each; deviation >= `floor`."""
        if self._usual is None:
            self._usual = self._pooled()
        mean, variance = self._usual
        return mean, np.maximum(np.sqrt(variance), floor)

    def _pooled(self) -> tuple[F32, F32]:
        total = self._sums.sum(axis=1)
        whole = total * min(1.0, PRIOR_FRAMES / max(float(total[0]), 1.0))  # the picture, as PRIOR_FRAMES
        pooled = self._sums @ self._pooling + whole[:, None]
        counts = np.maximum(pooled[0] + self._zeros, 1e-6)
        mean = pooled[1] / counts
        return mean, np.maximum(pooled[2] / counts - mean * mean, 0.0)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was observed, by name."""
        return {"sums": self._sums}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._sums, self._usual = arrays["sums"].copy(), None
