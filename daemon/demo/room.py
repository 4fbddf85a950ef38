"""A living room seen from a shelf: somebody comes in, sits down for a while, gets up and leaves."""

import numpy as np

from daemon.demo import figures, props
from daemon.demo.figures import Look
from daemon.demo.painter import Place, Rgb, cast_shadow, paste
from daemon.demo.perspective import WIDTH_PX
from daemon.demo.room_interior import VIEW, paint_room

ROUND_S = 22.5  # a quarter of the script, so that its end meets its start
DEPTH_M = 4.4
DOOR_X_M, CHAIR_X_M = -4.2, 1.55  # the door lies just outside the picture
WALK_M_PER_S = 1.1
ENTERS_S, SITS_S, RISES_S = 1.0, 6.6, 14.2  # of every round; sitting down and rising take a second
HABITANT = Look((92, 116, 140), (64, 58, 62), (70, 46, 34))


class Room:
    """Renders the room at any second."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._interior = paint_room(rng)
        self._armrest = props.armrest()
        self._shift_m = rng.normal(0.0, 0.05, 4)  # one of four rounds differs from the next

    def render(self, time_s: float) -> Rgb:
        """Return the (360, 640, 3) picture of this second."""
        picture = self._interior.copy()
        self._draw_habitant(picture, time_s % ROUND_S, self._shift_m[int(time_s // ROUND_S) % 4])
        scale = VIEW.px_per_m(DEPTH_M)
        x_px = WIDTH_PX / 2 + scale * (CHAIR_X_M + 0.4)
        paste(picture, self._armrest, Place(x_px, VIEW.ground_px(DEPTH_M), scale))
        return picture

    def _draw_habitant(self, picture: Rgb, time_s: float, shift_m: float) -> None:
        chair_m = CHAIR_X_M + 0.05 * shift_m
        seated = np.clip(min(time_s - SITS_S, RISES_S + 1 - time_s), 0.0, 1.0)
        if time_s < SITS_S:
            x_m = min(DOOR_X_M + WALK_M_PER_S * (time_s - ENTERS_S), chair_m)
        else:
            x_m = chair_m - WALK_M_PER_S * max(0.0, time_s - RISES_S - 1)
        if x_m < DOOR_X_M:
            return
        looks_left = time_s > SITS_S - 0.3
        walks = seated == 0 and x_m < chair_m
        if walks:
            sprite = figures.walker(HABITANT, figures.phase_of(abs(x_m - DOOR_X_M)))
        else:
            sprite = figures.sitter(HABITANT, round(10 * _eased(float(seated))))
        scale = VIEW.px_per_m(DEPTH_M)
        x_px = WIDTH_PX / 2 + scale * (x_m + 0.4 * _eased(float(seated)))
        place = Place(x_px, VIEW.ground_px(DEPTH_M) + scale * shift_m, scale, mirrored=looks_left)
        cast_shadow(picture, sprite, place, strength=0.3)
        paste(picture, sprite, place)


def _eased(ratio: float) -> float:
    return ratio * ratio * (3 - 2 * ratio)
