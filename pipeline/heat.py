"""How unusual each cell of a picture is in, a layer that colours it out: for the page and for pictures."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.movement import COLUMNS, ROWS
from pipeline.cells import F32

# How much of the picture the hottest cell hides, and in which colour (BGR).
HEAT_SHARE = 0.45
HEAT_COLOUR = (30, 30, 230)


def opacity(heat: F32, *, width_px: int, height_px: int) -> F32:
    """Return (height, width): how much a heat map of any grid hides, from 0 to HEAT_SHARE at its highest."""
    highest = float(heat.max(initial=0.0))
    if highest <= 0:
        return np.zeros((height_px, width_px), np.float32)
    is_finer = heat.shape[1] > width_px
    smooth = cv2.INTER_AREA if is_finer else cv2.INTER_LINEAR
    share = (heat / highest).astype(np.float32)
    return HEAT_SHARE * np.asarray(cv2.resize(share, (width_px, height_px), interpolation=smooth), np.float32)


def heat_layer(heat: F32, hidden: NDArray[np.bool_]) -> bytes | None:
    """Return a PNG of 60 x 40 pixels, clear where nothing is unusual; None where that is everywhere.

    It is clear in `hidden` (40, 60), too.
    """
    alpha = np.rint(255 * opacity(heat, width_px=COLUMNS, height_px=ROWS)).astype(np.uint8)
    alpha[hidden] = 0
    if not alpha.any():
        return None
    layer: NDArray[np.uint8] = np.empty((ROWS, COLUMNS, 4), np.uint8)
    layer[..., :3], layer[..., 3] = HEAT_COLOUR, alpha
    _, png = cv2.imencode(".png", layer)
    return png.tobytes()
