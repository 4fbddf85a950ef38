"""`videobertd run` as a process for tests: started, watched over HTTP, stopped and killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from models.checkpoint import DEFAULT_DIR, DESCRIPTION_FILE, load_checkpoint
from models.refit_report import RefitReport, TaskRefit
from tests.servers import free_port, wait_until

# The model that the daemon comes with, and its twin on the shelf.
OWN = load_checkpoint(DEFAULT_DIR).title
LOCAL = f"{OWN}+local.1"


class DaemonProcess:
    """A daemon with settings and a data folder of its own, which outlive a restart."""

    def __init__(self, folder: Path, *, mqtt_port: int, cameras: Mapping[str, str]) -> None:
        folder.mkdir(parents=True)
        self.cameras = cameras
        self.defaults = ""  # lines of [defaults]
        self.http = ""  # lines of [http], the port apart
        self.extra = ""  # further tables
        self.http_port = free_port()
        self._folder = folder
        self._mqtt_port = mqtt_port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data_dir(self) -> Path:
        """Where the daemon keeps what outlives it."""
        return self._folder / "data"

    @property
    def config(self) -> Path:
        """Where the settings lie; `start` writes them."""
        return self._folder / "config.toml"

    def start(self) -> None:
        """Start and wait until the daemon answers."""
        self.write_config()
        command = [sys.executable, "-m", "daemon.cli", "run", "--config", str(self.config)]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, 30, what="the daemon's /healthz")

    def write_config(self) -> None:
        """Write the settings for the cameras as they are now."""
        cameras = "".join(f'[cameras.{name}]\nurl = "{url}"\n' for name, url in self.cameras.items())
        self.config.write_text(
            f"[mqtt]\nport = {self._mqtt_port}\n[http]\nport = {self.http_port}\n{self.http}\n"
            f'[storage]\ndata_dir = "{self.data_dir}"\n[defaults]\n{self.defaults}\n{self.extra}\n{cameras}'
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the daemon to end and return its exit code; 0 where it does not run."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(number)
        return process.wait(20)

    def kill(self) -> None:
        """Kill the daemon without a chance to clean up."""
        self.stop(signal.SIGKILL)

    def hang_up(self) -> None:
        """Ask for a reload."""
        self._process.send_signal(signal.SIGHUP)

    def log(self) -> str:
        """Return what the daemon has written so far, all runs together."""
        return self._log_path.read_text()

    def metric(self, name: str, labels: str = "") -> float:
        """Return a metric's value; 0 where it is not there yet."""
        page = self._get("/metrics") or ""
        found = re.search(rf"^{name}{re.escape(labels)} (\S+)$", page, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def total(self, name: str) -> float:
        """Return a metric's sum over all labels."""
        return sum(
            map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self._get("/metrics") or "", re.MULTILINE))
        )

    def camera_up(self, camera: str) -> float:
        """Return 1 while the camera delivers frames."""
        return self.metric("videobert_camera_up", f'{{camera="{camera}"}}')

    @property
    def _log_path(self) -> Path:
        return self._folder / "daemon.log"

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        return self._get("/healthz") is not None

    def _get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None


def shelve_twin(models: Path) -> None:
    """Put the daemon's own model on the shelf once more, under another version."""
    folder = models / "1/model"
    shutil.copytree(DEFAULT_DIR, folder, copy_function=os.link)
    description = json.loads((folder / DESCRIPTION_FILE).read_text())
    (folder / DESCRIPTION_FILE).unlink()  # it is a link to our own
    (folder / DESCRIPTION_FILE).write_text(json.dumps({**description, "version": LOCAL.split()[1]}))
    task = TaskRefit(clips={}, groups=0, is_better=True, reason="A twin.")
    RefitReport(base=OWN, version=LOCAL.split()[1], tasks={"fight": task}).save(models / "1")
