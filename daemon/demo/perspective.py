"""Metres in a scene in, pixels of its picture out: where the demo's cameras hang and how they look."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 640, 360
FINE = 3  # backgrounds are painted this much larger and averaged down

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]
Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Perspective:
    """A camera above the ground that looks straight ahead: the row of its horizon and its focal length."""

    horizon_px: float
    focal_px: float
    height_m: float

    def px_per_m(self, depth_m: float) -> float:
        """Return the scale at a distance: with 470 px of focal length 47 px a metre at 10 m."""
        return self.focal_px / depth_m

    def ground_px(self, depth_m: float) -> float:
        """Return the row on which the ground at a distance is seen."""
        return self.horizon_px + self.px_per_m(depth_m) * self.height_m

    def fine(self, x_m: float, depth_m: float, up_m: float = 0.0) -> Point:
        """Return where a point is painted; `x_m` counts from the middle of the picture to the right."""
        scale = self.px_per_m(depth_m)
        x_px = WIDTH_PX / 2 + scale * x_m
        y_px = self.horizon_px + scale * (self.height_m - up_m)
        return (round(x_px * FINE), round(y_px * FINE))
