"""One camera of the settings in use, as the page and the settings' editor see it."""

from dataclasses import dataclass

from daemon.config import CameraTable
from pipeline.controls import CameraControls


@dataclass(frozen=True, slots=True)
class Roll:
    """The cameras of the settings in use: what was set, and how its switches stand now."""

    table: CameraTable
    controls: CameraControls
