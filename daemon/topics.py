"""The MQTT topics of the daemon, each spelled once; docs/events.md is held against this file."""

import re
from dataclasses import dataclass

DAEMON = "daemon"  # stands where a camera's name does, which none may have
PARTS = ("program", "model")
ON_OFF_SWITCHES = ("enabled", "anomaly", "behaviour")
SWITCHES = (*ON_OFF_SWITCHES, "budget")


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics below one base topic.

    `Topics("videobert").event("porch")` is `videobert/porch/event`.
    """

    base: str = "videobert"
    discovery_prefix: str = "homeassistant"

    @property
    def status(self) -> str:
        """Where the daemon is `online` or `offline`; the last will stands here."""
        return f"{self.base}/status"

    def versions(self, part: str) -> str:
        """Where it stands which version of a part of the daemon runs, and which one is installed."""
        return f"{self.base}/{DAEMON}/{part}"

    def camera_status(self, camera: str) -> str:
        """Where a camera's `CameraStatus` stands."""
        return f"{self.base}/{camera}/status"

    def event(self, camera: str) -> str:
        """Where a camera's events arrive, not retained."""
        return f"{self.base}/{camera}/event"

    def state(self, camera: str) -> str:
        """Where it stands what is true of a camera now."""
        return f"{self.base}/{camera}/state"

    def snapshot(self, camera: str) -> str:
        """Where the JPEG of a camera's last event stands."""
        return f"{self.base}/{camera}/snapshot"

    def switch_state(self, camera: str, switch: str) -> str:
        """Where a switch's position stands."""
        return f"{self.base}/{camera}/{switch}/state"

    def switch_set(self, camera: str, switch: str) -> str:
        """Where a switch is turned; `+` for both subscribes to all of them."""
        return f"{self.base}/{camera}/{switch}/set"

    def feedback_set(self, camera: str) -> str:
        """Where people say what an event was."""
        return f"{self.base}/{camera}/feedback/set"

    def feedback_state(self, camera: str) -> str:
        """Where the answer to the last word stands."""
        return f"{self.base}/{camera}/feedback/state"

    @property
    def home_assistant_status(self) -> str:
        """Where Home Assistant says `online` after its own start."""
        return f"{self.discovery_prefix}/status"

    def device_id(self, camera: str) -> str:
        """Return the camera's id in Home Assistant, which allows only letters, digits, `_` and `-`.

        `videobert_porch`; another base topic, `site/east`, gives `site_east_porch`.
        """
        return re.sub(r"[^a-zA-Z0-9_-]", "_", f"{self.base}_{camera}")

    def discovery(self, camera: str) -> str:
        """Where Home Assistant learns of the camera and its entities."""
        return f"{self.discovery_prefix}/device/{self.device_id(camera)}/config"

    def of_camera(self, camera: str) -> tuple[str, ...]:
        """Return every retained topic of a camera, to be emptied when it leaves."""
        own = (
            self.camera_status(camera),
            self.state(camera),
            self.snapshot(camera),
            self.discovery(camera),
            self.feedback_state(camera),
        )
        return own + tuple(self.switch_state(camera, switch) for switch in SWITCHES)
