"""Marked cells of a grid in, the box that holds them out: where flow is worth measuring."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CellBox:
    """Rows and columns of a grid, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    def slices(self, per_cell: int) -> tuple[slice, slice]:
        """Return the box on an array with `per_cell` elements a cell: rows 2…5 of 12 pixels are 24…60."""
        rows = slice(self.top * per_cell, self.bottom * per_cell)
        return rows, slice(self.left * per_cell, self.right * per_cell)

    def widened(self, *, rows: int, columns: int, inside: "CellBox") -> "CellBox":
        """Return the box with at least so many rows and columns, of which none lies outside another one.

        Rows 2…5 become 0…8 for eight of 0…20, as there is no row -1; of 0…6 they become all six.
        """
        top, bottom = _widened((self.top, self.bottom), rows, (inside.top, inside.bottom))
        left, right = _widened((self.left, self.right), columns, (inside.left, inside.right))
        return CellBox(top, bottom, left, right)


def _widened(span: tuple[int, int], length: int, limits: tuple[int, int]) -> tuple[int, int]:
    """Return a span of at least that length around another, or all that the limits hold."""
    (begin, end), (first, last) = span, limits
    length = min(max(length, end - begin), last - first)
    begin = min(max(first, begin - (length - (end - begin)) // 2), last - length)
    return begin, begin + length


def box_around(marked: NDArray[np.bool_], *, margin: int) -> CellBox | None:
    """Return the box of the marked cells and `margin` cells on each side; None where none is marked."""
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if not len(rows):
        return None
    return CellBox(
        top=max(0, int(rows[0]) - margin),
        bottom=min(marked.shape[0], int(rows[-1]) + margin + 1),
        left=max(0, int(columns[0]) - margin),
        right=min(marked.shape[1], int(columns[-1]) + margin + 1),
    )
