"""The demo's cameras: rendered films or a source of the user's; faults when the script says so."""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from daemon.demo.channel import Fault
from daemon.demo.ports import free_port
from daemon.demo.rtsp_server import RtspServer
from daemon.demo.scenes import SCENES, Film, FilmFeed, Showing, shoot
from daemon.demo.script import LOOP_S, SCRIPT, Deed
from pipeline.clock import Clock

DESCRIPTIONS = {"plaza": "town square with people on their way", "room": "living room with one inhabitant"}


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """A camera as the daemon's settings name it."""

    name: str
    url: str
    description: str
    loop: bool = False


def shoot_films(console: Console, *, seconds: float | None = None) -> dict[str, Film]:
    """Render and encode all scenes, as much of them as will be seen, with a progress bar."""
    length_s = LOOP_S if seconds is None else min(LOOP_S, math.ceil(seconds) + 2)
    columns = (TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress, ThreadPoolExecutor(2) as pool:
        bar = progress.add_task("Rendering the demo's cameras", total=length_s * len(SCENES))
        films = {
            name: pool.submit(shoot, name, length_s=length_s, on_second=lambda: progress.advance(bar))
            for name in SCENES
        }
        return {name: film.result() for name, film in films.items()}


class Scenery(Protocol):
    """Whatever the demo's daemon looks at."""

    @property
    def cameras(self) -> tuple[DemoCamera, ...]:
        """Return the cameras to look through."""

    @property
    def began_s(self) -> float:
        """Return when it began, by the monotonic clock."""

    @property
    def playing_s(self) -> float:
        """Return how long it has been there."""

    @property
    def words(self) -> str:
        """Say what happens at this moment."""

    @property
    def has_script(self) -> bool:
        """Say whether it is known what should have been seen."""

    def perform(self) -> None:
        """Do what is due; call it a few times a second."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""


class Stage:
    """The RTSP server with the rendered scenes, and the script that it follows."""

    has_script = True

    def __init__(self, films: Mapping[str, Film], clock: Clock) -> None:
        self._showing = Showing(clock)
        feeds = {name: FilmFeed(film, self._showing) for name, film in films.items()}
        self._server = RtspServer(feeds, port=free_port(8554))
        self._away: set[str] = set()
        self._names = tuple(films)

    @property
    def cameras(self) -> tuple[DemoCamera, ...]:
        """Return the cameras that it serves."""
        return tuple(DemoCamera(name, self._server.url(name), DESCRIPTIONS[name]) for name in self._names)

    @property
    def began_s(self) -> float:
        """Return when the script began, by the monotonic clock."""
        return self._showing.began_s

    @property
    def playing_s(self) -> float:
        """Return how long the script has played, all loops together."""
        return self._showing.playing_s

    @property
    def words(self) -> str:
        """Say what happens before which camera at this moment."""
        now_s = self.playing_s % LOOP_S
        acts = [f"{act.camera}: {act.deed}" for act in SCRIPT if act.start_s <= now_s < act.end_s]
        return "; ".join(acts) or "usual life"

    def perform(self) -> None:
        """Let cameras go away and come back as the script has it; call it a few times a second."""
        now_s = self.playing_s % LOOP_S
        away = {act.camera for act in SCRIPT if act.deed is Deed.AWAY and act.start_s <= now_s < act.end_s}
        for name in away - self._away:
            self._server.fail(name, Fault.GONE)
        for name in self._away - away:
            self._server.heal(name)
        self._away = away

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()


class GivenCamera:
    """One camera or video of the user's, about which nothing is known."""

    has_script = False
    words = "your camera"

    def __init__(self, camera: DemoCamera, clock: Clock) -> None:
        self.cameras = (camera,)
        self.began_s = clock.monotonic_s()
        self._clock = clock

    @property
    def playing_s(self) -> float:
        """Return how long the demo has run."""
        return self._clock.monotonic_s() - self.began_s

    def perform(self) -> None:
        """Do nothing: what happens is up to the world."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the camera alone."""


def camera_of(source: str) -> DemoCamera:
    """Return a file or URL of the user's as a camera; a file plays in a loop.

    Raises:
        FileNotFoundError: It is no URL, and there is no such file.
    """
    if "://" in source:
        return DemoCamera("video", source, "the camera that you gave")
    path = Path(source).expanduser().resolve(strict=True)
    return DemoCamera("video", str(path), "the video that you gave", loop=not path.is_char_device())
