"""What is most unusual in a frame in, a short vector out: near ones are the same thing at one place."""

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.types import Region

F32 = NDArray[np.float32]

# Two things of different parts are at least this far apart; one is "the same".
PART_UNIT = 2.0
# So far apart in the picture, in widths or heights, is another place.
PLACE_UNIT = 0.15
# What is left for how it moves, how large it is, how it looks.
DESCRIPTOR_DIM = 8
# Of unit vectors, so much is the distance of two looks; the looks are kept by as many random projections.
LOOK_UNIT = 0.6

_PROJECTION = np.random.default_rng(0).standard_normal((DESCRIPTOR_DIM, 112)).astype(np.float32) / math.sqrt(
    DESCRIPTOR_DIM
)


def signature(part: int, region: Region, what: F32, *, parts: int) -> F32:
    """Return (parts + 2 + 8,): which part, where, and up to 8 numbers that say what, each 1 for "another".

    The middle of a region at x = 0.3 stands at 2.0; at x = 0.45, at 3.0, it is another place.
    """
    vector = np.zeros(parts + 2 + DESCRIPTOR_DIM, np.float32)
    vector[part] = PART_UNIT
    vector[parts] = (region.x + region.width / 2) / PLACE_UNIT
    vector[parts + 1] = (region.y + region.height / 2) / PLACE_UNIT
    vector[parts + 2 : parts + 2 + len(what)] = what
    return vector


def of_motion(velocity: F32, ratio: float) -> F32:
    """Describe a velocity (2,) by direction, opposite ones 1 apart, and doublings of the usual speed."""
    direction = velocity / max(float(np.hypot(*velocity)), 1e-6) / 2
    return np.array([*direction, math.log2(max(ratio, 1e-3))], np.float32)


def of_size(ratio: float) -> F32:
    """Describe a size, `ratio` times the usual, by its doublings."""
    return np.array([math.log2(max(ratio, 1e-3))], np.float32)


def of_lasting(share: float, *, is_new: bool) -> F32:
    """Describe a lasting change by whether it came or went, and by doublings of its share of the picture."""
    return np.array([1.0 if is_new else 0.0, math.log2(max(share, 1e-4))], np.float32)


def of_surprise(velocity: F32) -> F32:
    """Describe what moves most while something is unforeseen by its direction, opposite ones 1 apart."""
    return np.asarray(velocity / max(float(np.hypot(*velocity)), 1e-6) / 2, np.float32)


def of_look(cell: F32) -> F32:
    """Describe the (112,) unit vector of a cell."""
    return np.asarray(_PROJECTION @ cell / LOOK_UNIT, np.float32)
