"""How soon somebody sees the pages of a daemon whose log is long, in a real browser.

    python -m benchmarks.pages --events 100000 --trials 10

Starts a daemon on a log of many events and opens its pages in Chromium, each time with an empty cache: until
something is seen, and until all is loaded; the page of the login shows what that costs on this machine now.
Then a filter of the archive is used. At last a camera that is never there is turned off and on, which makes
events, and an open page tells when it showed each: measured from when the daemon wrote it.
"""

import argparse
import shutil
import socket
import sqlite3
import statistics
import tempfile
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sys import executable

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.archive import write_log
from benchmarks.processes import running, wait_until
from benchmarks.recovery import answers
from daemon.event_log import FILE_NAME

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CAMERA = "attic"
SETTINGS = """
[mqtt]
port = {mqtt_port}
[http]
port = {http_port}
login = "never"
[storage]
data_dir = "{folder}"
keep_days = 3650
[cameras.{camera}]
url = "rtsp://127.0.0.1:9/nothing"
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
# Notes by the wall clock when each event's row came into the list.
WATCH = """() => { window.shown = {};
    const note = row => { window.shown[row.dataset.id] ??= Date.now() / 1000; };
    new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(note)))
        .observe(document.getElementById("events"), {childList: true}); }"""


def main() -> None:
    """Read the command line, write the log, and print a line for each measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000, help="events in the log (default: 100000)")
    parser.add_argument("--trials", type=int, default=10, help="times each is measured (default: 10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, http_port = Path(name), free_port()
        write_log(folder, options.events)
        config = folder / "config.toml"
        config.write_text(
            SETTINGS.format(mqtt_port=free_port(), http_port=http_port, folder=folder, camera=CAMERA)
        )
        url = f"http://127.0.0.1:{http_port}"
        with running([executable, "-m", "daemon.cli", "run", "--config", str(config)]):
            wait_until(lambda: answers(f"{url}/metrics"), timeout_s=60, what="the daemon")
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                measure(browser, url, folder / FILE_NAME, trials=options.trials)
                browser.close()


def measure(browser: Browser, url: str, log: Path, *, trials: int) -> None:
    """Print all measures."""
    pages = (("an almost empty page", "/login"), ("the first page", "/"), ("the archive", "/events"))
    for title, path in pages:
        seen = [first_load_ms(browser, url + path) for _ in range(trials)]
        tell(f"{title}, seen", [painted for painted, _ in seen], "ms")
        tell(f"{title}, loaded", [loaded for _, loaded in seen], "ms")
    page = browser.new_page()
    tell("a filter, loaded", [filter_ms(page, url) for _ in range(trials)], "ms")
    page.goto(url)
    page.evaluate(WATCH)
    tell("an event, from written to seen", [event_ms(page, url, log) for _ in range(trials)], "ms")


def tell(title: str, values: list[float], unit: str) -> None:
    """Print the median and the largest of some values."""
    print(
        f"{title:32} {statistics.median(values):6.0f} {unit}, at most {max(values):6.0f} {unit}", flush=True
    )


def first_load_ms(browser: Browser, url: str) -> tuple[float, float]:
    """Return when something of a page was seen, and when all was loaded, with an empty cache."""
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(url, wait_until="load")
        page.wait_for_function(f"() => {LOADED} > 0 && {PAINTED} > 0")
        return page.evaluate(PAINTED), page.evaluate(LOADED)


def filter_ms(page: Page, url: str) -> float:
    """Choose a camera and a label in the archive; return how long the answer took to load."""
    page.goto(f"{url}/events")
    page.get_by_label("label").select_option("fall")
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name="Show").click()
    page.wait_for_function(f"() => {LOADED} > 0")
    loaded_ms: float = page.evaluate(LOADED)
    return loaded_ms


def event_ms(page: Page, url: str, log: Path) -> float:
    """Have the camera go offline once more; return how long after the daemon wrote it the page showed it."""
    before = newest(log)
    for position, phase in (("OFF", "end"), ("ON", "new")):
        address = f"{url}/api/v1/cameras/{CAMERA}/enabled?value={position}"
        request = urllib.request.Request(address, method="POST", headers={"x-videobertd": "1"})  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 - loopback
        wait_until(partial(has_come, log, phase, after=before), timeout_s=60, what=f"its {phase}")
    begun = newest(log)
    page.wait_for_function("id => window.shown[id]", arg=begun.id)
    shown_utc_s: float = page.evaluate("id => window.shown[id]", begun.id)
    return 1e3 * (shown_utc_s - begun.written_utc_s)


@dataclass(frozen=True, slots=True)
class Written:
    """The newest message of the log, and when the daemon wrote it."""

    seq: int
    id: str
    phase: str
    written_utc_s: float


def newest(log: Path) -> Written:
    """Read the log beside the daemon."""
    query = "SELECT seq, id, phase, written_utc_s FROM events ORDER BY seq DESC LIMIT 1"
    with closing(sqlite3.connect(f"file:{log}?mode=ro", uri=True)) as database:
        return Written(*database.execute(query).fetchone())


def has_come(log: Path, phase: str, *, after: Written) -> bool:
    """Say whether a message of that phase is the newest, and newer than another."""
    found = newest(log)
    return found.seq > after.seq and found.phase == phase


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
