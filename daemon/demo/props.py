"""Things that are not people: a cart with turning wheels."""

import functools

import numpy as np

from daemon.demo.figures import Canvas, Colour
from daemon.demo.painter import Sprite

NUM_WHEEL_PHASES = 12
WHEEL_M = 0.34  # radius


def wheel_phase_of(distance_m: float) -> int:
    """Return how far the wheels have turned, in twelfths of the angle between two spokes (72 degrees)."""
    spokes = distance_m / (2 * np.pi * WHEEL_M) * 5
    return round(spokes * NUM_WHEEL_PHASES) % NUM_WHEEL_PHASES


@functools.cache
def cart(wheel_phase: int) -> Sprite:
    """Return a delivery cart with its driver, driving to the right."""
    canvas = Canvas(4.4, 2.4)
    canvas.limb((0.75, 1.25), (0.72, 1.62), 0.34, colour=(40, 66, 96))  # the driver behind the windscreen
    canvas.disc((0.76, 1.9), 0.13, (208, 160, 128))
    canvas.disc((0.72, 1.95), 0.12, (70, 48, 34))
    canvas.polygon([(-1.7, 0.5), (-1.7, 1.75), (0.35, 1.75), (0.35, 0.5)], (228, 222, 206))
    canvas.polygon([(-1.7, 0.95), (-1.7, 1.2), (0.35, 1.2), (0.35, 0.95)], (206, 64, 44))
    canvas.polygon([(-1.8, 0.32), (-1.8, 0.62), (1.75, 0.62), (1.75, 0.32)], (66, 72, 80))
    canvas.polygon([(1.05, 0.6), (1.3, 1.15), (1.55, 1.05), (1.75, 0.6)], (206, 64, 44))
    canvas.limb((1.15, 1.1), (0.95, 2.05), 0.06, colour=(70, 74, 80))
    canvas.limb((0.98, 2.05), (0.3, 2.12), 0.08, colour=(216, 208, 192))
    canvas.limb((1.1, 1.3), (0.82, 1.42), 0.09, colour=(40, 66, 96))
    for centre_m in (-1.15, 1.15):
        _draw_wheel(canvas, centre_m, wheel_phase)
    return canvas.sprite()


def _draw_wheel(canvas: Canvas, centre_m: float, wheel_phase: int) -> None:
    tyre: Colour = (34, 34, 36)
    canvas.disc((centre_m, WHEEL_M), WHEEL_M, tyre)
    canvas.disc((centre_m, WHEEL_M), WHEEL_M * 0.72, (150, 150, 150))
    for spoke in range(5):
        angle = 2 * np.pi * (spoke + wheel_phase / NUM_WHEEL_PHASES) / 5
        end = (centre_m + 0.25 * float(np.sin(angle)), WHEEL_M + 0.25 * float(np.cos(angle)))
        canvas.limb((centre_m, WHEEL_M), end, 0.06, colour=tyre)


def armrest() -> Sprite:
    """Return the arm rest of a chair that looks to the left, to be drawn over who sits in it."""
    canvas = Canvas(2.0, 1.4)
    canvas.limb((-0.38, 0.3), (0.5, 0.3), 0.2, colour=(158, 90, 62))
    canvas.limb((-0.4, 0.6), (0.52, 0.62), 0.11, colour=(176, 104, 74))
    canvas.limb((-0.36, 0.56), (-0.36, 0.1), 0.07, colour=(92, 60, 42))
    return canvas.sprite()
