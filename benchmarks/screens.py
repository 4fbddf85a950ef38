"""The pictures of docs/page.md: every page of a daemon that watches the demo's cameras, in a real browser.

    python -m benchmarks.screens docs/images/page

Plays the demo's script for about 70 s with zones drawn on the plaza, gives an event a label, and writes a
WebP of each page. Nothing is seen but the demo's own rendered scenes.
"""

import argparse
import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from benchmarks.pages import CHROMIUM
from daemon.demo.broker import EmbeddedBroker
from daemon.demo.daemon_process import DaemonProcess
from daemon.demo.ports import free_port
from daemon.demo.script import PLAZA
from daemon.demo.settings import DemoPlaces, settings_text
from daemon.demo.stage import Stage, shoot_films
from pipeline.clock import SystemClock

MOST_BYTES = 120_000
# While the cart crosses the plaza; and when its clip is there, before a camera goes away.
LIVE_S, DONE_S = 48.0, 73.0
ZONES = """
[cameras.plaza.zones.fountain]
polygon = [[0.38, 0.4], [0.62, 0.4], [0.62, 0.54], [0.38, 0.54]]
[cameras.plaza.zones.windows]
polygon = [[0.84, 0.0], [0.99, 0.0], [0.99, 0.26], [0.84, 0.26]]
private = true
[[cameras.plaza.rules]]
do = "raise"
zone = "fountain"
severity = "alert"
"""
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SMALL = {"viewport": {"width": 640, "height": 480}}


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture to take: of what, how large, and in which of the two schemes."""

    name: str
    path: str
    form: dict[str, object]
    scheme: str = "light"


def main() -> None:
    """Play the demo and write the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the pictures go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with playing() as (stage, url), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        play_until(stage, LIVE_S)
        for shot in (Shot("cameras", "/", DESKTOP), Shot("cameras-phone", "/", PHONE, "dark")):
            take(browser, url, shot, folder)
        play_until(stage, DONE_S)
        for shot in shots(anomalies(url)):
            take(browser, url, shot, folder)
        browser.close()


@contextmanager
def playing() -> Iterator[tuple[Stage, str]]:
    """Run the demo's cameras, a broker and a daemon while the block lasts; yield stage and page's URL."""
    stage = Stage(shoot_films(Console(), seconds=DONE_S + 12), SystemClock())
    with tempfile.TemporaryDirectory(prefix="videobertd-screens-") as name, stage:
        places = DemoPlaces(free_port(1883), free_port(8080), Path(name))
        places.config.write_text(settings_text(places, stage.cameras) + ZONES, encoding="utf-8")
        with EmbeddedBroker(places.mqtt_port), DaemonProcess(places) as daemon:
            yield stage, f"http://127.0.0.1:{places.http_port}"
            if daemon.exit_code is not None:
                raise ChildProcessError(daemon.log_tail())


def play_until(stage: Stage, end_s: float) -> None:
    """Let the script go on."""
    while stage.playing_s < end_s:
        stage.perform()
        time.sleep(0.25)


def anomalies(url: str) -> list[str]:
    """Return the plaza's anomalies that have ended, the newest first, after the other one got a label.

    Raises:
        LookupError: There are fewer than two.
    """
    question = f"{url}/api/v1/events?camera={PLAZA}&kind=anomaly&limit=100"
    with urllib.request.urlopen(question, timeout=10) as answer:  # noqa: S310 - loopback
        events = json.load(answer)["events"]
    ended = [event["id"] for event in reversed(events) if event["type"] == "end"]
    if len(ended) < 2:
        raise LookupError(
            "the demo has shown fewer than two anomalies of the plaza; this machine is too busy"
        )
    ask = f"{url}/api/v1/events/{ended[1]}/label?task=fight&label=normal"
    request = urllib.request.Request(ask, method="POST", headers={"x-videobertd": "1"})  # noqa: S310
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - loopback
    return ended


def shots(events: list[str]) -> list[Shot]:
    """Return what is shown besides the first page."""
    return [
        Shot("event", f"/events/{events[0]}", DESKTOP, "dark"),
        Shot("archive", "/events", DESKTOP),
        Shot("search", "/search?words=plaza+unusual", DESKTOP),
        Shot("camera", f"/cameras/{PLAZA}", DESKTOP),
        Shot("review", "/review", DESKTOP),
        Shot("system", "/system", DESKTOP, "dark"),
        Shot("new-camera", "/cameras", SMALL),
        Shot("login", "/login", SMALL, "dark"),
        Shot("account", "/account", SMALL),
    ]


def take(browser: Browser, url: str, shot: Shot, folder: Path) -> None:
    """Write one picture, as sharp as fits."""
    with closing(
        browser.new_context(base_url=url, color_scheme=shot.scheme, locale="en-GB", **shot.form)
    ) as context:
        page = context.new_page()
        page.goto(shot.path, wait_until="load")
        page.wait_for_timeout(1500)  # what a script brings, and a video's first picture
        data = page.screenshot()
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    for quality in range(90, 30, -10):
        webp = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
        if len(webp) <= MOST_BYTES:
            break
    (folder / f"{shot.name}.webp").write_bytes(webp)
    print(f"{shot.name:14} {len(webp) // 1000:4d} kB", flush=True)


if __name__ == "__main__":
    main()
