"""What the daemon costs on real RTSP streams, beside the floor (decoding alone) and the usual way.

    python -m benchmarks.streams            # all rows, about 15 minutes
    python -m benchmarks.streams --rows 2 5 # some of them

Streams are made from real surveillance footage and served over loopback by a process of its own. CPU is what
the daemon's process used (user + system) per second; the floor is a process that decodes the same streams and
nothing else.
"""

import argparse
import platform
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.footage import CALM_S, EVENTFUL_S, Footage, Scene, prepare, served
from benchmarks.processes import Cost, Series, cost, increase, quantile, running, scrape, wait_until
from daemon.demo.ports import free_port

VIDEOS = ("plaza", "room-visitors")
SETTLE_S = 12.0
WINDOW_S = 30.0
# Alarms must be possible so soon after learning: a small budget would take much longer to be calibrated.
EVENTFUL_BUDGET = 100.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: how many cameras of which kind."""

    title: str
    cameras: int
    width_px: int
    height_px: int
    fps: int
    scene: Scene = "busy"
    usual: tuple[str, ...] = ()

    def files(self) -> list[Path]:
        """Return the transcoded files that the cameras play."""
        return [
            prepare(Footage(video, self.width_px, self.height_px, self.fps, self.scene)) for video in VIDEOS
        ]

    @property
    def eventful(self) -> bool:
        """Say whether something happens once the cameras have learned."""
        return self.scene == "eventful"

    @property
    def settle_s(self) -> float:
        """How long the daemon runs before the window."""
        return CALM_S - SETTLE_S if self.eventful else SETTLE_S

    @property
    def window_s(self) -> float:
        """How long it is watched; an eventful window ends before the stream begins anew."""
        return EVENTFUL_S - CALM_S if self.eventful else WINDOW_S


ROWS = (
    Row("40 × 640×360@10, busy", 40, 640, 360, 10),
    Row("28 × 640×360@10, busy", 28, 640, 360, 10),
    Row("12 × 1280×720@15, busy", 12, 1280, 720, 15),
    Row("12 × 1280×720@15, still", 12, 1280, 720, 15, scene="still"),
    Row("2 × 640×360@10, busy", 2, 640, 360, 10, usual=("usual-int8", "usual-torch")),
    Row("12 × 1280×720@15, events", 12, 1280, 720, 15, scene="eventful"),
    Row("36 × 640×360@10, busy", 36, 640, 360, 10),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one row measured."""

    row: Row
    daemon: Cost
    floor: Cost
    sampled: float
    dropped: float
    score_p99_s: float
    publish_p99_s: float
    published: float
    usual: dict[str, Cost]


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Run mosquitto on a free port."""
    port = free_port(0)
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n")
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with running([program, "-c", str(config)]):
        wait_until(lambda: _listens(port), timeout_s=5, what="mosquitto")
        yield port


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def write_config(folder: Path, urls: list[str], *, mqtt_port: int, eventful: bool) -> tuple[Path, int]:
    """Write the daemon's settings; an eventful one has a budget that makes the alarm speak often."""
    http_port = free_port(0)
    budget = EVENTFUL_BUDGET if eventful else 1.0
    cameras = "".join(f'[cameras.camera{number}]\nurl = "{url}"\n' for number, url in enumerate(urls))
    path = folder / "config.toml"
    path.write_text(
        f'[mqtt]\nport = {mqtt_port}\n[http]\nport = {http_port}\n[storage]\ndata_dir = "{folder}/data"\n'
        f'[logging]\nlevel = "warning"\n[defaults]\nsample_fps = 5.0\nbudget_per_day = {budget}\n{cameras}'
    )
    return path, http_port


def measure_daemon(folder: Path, urls: list[str], row: Row) -> tuple[Cost, Series, Series]:
    """Run the daemon on the streams until it has settled, then watch it for a window."""
    with broker(folder) as mqtt_port:
        config, http_port = write_config(folder, urls, mqtt_port=mqtt_port, eventful=row.eventful)
        page = f"http://127.0.0.1:{http_port}/metrics"
        command = [sys.executable, "-m", "daemon.cli", "run", "--config", str(config)]
        with running(command) as process:
            wait_until(lambda: _cameras_up(page) == len(urls), timeout_s=90, what="all cameras")
            time.sleep(row.settle_s)
            before = scrape(page)
            used = cost(process, row.window_s)
            return used, before, scrape(page)


def _cameras_up(page: str) -> float:
    try:
        return sum(value for key, value in scrape(page).items() if key[0] == "videobert_camera_up")
    except OSError:
        return 0.0


def measure_baseline(way: str, urls: list[str]) -> Cost:
    """Run one of `benchmarks.baselines` on the same streams."""
    with running([sys.executable, "-m", "benchmarks.baselines", way, *urls]) as process:
        time.sleep(SETTLE_S)
        return cost(process, WINDOW_S)


def measure(row: Row) -> Figures:
    """Measure one row of the table: daemon, floor and the usual ways, one after the other."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = stack.enter_context(served(row.files(), copies=row.cameras // len(VIDEOS)))
        floor = measure_baseline("floor", urls)
        used, before, after = measure_daemon(folder, urls, row)
        return Figures(
            row=row,
            daemon=used,
            floor=floor,
            sampled=increase(before, after, "videobert_frames_total", containing='stage="sampled"'),
            dropped=increase(before, after, "videobert_frames_dropped_total"),
            score_p99_s=quantile(before, after, "videobert_frame_to_score_seconds", q=0.99),
            publish_p99_s=quantile(before, after, "videobert_capture_to_publish_seconds", q=0.99),
            published=increase(before, after, "videobert_capture_to_publish_seconds_count"),
            usual={way: measure_baseline(way, urls) for way in row.usual},
        )


def table(results: list[Figures]) -> Table:
    """Draw the table, with each row's ratio to its floor."""
    drawn = Table(title=f"{platform.machine()}, {psutil.cpu_count()} cores, {time.strftime('%F')}")
    for heading in (
        "streams",
        "cores",
        "floor",
        "ratio",
        "MiB",
        "MiB a camera",
        "dropped",
        "score p99",
        "publish p99",
    ):
        drawn.add_column(heading, justify="left" if heading == "streams" else "right")
    for figures in results:
        cores, floor = figures.daemon.cores, figures.floor.cores
        drawn.add_row(
            figures.row.title,
            f"{cores:.2f}",
            f"{floor:.2f}",
            f"{cores / floor:.2f}",
            f"{figures.daemon.memory_mib:.0f}",
            f"{figures.daemon.memory_mib / figures.row.cameras:.1f}",
            f"{figures.dropped:.0f} of {figures.sampled:.0f}",
            f"{figures.score_p99_s * 1000:.0f} ms",
            f"{figures.publish_p99_s * 1000:.0f} ms of {figures.published:.0f}" if figures.published else "",
        )
        for way, used in figures.usual.items():
            drawn.add_row(
                f"  {way}",
                f"{used.cores:.2f}",
                "",
                f"{used.cores / cores:.1f} × ours",
                f"{used.memory_mib:.0f}",
            )
    return drawn


def main() -> int:
    """Measure the rows asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", choices=range(1, len(ROWS) + 1), metavar="N")
    options = parser.parse_args()
    chosen = [ROWS[number - 1] for number in options.rows or range(1, len(ROWS) + 1)]
    results = [measure(row) for row in track(chosen, description="measuring")]
    Console(width=140).print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
