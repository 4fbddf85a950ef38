"""Polygons on a camera's picture in, which of them a region touches out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from models.geometry import Point as Point  # noqa: PLC0414 - re-exported: stages import it from here
from models.geometry import drawn
from models.movement import CELL_PX, COLUMNS, HEIGHT_PX, ROWS, WIDTH_PX
from pipeline.types import Region

Bool = NDArray[np.bool_]

MAX_POINTS = 64
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
        self._outlines = {zone.name: zone.polygon for zone in zones}
        self._rasters: Mapping[str, Bool] = {
            name: _raster(polygon) for name, polygon in self._outlines.items()
        }

    @property
    def outlines(self) -> Mapping[str, tuple[Point, ...]]:
        """Each zone's polygon, in the order of the settings."""
        return self._outlines

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
        rows = _span(region.y, region.height, HEIGHT_PX)
        columns = _span(region.x, region.width, WIDTH_PX)
        return float(self._rasters[name][rows, columns].mean())

    def cells(self, name: str) -> Bool:
        """Return (40, 60): the cells of `models.movement` of which half or more lies in a zone.

        Raises:
            KeyError: There is no such zone.
        """
        blocks = self._rasters[name].reshape(ROWS, CELL_PX, COLUMNS, CELL_PX)
        return np.asarray(blocks.mean(axis=(1, 3)) >= 0.5)


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
    if not _raster(points).any() or _area(points) == 0:
        raise ValueError("the polygon encloses nothing")


def _raster(points: Sequence[Point]) -> Bool:
    return drawn([points], height=HEIGHT_PX, width=WIDTH_PX)


def _span(start: float, length: float, count: int) -> slice:
    """Return which of `count` rows or columns a stretch of the picture covers, one at least."""
    first = min(count - 1, max(0, round(start * count)))
    return slice(first, max(first + 1, min(count, round((start + length) * count))))


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
