"""The script in, film out: each second of both scenes is rendered, encoded and packetised once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from daemon.demo.feeds import Segment, SegmentEncoder
from daemon.demo.painter import Rgb, Sensor
from daemon.demo.perspective import HEIGHT_PX, WIDTH_PX
from daemon.demo.plaza import Plaza
from daemon.demo.room import Room
from daemon.demo.rtp import ParameterSets
from daemon.demo.script import LOOP_S, PLAZA, ROOM, SCRIPT, Act, Deed, acts_of
from pipeline.clock import Clock

FPS = 10
SCENES = (PLAZA, ROOM)
HAND_S = 0.6  # that a hand takes to reach the lens


class Scene(Protocol):
    """Renders usual life and what the actors do."""

    def render(self, time_s: float) -> Rgb:
        """Return the (360, 640, 3) picture of this second of the script."""


@dataclass(frozen=True, slots=True)
class Film:
    """One scene's whole script: a segment for each second, any of which can be played first."""

    parameter_sets: ParameterSets
    seconds: tuple[Segment, ...]


class Showing:
    """When the script began: the moment at which somebody first looked, so that no start is missed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s: float | None = None

    @property
    def began_s(self) -> float:
        """Return when it began, by the monotonic clock; now, if nobody has looked yet."""
        return self._clock.monotonic_s() if self._began_s is None else self._began_s

    @property
    def playing_s(self) -> float:
        """Return how long it has played, all loops together."""
        return self._clock.monotonic_s() - self.began_s

    def begin(self) -> None:
        """Begin, unless it has begun."""
        self._began_s = self.began_s


@dataclass(frozen=True, slots=True)
class FilmFeed:
    """Plays a film to every client in step with the clock, as a camera does: who joins late, joins late."""

    film: Film
    showing: Showing

    @property
    def parameter_sets(self) -> ParameterSets:
        """Return those of the film; all its segments share them."""
        return self.film.parameter_sets

    def segments(self) -> Iterator[Segment]:
        """Yield the second that is due now, then the ones after it."""
        self.showing.begin()
        number = round(self.showing.playing_s)
        while True:
            yield self.film.seconds[number % len(self.film.seconds)]
            # A stall has let the clock run on; the film does not wait for it.
            number = max(number + 1, round(self.showing.playing_s))


def shoot(
    camera: str, *, length_s: int = LOOP_S, seed: int = 1, on_second: Callable[[], None] = lambda: None
) -> Film:
    """Render and encode the first seconds of a scene's script; `on_second` is called after each."""
    encoder = SegmentEncoder(WIDTH_PX, HEIGHT_PX, FPS)
    pictures = picture_stream(camera, seed=seed)
    seconds = []
    for _ in range(length_s):
        seconds.append(encoder.encode([next(pictures) for _ in range(FPS)]))
        on_second()
    return Film(encoder.parameter_sets, tuple(seconds))


def picture_stream(camera: str, *, seed: int = 1) -> Iterator[Rgb]:
    """Yield the camera's pictures from the start of the script, with everything that befalls its lens."""
    rng = np.random.default_rng(seed)
    scene = _scene(camera, rng)
    sensor = Sensor(WIDTH_PX, HEIGHT_PX, rng)
    acts = acts_of(camera)
    frozen: Rgb | None = None
    for number in range(LOOP_S * FPS):
        time_s = number / FPS
        if frozen is None or not _happens(Deed.FREEZE, acts, time_s):
            frozen = sensor.expose(cover(scene.render(time_s), acts, time_s), time_s)
        yield frozen


def cover(picture: Rgb, acts: Sequence[Act], time_s: float) -> Rgb:
    """Push a dark hand over the picture from below while the script says so."""
    for act in acts:
        if act.deed is Deed.COVER and act.start_s <= time_s <= act.end_s:
            reach = min(1.0, (time_s - act.start_s) / HAND_S, (act.end_s - time_s) / HAND_S)
            return _with_hand(picture, reach)
    return picture


def _with_hand(picture: Rgb, reach: float) -> Rgb:
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    top_px = HEIGHT_PX * (1.15 - 1.75 * reach)
    cv2.ellipse(mask, (WIDTH_PX // 2, int(top_px + 420)), (560, 430), 0, 0, 360, 1.0, -1)
    for finger in range(4):  # they close as the palm comes up
        x_px = WIDTH_PX // 2 - 270 + finger * 180
        cv2.ellipse(mask, (x_px, int(top_px + 20)), (92, 190), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 9)[..., None]
    skin = np.array((26, 13, 9), np.float32)
    return (picture * (1 - soft) + skin * soft).astype(np.uint8)


def _happens(deed: Deed, acts: Sequence[Act], time_s: float) -> bool:
    return any(act.deed is deed and act.start_s <= time_s < act.end_s for act in acts)


def _scene(camera: str, rng: np.random.Generator) -> Scene:
    if camera == ROOM:
        return Room(rng)
    starts_s = {act.deed: act.start_s for act in SCRIPT}
    return Plaza(rng, run_s=starts_s[Deed.RUN], cart_s=starts_s[Deed.CART])
