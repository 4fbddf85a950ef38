"""The rectangle that says where in a picture something is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture in fractions of its width and height; the origin is the top left corner."""

    x: float
    y: float
    width: float
    height: float
