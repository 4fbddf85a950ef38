"""Polygons on a camera's picture in, which of them a region touches out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from models.flow import FINE
from pipeline.types import Region

Point = tuple[float, float]  # fractions of the picture's width and height, from the top left corner
Bool = NDArray[np.bool_]

MAX_POINTS = 64
# Zones are drawn on so many cells a side: a hundredth of the picture is two of them.
RASTER = 4 * FINE
# A region of which less lies in a zone only grazes it.
TOUCHING_RATIO = 0.1


@dataclass(frozen=True, slots=True)
class Zone:
    """A named part of a camera's picture; the polygon is closed by itself."""

    name: str
    polygon: tuple[Point, ...]


class ZoneMap:
    """The zones of one camera, drawn once; zones may overlap."""

    def __init__(self, zones: Iterable[Zone] = ()) -> None:
        self._rasters: Mapping[str, Bool] = {
            zone.name: drawn([zone.polygon], height=RASTER, width=RASTER) for zone in zones
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The zones in the order of the settings."""
        return tuple(self._rasters)

    def touched_by(self, region: Region) -> tuple[str, ...]:
        """Return the zones that a tenth of the region or more lies in."""
        return tuple(name for name in self._rasters if self.share(region, name) >= TOUCHING_RATIO)

    def share(self, region: Region, name: str) -> float:
        """Return how much of a region lies in a zone, 0 to 1.

        Raises:
            KeyError: There is no such zone.
        """
        rows = _span(region.y, region.height)
        columns = _span(region.x, region.width)
        return float(self._rasters[name][rows, columns].mean())

    def cells(self, name: str) -> Bool:
        """Return (56, 56): the fine cells of which half or more lies in a zone.

        Raises:
            KeyError: There is no such zone.
        """
        blocks = self._rasters[name].reshape(FINE, RASTER // FINE, FINE, RASTER // FINE)
        return np.asarray(blocks.mean(axis=(1, 3)) >= 0.5)


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


def check_polygon(points: Sequence[Point]) -> None:
    """Refuse what is no area of the picture.

    Raises:
        ValueError: One sentence about what is wrong with it.
    """
    if not 3 <= len(points) <= MAX_POINTS:
        raise ValueError(f"a polygon has 3 to {MAX_POINTS} points, this one has {len(points)}")
    for x, y in points:
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ValueError(f"the point {x:g}, {y:g} is off the picture, which runs from 0 to 1 both ways")
    edges = list(zip(points, [*points[1:], points[0]], strict=True))
    for (i, one), (j, other) in combinations(enumerate(edges), 2):
        are_neighbours = j == i + 1 or (i == 0 and j == len(edges) - 1)
        if not are_neighbours and _cross(one, other):
            raise ValueError(f"the polygon crosses itself: edges {i + 1} and {j + 1} meet")
    if not drawn([points], height=RASTER, width=RASTER).any() or _area(points) == 0:
        raise ValueError("the polygon encloses nothing")


def _span(start: float, length: float) -> slice:
    """Return the raster's cells of a stretch of the picture, one at least."""
    first = min(RASTER - 1, max(0, round(start * RASTER)))
    return slice(first, max(first + 1, min(RASTER, round((start + length) * RASTER))))


def _area(points: Sequence[Point]) -> float:
    corners = [*points, points[0]]
    pairs = pairwise(corners)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Say whether two edges have a point in common."""
    (a, b), (c, d) = one, other
    sides = (_side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b))
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    corners = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(side == 0 and _between(*corner) for side, corner in zip(sides, corners, strict=True))


def _side(a: Point, b: Point, c: Point) -> float:
    """Return on which side of the line from `a` to `b` `c` lies: above 0 or below; 0 on it."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _between(a: Point, b: Point, c: Point) -> bool:
    """Say whether `c`, which is on the line through `a` and `b`, lies between them."""
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])
