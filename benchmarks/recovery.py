"""How soon a camera is used again once its server is back, the backoff being as long as it gets at first.

    python -m benchmarks.recovery --trials 5

The RTSP server is a process that is killed and started anew on its port. Measured from the moment when it
listens until the daemon counts the camera as up.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.footage import Footage, prepare
from benchmarks.processes import increase, running, scrape, wait_until
from benchmarks.streams import broker, write_config

FAILURES = 6


@contextmanager
def serving(path: Path, port: int) -> Iterator[str]:
    """Serve a file on a port (0 takes a free one) until the block ends by a kill; yields the address."""
    command = [sys.executable, "-m", "daemon.demo.rtsp_server", str(path), "--port", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def recovery_s(path: Path, port: int, page: str) -> float:
    """Let the daemon fail often without a server; start one and return the seconds that it takes."""
    before = scrape(page)
    wait_until(
        lambda: increase(before, scrape(page), "videobert_camera_reconnects_total") >= FAILURES,
        timeout_s=60,
        what="failed attempts",
    )
    with serving(path, port):
        began_s = time.monotonic()
        wait_until(
            lambda: ("videobert_camera_up", 'camera="camera0"') in up(page), timeout_s=60, what="frames"
        )
        return time.monotonic() - began_s


def up(page: str) -> set[tuple[str, str]]:
    """Return the series of the cameras that deliver."""
    return {key for key, value in scrape(page).items() if key[0] == "videobert_camera_up" and value == 1}


def main() -> None:
    """Print the seconds of each trial."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=5)
    options = parser.parse_args()
    path = prepare(Footage("plaza", 640, 360, 10))
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as mqtt_port:
        with serving(path, 0) as url:
            port = int(url.rsplit(":", 1)[1].split("/")[0])
        config, http_port = write_config(Path(name), [url], mqtt_port=mqtt_port, eventful=False)
        page = f"http://127.0.0.1:{http_port}/metrics"
        with running([sys.executable, "-m", "daemon.cli", "run", "--config", str(config)]):
            wait_until(lambda: answers(page), timeout_s=60, what="the daemon")
            for _ in range(options.trials):
                print(f"{recovery_s(path, port, page):.2f} s")


def answers(page: str) -> bool:
    """Say whether the daemon serves its metrics."""
    try:
        return bool(scrape(page))
    except OSError:
        return False


if __name__ == "__main__":
    main()
