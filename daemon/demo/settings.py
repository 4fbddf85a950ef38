"""Ports, a folder and cameras in, the settings file of the demo's daemon out."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from daemon.demo.stage import DemoCamera


@dataclass(frozen=True, slots=True)
class DemoPlaces:
    """Where the demo's daemon finds the broker, shows its page and keeps its data."""

    mqtt_port: int
    http_port: int
    folder: Path

    @property
    def config(self) -> Path:
        """Return where the settings file is written."""
        return self.folder / "config.toml"

    @property
    def log(self) -> Path:
        """Return where the daemon's log goes."""
        return self.folder / "daemon.log"


def settings_text(places: DemoPlaces, cameras: Iterable[DemoCamera]) -> str:
    """Return the settings as TOML; JSON's strings are TOML's."""
    lines = [
        "[mqtt]",
        f"port = {places.mqtt_port}",
        'client_id = "videobertd-demo"',
        'protocol = "3.1.1"  # the embedded broker speaks no other',
        "[http]",
        f"port = {places.http_port}",
        "[storage]",
        f"data_dir = {json.dumps(str(places.folder / 'data'))}",
        "[defaults]",
        "stall_timeout_s = 3",
        "sample_fps = 10  # at 5 a runner goes farther between two frames than flow can follow",
        "budget_per_day = 100  # a demo should show something; daemon/demo/quick_daemon.py shortens learning",
    ]
    for camera in cameras:
        lines += [
            f"[cameras.{camera.name}]",
            f"url = {json.dumps(camera.url)}",
            f"description = {json.dumps(camera.description)}",
            f"loop = {json.dumps(camera.loop)}",
        ]
    return "\n".join(lines) + "\n"
