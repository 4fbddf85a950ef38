"""The whole daemon on one machine: cameras, an RTSP server, a broker, a subscriber and a live table."""

import math
import select
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live

from daemon.demo.broker import EmbeddedBroker
from daemon.demo.daemon_process import DaemonProcess
from daemon.demo.gauges import Gauges, read_gauges
from daemon.demo.ports import free_port
from daemon.demo.settings import DemoPlaces, settings_text
from daemon.demo.stage import GivenCamera, Scenery, Stage, camera_of, shoot_films
from daemon.demo.subscriber import Subscriber
from daemon.demo.table import Moment, live_view, plain_event, summary_lines
from daemon.demo.verdict import findings
from daemon.exit_codes import EXIT_FAILED, EXIT_OK
from daemon.signals import handled
from daemon.wakeup import Wakeup
from pipeline.clock import Clock, SystemClock
from pipeline.errors import SettingsError
from pipeline.urls import redact_url

REFRESH_S, FPS_INTERVAL_S = 0.5, 2.0


def run_demo(
    seconds: float | None = None, video: str | None = None, *, console: Console | None = None
) -> int:
    """Show the daemon at work until Ctrl-C, or for some seconds; return 0 if events reached the subscriber.

    Raises:
        SettingsError: `video` names a file that is not there.
    """
    console = console or Console()
    clock = SystemClock()
    with ExitStack() as stack:
        bell = stack.enter_context(Wakeup())
        stack.enter_context(handled({signal.SIGINT: bell.ring, signal.SIGTERM: bell.ring}))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="videobertd-demo-")))
        scenery = _given(video, clock) if video else Stage(shoot_films(console, seconds=seconds), clock)
        stack.enter_context(scenery)
        places = DemoPlaces(free_port(1883), free_port(8080), folder)
        stack.enter_context(EmbeddedBroker(places.mqtt_port))
        subscriber = stack.enter_context(Subscriber("127.0.0.1", places.mqtt_port, clock=clock))
        places.config.write_text(settings_text(places, scenery.cameras), encoding="utf-8")
        show = Show(places, scenery, subscriber=subscriber, console=console)
        end_s = math.inf if seconds is None else clock.monotonic_s() + seconds
        with DaemonProcess(places) as daemon:
            show.run(daemon, lambda: _rings(bell) or clock.monotonic_s() >= end_s)
        return show.sum_up(daemon)


class Show:
    """What is seen on the terminal from the daemon's start to the summary."""

    def __init__(
        self, places: DemoPlaces, scenery: Scenery, *, subscriber: Subscriber, console: Console
    ) -> None:
        self._places = places
        self._scenery = scenery
        self._subscriber = subscriber
        self._console = console
        self._gauges = Gauges()
        self._gauges_s = 0.0
        self._fps: dict[str, float] = {}
        self._num_printed = 0

    def run(self, daemon: DaemonProcess, is_over: Callable[[], bool]) -> None:
        """Show what happens until the daemon ends or `is_over`, which waits a little, says so."""
        self._print_addresses()
        with self._live() as live:
            while daemon.exit_code is None and not is_over():
                self._scenery.perform()
                self._read_gauges()
                if live is None:
                    self._print_news()
                else:
                    live.update(live_view(self._moment()), refresh=True)

    def sum_up(self, daemon: DaemonProcess) -> int:
        """Print the summary; return the demo's exit code."""
        heard, scenery = self._subscriber.heard, self._scenery
        if not self._console.is_terminal:
            self._print_news()
        found = findings(heard.events, began_s=scenery.began_s, playing_s=scenery.playing_s)
        for line in summary_lines(heard, self._gauges, found if scenery.has_script else []):
            self._print(line)
        if daemon.exit_code != 0:
            self._print(
                f"The daemon ended with exit code {daemon.exit_code}; its last lines:\n{daemon.log_tail()}"
            )
            return EXIT_FAILED
        if not heard.begun:
            self._print(
                "No event reached the subscriber: let it run longer, or look at the log of `videobertd run`."
            )
            return EXIT_FAILED
        return EXIT_OK

    @contextmanager
    def _live(self) -> Iterator[Live | None]:
        if not self._console.is_terminal:
            yield None
            return
        with Live(live_view(self._moment()), console=self._console, screen=True, auto_refresh=False) as live:
            yield live

    def _moment(self) -> Moment:
        scenery = self._scenery
        return Moment(
            heard=self._subscriber.heard,
            gauges=self._gauges,
            began_s=scenery.began_s,
            playing_s=scenery.playing_s,
            fps=self._fps,
            urls=self._addresses(),
            scene=scenery.words,
        )

    def _addresses(self) -> dict[str, str]:
        cameras = {f"camera {camera.name}": redact_url(camera.url) for camera in self._scenery.cameras}
        page = f"http://127.0.0.1:{self._places.http_port}"
        return {
            "page": page,
            "metrics": f"{page}/metrics",
            "MQTT": f"mqtt://127.0.0.1:{self._places.mqtt_port}  topics videobert/#",
            **cameras,
        }

    def _read_gauges(self) -> None:
        fresh, now_s = read_gauges(self._places.http_port), self._scenery.playing_s
        if fresh is None or now_s - self._gauges_s < FPS_INTERVAL_S:
            return
        before, span_s = self._gauges.decoded, now_s - self._gauges_s
        self._fps = {name: (count - before.get(name, 0.0)) / span_s for name, count in fresh.decoded.items()}
        self._gauges, self._gauges_s = fresh, now_s

    def _print_addresses(self) -> None:
        for name, address in self._addresses().items():
            self._print(f"{name:13} {address}")

    def _print_news(self) -> None:
        events = self._subscriber.heard.events
        for event in events[self._num_printed :]:
            self._print(plain_event(event, self._scenery.began_s))
        self._num_printed = len(events)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rings(bell: Wakeup) -> bool:
    """Wait a little, and say whether somebody wants the demo to end."""
    return bool(select.select([bell], [], [], REFRESH_S)[0])


def _given(video: str, clock: Clock) -> GivenCamera:
    try:
        return GivenCamera(camera_of(video), clock)
    except OSError as error:
        raise SettingsError(f"{video} is neither a URL nor a file that can be read") from error
