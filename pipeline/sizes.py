"""How large moving things usually are in each row: a movement field in, how much larger than that out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.movement import COLUMNS, ROWS

F32 = NDArray[np.float32]

# A cell belongs to a thing if this much of it moves; things of fewer cells are noise.
MIN_SHARE, MIN_CELLS = 0.5, 3
# Things whose feet are in one row are about as far away; rows above and below compare less.
ROW_SIGMA = 2.5
# In natural logarithms: a deviation from the usual size is never less than this; where no thing was seen
# yet, a line through the sizes elsewhere says what is usual. It counts as so many things and deviates by so
# much.
MIN_DEVIATION = 0.1
PRIOR_THINGS, PRIOR_DEVIATION, SLOPE_PRIOR = 5.0, 0.7, 5.0
# Beyond this many things a row forgets the oldest, exponentially: an hour of one thing at 5 frames a second.
MEMORY_THINGS = 18_000.0
REFRESH_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Things:
    """What hangs together and moves, alone or in a group.

    `labels` is (40, 60): 0 or the number of the thing, counted from 1, of each cell. `feet` is (N,), the row
    below each thing, 1…40; `sizes` is (N,), the natural logarithm of its cells.
    """

    labels: NDArray[np.int32]
    feet: NDArray[np.intp]
    sizes: F32

    @classmethod
    def of(cls, cells: F32) -> "Things":
        """Find the things in a (40, 60, 3) movement field; those of fewer than MIN_CELLS have size 0."""
        mask = (cells[..., 0] > MIN_SHARE).astype(np.uint8)
        _, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        _, tops, _, heights, areas = boxes[1:].T
        sizes = np.log(np.where(areas >= MIN_CELLS, areas, 1)).astype(np.float32)
        return cls(np.asarray(labels, np.int32), (tops + heights).astype(np.intp), sizes)


NO_THINGS = Things(np.zeros((ROWS, COLUMNS), np.int32), np.zeros(0, np.intp), np.zeros(0, np.float32))


class SizeNormality:
    """One-sided: what is smaller than usual is half hidden, or a part of something."""

    def __init__(self) -> None:
        place = np.arange(ROWS + 1)
        self._pooling = np.exp(-((place[:, None] - place) ** 2) / (2 * ROW_SIGMA**2))
        self._sums = np.zeros((3, ROWS + 1))  # things, sizes, squares of sizes: by the row below the feet
        self._frames = 0
        self._usual: F32 = np.zeros(ROWS + 1, np.float32)
        self._deviation: F32 = np.full(ROWS + 1, PRIOR_DEVIATION, np.float32)

    def surprise(self, things: Things) -> F32:
        """Return (N,): by how many usual deviations each thing is larger than usual in its row; 0 if not."""
        excess = (things.sizes - self._usual[things.feet]) / self._deviation[things.feet]
        return np.asarray(np.maximum(excess, 0.0) * (things.sizes > 0), np.float32)

    def ratio(self, things: Things) -> F32:
        """Return (N,): how many times the usual size each thing has."""
        return np.asarray(np.exp(things.sizes - self._usual[things.feet]), np.float32)

    def is_known(self, foot: int) -> bool:
        """Say whether enough things had their feet near a row to tell what is usual there."""
        return bool(self._sums[0] @ self._pooling[foot] > PRIOR_THINGS)

    def learn(self, things: Things, *, limit: float | None = None) -> None:
        """Remember how large things are; at most by `limit` deviations larger than usual."""
        seen = things.sizes > 0
        feet, sizes = things.feet[seen], things.sizes[seen]
        if limit is not None:
            sizes = np.minimum(sizes, self._usual[feet] + np.float32(limit) * self._deviation[feet])
        for row, values in enumerate((np.ones_like(sizes), sizes, sizes * sizes)):
            np.add.at(self._sums[row], feet, values)
        self._frames += 1
        if self._frames % REFRESH_FRAMES == 0 or self._frames < REFRESH_FRAMES:
            self._sums *= np.minimum(1.0, MEMORY_THINGS / np.maximum(self._sums[0], 1.0))
            self._refresh()

    def _refresh(self) -> None:
        count, size, square = self._sums @ self._pooling
        line = self._line()
        count = count + PRIOR_THINGS
        usual = (size + PRIOR_THINGS * line) / count
        square = square + PRIOR_THINGS * (line * line + PRIOR_DEVIATION**2)
        variance = np.maximum(square / count - usual * usual, 0.0)
        self._usual = usual.astype(np.float32)
        self._deviation = (np.sqrt(variance) + MIN_DEVIATION).astype(np.float32)

    def _line(self) -> NDArray[np.float64]:
        """Return (41,): the line through the sizes of all rows by least squares, in logarithms at least 0."""
        rows = np.arange(ROWS + 1) / ROWS - 0.5
        terms = np.stack([np.ones(ROWS + 1), rows])
        moments = (terms * self._sums[0]) @ terms.T + np.diag([1e-6, SLOPE_PRIOR])
        return np.asarray(np.maximum(np.linalg.solve(moments, terms @ self._sums[1]) @ terms, 0.0))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was learned, by name."""
        return {"sums": self._sums}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `to_arrays` returned."""
        self._sums = arrays["sums"].copy()
        self._refresh()
