"""The daemon on two looped videos over RTSP: it learns for ten minutes, then things happen; what did it tell?

    python -m benchmarks.live_alarms        # about seventeen minutes

Both videos go on as they are for `--calm` seconds. Then, three times, everything in them moves three times
as fast for 6 s, and at last a dark box stands there for 90 s, each followed by a minute of peace. The daemon
is `videobertd run` with a settings file that names cameras, broker and budget; it knows nothing of what is to
come. An alarm belongs to what was inserted if it begins in it or within 3 s after it.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.footage import Footage, prepare, served
from benchmarks.insertions import Insertion
from benchmarks.processes import running, scrape, wait_until
from benchmarks.streams import VIDEOS, broker
from daemon.demo.ports import free_port
from daemon.recent_scores import INTERVAL_S
from daemon.utc import utc_seconds

LATE_S = 3.0


@dataclass(frozen=True, slots=True)
class Told:
    """One anomaly event that began: at which camera, and in which second of the stream."""

    camera: str
    second: float
    explanation: str


@dataclass(frozen=True, slots=True)
class Watched:
    """What a run told, and for each camera the highest level while and just after each insertion."""

    told: list[Told]
    levels: dict[str, list[float]]


def watch(folder: Path, footage: Sequence[Footage], *, budget: float) -> Watched:
    """Run server, broker and daemon until the last insertion is over; return what was told."""
    files = [prepare(one) for one in footage]
    levels: dict[str, list[float]] = {one.video: [] for one in footage}
    with ExitStack() as stack:
        mqtt_port = stack.enter_context(broker(folder))
        urls = stack.enter_context(served(files, copies=1))
        config, http_port = write_config(folder, urls, mqtt_port, budget)
        stack.enter_context(running([sys.executable, "-m", "daemon.cli", "run", "--config", str(config)]))
        page = f"http://127.0.0.1:{http_port}"
        wait_until(lambda: cameras_up(f"{page}/metrics") == len(urls), timeout_s=60, what="the cameras")
        began_utc_s = time.time()  # each client is shown the video from its beginning
        for insertion in footage[0].insertions:
            time.sleep(max(0.0, began_utc_s + insertion.end_s + LATE_S - time.time()))
            for camera, level in highest_levels(page, insertion.end_s + LATE_S - insertion.begin_s).items():
                levels[camera].append(level)
        return Watched(read_events(config, began_utc_s), levels)


def highest_levels(page: str, last_s: float) -> dict[str, float]:
    """Return each camera's highest level of the last seconds, from the curve on the page."""
    with urllib.request.urlopen(f"{page}/api/v1/cameras", timeout=5) as answer:  # noqa: S310 - loopback
        cameras = json.load(answer)["cameras"]
    newest = math.ceil(last_s / INTERVAL_S)
    return {
        camera["name"]: max((score or 0.0 for score in camera["recent_scores"][-newest:]), default=0.0)
        for camera in cameras
    }


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
    footage = [Footage(video, 640, 360, 10, "unusual", options.calm) for video in VIDEOS]
    with tempfile.TemporaryDirectory() as folder:
        watched = watch(Path(folder), footage, budget=options.budget)
    for one in footage:
        mine = [told for told in watched.told if told.camera == one.video]
        print("\n".join(rows(one.video, mine, one.insertions, watched.levels[one.video])))
    return 0


def rows(
    camera: str, told: Sequence[Told], insertions: Sequence[Insertion], levels: Sequence[float]
) -> Iterator[str]:
    """Yield what happened at a camera and what was told of it, and then what was told beside that."""
    rest = list(told)
    yield camera
    for insertion, level in zip(insertions, levels, strict=True):
        hits = [one for one in rest if insertion.begin_s <= one.second <= insertion.end_s + LATE_S]
        rest = [one for one in rest if one not in hits]
        first = f"{hits[0].second - insertion.begin_s:.1f} s: {hits[0].explanation}" if hits else "missed"
        yield f"  {insertion.kind} at {insertion.begin_s} s, highest level {level:.2f}: {first}"
        yield from (f"    then at {one.second:.1f} s  {one.explanation}" for one in hits[1:])
    yield f"  {len(rest)} alarms beside them"
    yield from (f"    {one.second:.1f} s  {one.explanation}" for one in rest)


if __name__ == "__main__":
    sys.exit(main())
