"""The rectangles and polygons that say where in a picture something is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]  # fractions of the picture's width and height, from the top left corner
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture in fractions of its width and height; the origin is the top left corner."""

    x: float
    y: float
    width: float
    height: float


def drawn(polygons: Iterable[Sequence[Point]], *, height: int, width: int) -> Bool:
    """Return (height, width): the pixels whose centre lies in one of the polygons."""
    y, x = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    picture = np.zeros((height, width), bool)
    for points in polygons:
        inside = np.zeros((height, width), bool)
        # A point is inside where a line from it to the right crosses an odd number of edges.
        for (x1, y1), (x2, y2) in pairwise([*points, points[0]]):
            if y1 != y2:
                crossing = x1 + (y - y1) / (y2 - y1) * (x2 - x1)
                inside ^= ((y1 > y) != (y2 > y))[:, None] & (x < crossing[:, None])
        picture |= inside
    return picture
