"""A town square seen from a lamp post: walkers on their usual ways, and sometimes a runner or a cart."""

from dataclasses import dataclass

import numpy as np

from daemon.demo import figures, props
from daemon.demo.figures import Look
from daemon.demo.painter import Place, Rgb, Sprite, cast_shadow, paste
from daemon.demo.perspective import WIDTH_PX
from daemon.demo.plaza_ground import VIEW, paint_plaza

ROUND_S = 22.5  # everybody comes by once in it; a quarter of the script, so that its end meets its start
MARGIN_M = 2.0
RUN_M_PER_S, CART_M_PER_S = 5.4, 3.6


@dataclass(frozen=True, slots=True)
class Way:
    """One person's daily way across the square, at one distance from the camera."""

    look: Look
    depth_m: float
    speed_m_per_s: float
    starts_s: float
    leftwards: bool = False


@dataclass(frozen=True, slots=True)
class _Standing:
    """A sprite, where it stands in metres, and whether it looks to the left."""

    sprite: Sprite
    x_m: float
    depth_m: float
    leftwards: bool


RED = Look((158, 44, 42), (44, 52, 88), (58, 40, 30))
GREEN = Look((58, 96, 66), (72, 64, 56), (30, 26, 24), bag=(120, 84, 46))
CREAM = Look((214, 200, 170), (60, 62, 70), (122, 88, 54))
BLUE = Look((52, 84, 146), (40, 40, 46), (24, 22, 22), skin=(150, 104, 78))
OCHRE = Look((196, 140, 52), (58, 70, 98), (84, 56, 36), bag=(50, 54, 60))
GREY = Look((108, 112, 120), (48, 44, 52), (180, 176, 170))
ORANGE = Look((232, 98, 32), (30, 30, 34), (40, 30, 24))

WAYS = (
    Way(RED, 12.5, 1.35, 1.0),
    Way(GREEN, 15.0, 1.25, 4.0, leftwards=True),
    Way(CREAM, 15.0, 1.25, 15.5, leftwards=True),
    Way(BLUE, 18.5, 1.4, 0.0),
    Way(OCHRE, 18.5, 1.4, 11.5),
    Way(GREY, 23.0, 1.2, 7.0, leftwards=True),
    Way(RED, 23.0, 1.2, 18.0, leftwards=True),
    Way(CREAM, 25.5, 1.3, 3.0),
)
RUN_DEPTH_M, CART_DEPTH_M = 11.0, 16.5


class Plaza:
    """Renders the square at any second; `run_s` and `cart_s` say when somebody runs and when a cart comes."""

    def __init__(self, rng: np.random.Generator, *, run_s: float, cart_s: float) -> None:
        self._ground = paint_plaza(rng)
        self._run_s = run_s
        self._cart_s = cart_s
        self._sway = rng.normal(0.0, 0.12, (len(WAYS), 4))  # one of four rounds differs from the next

    def render(self, time_s: float) -> Rgb:
        """Return the (360, 640, 3) picture of this second."""
        picture = self._ground.copy()
        standing = [*self._walkers(time_s), *self._visitors(time_s)]
        places = [(_place(each), each.sprite) for each in sorted(standing, key=lambda each: -each.depth_m)]
        for place, sprite in places:
            cast_shadow(picture, sprite, place)
        for place, sprite in places:
            paste(picture, sprite, place)
        return picture

    def _walkers(self, time_s: float) -> list[_Standing]:
        found = []
        for way, sway in zip(WAYS, self._sway, strict=True):
            # A long way takes more than a round: whoever left in the rounds before may still be on it.
            for rounds_ago in range(3):
                number = int((time_s - way.starts_s) // ROUND_S) - rounds_ago
                walked_m = way.speed_m_per_s * (time_s - way.starts_s - number * ROUND_S)
                sprite = figures.walker(way.look, figures.phase_of(walked_m))
                found += _crossing(sprite, walked_m, way.depth_m + sway[number % 4], leftwards=way.leftwards)
        return found

    def _visitors(self, time_s: float) -> list[_Standing]:
        run_m = RUN_M_PER_S * (time_s - self._run_s)
        cart_m = CART_M_PER_S * (time_s - self._cart_s)
        runner = figures.runner(ORANGE, figures.phase_of(run_m, stride_m=2.9))
        cart = props.cart(props.wheel_phase_of(cart_m))
        return [
            *_crossing(runner, run_m, RUN_DEPTH_M, leftwards=False),
            *_crossing(cart, cart_m, CART_DEPTH_M, leftwards=True),
        ]


def _crossing(sprite: Sprite, walked_m: float, depth_m: float, *, leftwards: bool) -> list[_Standing]:
    half_m = WIDTH_PX / 2 / VIEW.px_per_m(depth_m) + MARGIN_M
    if not 0 <= walked_m <= 2 * half_m:
        return []
    x_m = half_m - walked_m if leftwards else walked_m - half_m
    return [_Standing(sprite, x_m, depth_m, leftwards)]


def _place(standing: _Standing) -> Place:
    scale = VIEW.px_per_m(standing.depth_m)
    x_px = WIDTH_PX / 2 + scale * standing.x_m
    return Place(x_px, VIEW.ground_px(standing.depth_m), scale, standing.leftwards)
