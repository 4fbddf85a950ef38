"""The cameras of a Frigate configuration in, what our settings say of them out; each is checked alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from daemon.config import RESERVED_NAMES, CameraTable
from daemon.config_errors import describe_errors
from daemon.frigate.areas import Area, PictureSize, camera_areas
from daemon.frigate.names import valid_names
from daemon.frigate.remarks import Remarks, is_off, table, text
from daemon.frigate.streams import camera_url
from pipeline.errors import SettingsError

_TAKEN = frozenset({"enabled", "friendly_name", "ffmpeg", "zones", "motion", "objects"})
_REASONS = {
    "detect": "what is looked at, and how often, is ours to choose: see sample_fps",
    "record": "a video of each event is kept: see clips, pre_roll_s and post_roll_s",
    "snapshots": "each event has its picture",
    "review": "rules raise and ignore events: see [[cameras.<name>.rules]]",
    "notifications": "see [notify.<name>]",
    "audio": "sound is not listened to",
    "onvif": "cameras are not moved",
}
_NO_COUNTERPART = "has no counterpart"


@dataclass(frozen=True, slots=True)
class ImportedCamera:
    """A camera as our settings have it."""

    name: str
    url: str
    description: str
    enabled: bool
    areas: tuple[Area, ...]

    def as_table(self) -> dict[str, Any]:
        """Return what stands in the settings file under the camera's name."""
        zones = {
            area.name: {"polygon": area.polygon} | ({"mask": True} if area.mask else {})
            for area in self.areas
        }
        rules = [
            {"do": "ignore", "zone": area.name, "kinds": ["anomaly", "behaviour"]}
            for area in self.areas
            if area.ignored
        ]
        given = {"url": self.url, "description": self.description, "zones": zones, "rules": rules}
        return ({} if self.enabled else {"enabled": False}) | {
            key: value for key, value in given.items() if value
        }


def imported_cameras(values: Mapping[str, Any], remarks: Remarks) -> Iterator[ImportedCamera]:
    """Yield each camera that the daemon can use; the others are told of in `remarks`."""
    cameras = table(values, "cameras")
    streams = table(values, "go2rtc", "streams")
    for (own, camera), name in zip(cameras.items(), valid_names(cameras, RESERVED_NAMES), strict=True):
        where = f"cameras.{own}"
        if not isinstance(camera, dict):
            remarks.add(where, "it was left out: it is no table")
            continue
        try:
            url = camera_url(camera, streams, where=where, remarks=remarks)
        except SettingsError as error:
            remarks.add(where, f"it was left out: {error}")
            continue
        areas = camera_areas(camera, _picture_size(values, camera), where=where, remarks=remarks)
        words = " ".join(text(camera.get("friendly_name")).split())
        imported = ImportedCamera(name, url, words, not is_off(camera.get("enabled")), areas)
        if _is_usable(imported, where, remarks):
            _remark_on_the_rest(camera, where, remarks)
            if name != own:
                remarks.add(where, f"it is called {name} here")
            yield imported


def _picture_size(values: Mapping[str, Any], camera: Mapping[str, Any]) -> PictureSize:
    detect = {**table(values, "detect"), **table(camera, "detect")}
    width, height = detect.get("width"), detect.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return PictureSize(width, height)
    return PictureSize()


def _is_usable(camera: ImportedCamera, where: str, remarks: Remarks) -> bool:
    """Say whether the daemon takes the camera, by the check that it makes itself."""
    try:
        CameraTable.model_validate(camera.as_table())
    except ValidationError as error:
        problems = "; ".join(problem.sentence for problem in describe_errors(error, CameraTable))
        remarks.add(where, f"it was left out: {problems}")
        return False
    return True


def _remark_on_the_rest(camera: Mapping[str, Any], where: str, remarks: Remarks) -> None:
    for key in camera:
        if key not in _TAKEN:
            remarks.add(f"{where}.{key}", _REASONS.get(key, _NO_COUNTERPART))


def remark_on_sections(values: Mapping[str, Any], remarks: Remarks) -> None:
    """Say of each section outside of the cameras why it was not taken over."""
    for key in values:
        if key not in {"cameras", "mqtt", "go2rtc", "version"}:
            remarks.add(str(key), _REASONS.get(str(key), _NO_COUNTERPART))
