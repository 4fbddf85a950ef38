"""The daemon on two looped videos over RTSP: it learns for ten minutes, then things happen; what did it tell?

    python -m benchmarks.live_alarms        # about twelve minutes

Both videos go on as they are for `--calm` seconds. Then, three times, everything in them moves three times
as fast for 6 s, with 24 s of peace between. The daemon is `videobertd run` with a settings file that names
cameras, broker and budget; it knows nothing of what is to come. An alarm belongs to a hurry if it begins in
it or within 3 s after it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.footage import HURRIES, HURRY_S, PAUSE_S, Footage, prepare, served
from benchmarks.processes import running, scrape, wait_until
from benchmarks.streams import VIDEOS, broker
from daemon.demo.ports import free_port
from daemon.utc import utc_seconds

LATE_S = 3.0


@dataclass(frozen=True, slots=True)
class Told:
    """One anomaly event that began: at which camera, and in which second of the stream."""

    camera: str
    second: float
    explanation: str


def hurries(calm_s: float) -> list[tuple[float, float]]:
    """Return when each hurry begins and ends, in seconds of the stream."""
    begins = [calm_s + number * (HURRY_S + PAUSE_S) for number in range(HURRIES)]
    return [(begin, begin + HURRY_S) for begin in begins]


def watch(folder: Path, options: argparse.Namespace) -> list[Told]:
    """Run server, broker and daemon until the last hurry is over; return what was told."""
    files = [prepare(Footage(video, 640, 360, 10, "eventful", options.calm)) for video in VIDEOS]
    with ExitStack() as stack:
        mqtt_port = stack.enter_context(broker(folder))
        urls = stack.enter_context(served(files, copies=1))
        config, http_port = write_config(folder, urls, mqtt_port, options.budget)
        stack.enter_context(running([sys.executable, "-m", "daemon.cli", "run", "--config", str(config)]))
        page = f"http://127.0.0.1:{http_port}/metrics"
        wait_until(lambda: cameras_up(page) == len(urls), timeout_s=60, what="the cameras")
        began_utc_s = time.time()  # each client is shown the video from its beginning
        end_s = hurries(options.calm)[-1][1] + PAUSE_S / 2
        time.sleep(max(0.0, began_utc_s + end_s - time.time()))
        return read_events(config, began_utc_s)


def write_config(folder: Path, urls: list[str], mqtt_port: int, budget: float) -> tuple[Path, int]:
    """Write the daemon's settings; return them and the port of its page."""
    http_port = free_port(0)
    cameras = "".join(f'[cameras.{video}]\nurl = "{url}"\n' for video, url in zip(VIDEOS, urls, strict=True))
    path = folder / "config.toml"
    path.write_text(
        f'[mqtt]\nport = {mqtt_port}\n[http]\nport = {http_port}\n[storage]\ndata_dir = "{folder}/data"\n'
        f'[logging]\nlevel = "warning"\n[defaults]\nbehaviour = false\nbudget_per_day = {budget}\n{cameras}'
    )
    return path, http_port


def cameras_up(page: str) -> float:
    """Return how many cameras deliver; 0 while the page does not answer."""
    try:
        return sum(value for key, value in scrape(page).items() if key[0] == "videobert_camera_up")
    except OSError:
        return 0.0


def read_events(config: Path, began_utc_s: float) -> list[Told]:
    """Return the anomaly events in the log, by the seconds since the stream began."""
    command = [
        sys.executable,
        "-m",
        "daemon.cli",
        "events",
        "--config",
        str(config),
        "--limit",
        "10000",
        "--json",
    ]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    new = [
        event for event in map(json.loads, lines) if event["type"] == "new" and event["kind"] != "behaviour"
    ]
    return [
        Told(e["camera"], utc_seconds(e["start_utc"]) - began_utc_s, f"{e['label']}: {e['explanation']}")
        for e in new
    ]


def main() -> int:
    """Run, and print what was told beside what happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--calm", type=int, default=600, help="seconds before anything happens (default: 600)"
    )
    parser.add_argument("--budget", type=float, default=24.0, help="accepted alarms a day (default: 24)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = watch(Path(folder), options)
    happened = hurries(options.calm)
    for camera in VIDEOS:
        mine = [one for one in told if one.camera == camera]
        hits = [[one for one in mine if begin <= one.second <= end + LATE_S] for begin, end in happened]
        found, rest = sum(map(bool, hits)), len(mine) - sum(map(len, hits))
        print(f"{camera}: {found} of {len(happened)} hurries told, {rest} alarms beside them")
        for one in mine:
            print(f"  {one.second:6.1f} s  {one.explanation}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
