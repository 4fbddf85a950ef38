"""How things usually move in each cell: a flow goes in, by how much it is faster than usual comes out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cells import CELLS, F32, SIDE, gaussian_pooling
from pipeline.running import CellStatistics

# Below this many picture widths a second, a cell stands still: the noise of dense flow on 112 px at 5 fps.
MIN_SPEED_PER_S = 0.01
# Things in one row of cells are about as far away, so their speeds compare well; rows above and below less.
ROW_SIGMA, COLUMN_SIGMA = 0.7, 2.5
# Where hardly anything has moved, standing still is usual: so many observations of it count from the start.
STANDING = 30.0


class FlowNormality:
    """One-sided: slower than usual is normal, and so is a direction that is rare."""

    def __init__(self) -> None:
        self._speeds = CellStatistics(gaussian_pooling(ROW_SIGMA, COLUMN_SIGMA), zeros=STANDING)

    def speeds(self, flow: F32) -> F32:
        """Return (196,) picture widths or heights per second of the (14, 14, 2) flow."""
        return np.hypot(flow[..., 0], flow[..., 1]).reshape(CELLS)

    def surprise(self, speeds: F32) -> F32:
        """Return (14, 14): by how many usual deviations a cell is faster than things are there; 0 if not."""
        mean, deviation = self._speeds.usual(floor=MIN_SPEED_PER_S)
        excess = np.maximum(speeds - np.maximum(mean, MIN_SPEED_PER_S), 0.0) / deviation
        return np.asarray(excess, np.float32).reshape(SIDE, SIDE)

    def ratio(self, speeds: F32) -> F32:
        """Return (14, 14): how many times the usual speed there; against MIN_SPEED_PER_S if nothing moved."""
        mean, _ = self._speeds.usual(floor=MIN_SPEED_PER_S)
        usual = np.maximum(mean, MIN_SPEED_PER_S)
        return np.asarray(speeds / usual, np.float32).reshape(SIDE, SIDE)

    def ceiling(self, deviations: float) -> F32:
        """Return (196,): the speeds that lie so many usual deviations above the mean of each cell."""
        mean, deviation = self._speeds.usual(floor=MIN_SPEED_PER_S)
        return mean + np.float32(deviations) * deviation

    def learn(self, speeds: F32) -> None:
        """Remember how fast the cells move that do."""
        self._speeds.add(speeds, (speeds > MIN_SPEED_PER_S).astype(np.float32))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was learned, by name."""
        return self._speeds.to_arrays()

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._speeds.from_arrays(arrays)
