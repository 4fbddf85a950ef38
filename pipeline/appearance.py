"""What each cell of the picture usually looks like: feature grids in, how strange each cell is out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import CELLS, F32, SIDE, gaussian_pooling
from pipeline.memory import CHANNELS, CellMemory
from pipeline.running import CellStatistics

# Distances of unit vectors differ by this much through noise and compression alone.
MIN_DISTANCE_DEVIATION = 0.03
# Distances are pooled with the cells beside a cell.
POOLING_SIGMA = 0.7
# The score of a picture is the mean of this many most unusual cells.
TOP_CELLS = 3


class Appearance:
    """A memory of looks, and how far from it each cell usually lies."""

    def __init__(self) -> None:
        self._memory = CellMemory()
        self._spread = CellStatistics(gaussian_pooling(POOLING_SIGMA, POOLING_SIGMA))
        self._channels = np.zeros((3, CHANNELS))  # count, sum, sum of squares: until the memory takes them
        self._distances = np.zeros(CELLS, np.float32)

    @property
    def has_units(self) -> bool:
        """Say whether looks can be compared."""
        return self._memory.has_units

    def learn_units(self, grid: F32, *, is_last: bool) -> None:
        """Learn from one more grid (112, 14, 14) how its channels vary; the last one fixes their units."""
        values = grid.reshape(CHANNELS, CELLS).astype(np.float64)
        self._channels += (np.full(CHANNELS, CELLS), values.sum(axis=1), (values * values).sum(axis=1))
        if is_last:
            count, total, squares = self._channels
            mean = total / count
            deviation = np.sqrt(np.maximum(squares / count - mean * mean, 0.0))
            self._memory.set_units(mean.astype(np.float32), deviation.astype(np.float32))

    def look(self, grid: F32) -> F32:
        """Compare a grid (112, 14, 14) with what is remembered; return its (196, 112) unit vectors."""
        cells = self._memory.embed(grid)
        self._distances = self._memory.distances(cells)
        return cells

    def heat(self) -> F32:
        """Return (14, 14): by how many usual deviations each cell is farther from its memory than usual."""
        usual, deviation = self._spread.usual(floor=MIN_DISTANCE_DEVIATION)
        return np.asarray(np.maximum((self._distances - usual) / deviation, 0.0)).reshape(SIDE, SIDE)

    def learn_spread(self, *, limit: float | None) -> None:
        """Remember how far from the memory the last grid was, at most `limit` deviations beyond the usual."""
        distances = self._distances
        if limit is not None:
            usual, deviation = self._spread.usual(floor=MIN_DISTANCE_DEVIATION)
            distances = np.minimum(distances, usual + np.float32(limit) * deviation)
        self._spread.add(distances, np.ones(CELLS, np.float32))

    def remember(self, cells: F32) -> None:
        """Take (196, 112) unit vectors into the memory."""
        self._memory.learn(cells)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was learned, by name."""
        memory = {f"memory.{name}": array for name, array in self._memory.to_arrays().items()}
        return memory | {f"spread.{name}": array for name, array in self._spread.to_arrays().items()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        for prefix, part in (("memory.", self._memory), ("spread.", self._spread)):
            part.from_arrays({n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)})
