"""The 14 x 14 cells of a picture: neighbourhoods, pooling over them, and the region that cells cover."""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.types import Region

F32 = NDArray[np.float32]

SIDE = 14
CELLS = SIDE * SIDE
NEIGHBOURS = 9


def neighbour_table() -> NDArray[np.intp]:
    """Return (196, 9): the cells around each cell, row by row, itself in the middle.

    Beyond the border the nearest cell stands in: cell 0 has (0, 0, 1, 0, 0, 1, 14, 14, 15).
    """
    offsets = np.arange(-1, 2)
    rows = np.clip(np.arange(SIDE)[:, None] + offsets, 0, SIDE - 1)  # (14, 3)
    table = rows[:, None, :, None] * SIDE + rows[None, :, None, :]  # (14, 14, 3, 3)
    return np.asarray(table.reshape(CELLS, NEIGHBOURS))


def meeting_table() -> NDArray[np.intp]:
    """Return (196, 9): for each cell and each neighbour, where that neighbour's view of the cell stands.

    Rows of `neighbour_table` count views: view 9 * c + n is that of cell c on its n-th neighbour. Cell 15 is
    seen by cell 0, the first of its neighbours, as the last of cell 0's: its row begins with 9 * 0 + 8.
    Beyond the border a cell looks at itself (9 * c + 4).
    """
    table = neighbour_table()
    views = table * NEIGHBOURS + np.arange(NEIGHBOURS)[::-1]
    own = np.arange(CELLS)[:, None]
    return np.where(table.reshape(-1)[views] == own, views, own * NEIGHBOURS + NEIGHBOURS // 2)


def gaussian_pooling(row_sigma: float, column_sigma: float) -> F32:
    """Return the (196, 196) matrix whose row i holds the weights of all cells around cell i.

    A cell's weight in its own row is 1, so that pooled counts stay counts.
    """
    place = np.arange(SIDE)
    apart = (place[:, None] - place[None, :]) ** 2
    rows, columns = np.exp(-apart / (2 * row_sigma**2)), np.exp(-apart / (2 * column_sigma**2))
    return np.kron(rows, columns).astype(np.float32)


def region_of(cells: NDArray[np.bool_]) -> Region:
    """Return the smallest rectangle around the true cells of any grid; the whole picture if none is true."""
    height, width = cells.shape
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    if not len(rows):
        return Region(0.0, 0.0, 1.0, 1.0)
    return Region(
        x=float(columns[0]) / width,
        y=float(rows[0]) / height,
        width=float(columns[-1] - columns[0] + 1) / width,
        height=float(rows[-1] - rows[0] + 1) / height,
    )


def around_peak(values: F32, *, share: float) -> NDArray[np.bool_]:
    """Mark the cells of any grid that reach `share` of the peak and hang together with it (8 neighbours)."""
    hot = (values >= share * values.max()).astype(np.uint8)
    _, groups = cv2.connectedComponents(hot, connectivity=8)
    return np.asarray(groups == groups.flat[int(values.argmax())])


def highest_per_cell(fine: F32) -> F32:
    """Return (14, 14): the highest value in each cell of a finer grid.

    Of 40 rows, cell row 0 begins with row 0, row 1 with 2, row 2 with 5: floor(40 n / 14).
    """
    rows, columns = (np.arange(SIDE) * length // SIDE for length in fine.shape)
    return np.maximum.reduceat(np.maximum.reduceat(fine, rows, axis=0), columns, axis=1)


def mean_of_highest(values: F32, count: int) -> float:
    """Return the mean of the `count` highest values of any grid: one cell alone may be noise."""
    return float(np.partition(values, -count, axis=None)[-count:].mean())
