"""The pictures of events in, files beside one another under the data folder out, and back again by event."""

import logging
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.event_files import EventFiles, FileKind, KeptFile
from daemon.payloads import RegionMessage
from models.geometry import Point
from pipeline.clock import Clock
from pipeline.types import Event, Snapshot

logger = logging.getLogger(__name__)


class Part(StrEnum):
    """What is kept of a snapshot; the value is how its file ends."""

    PICTURE = ".jpg"
    THUMBNAIL = ".thumbnail.jpg"
    HEAT = ".heat.png"
    NORMAL = ".normal.jpg"
    LAYERS = ".layers.json"


class Layers(BaseModel):
    """What is drawn over a plain picture, in fractions of it: as the camera's zones were at that time.

    Earlier versions kept none: the place was drawn into the picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    region: RegionMessage | None = None
    zones: dict[str, tuple[Point, ...]] = Field(default_factory=dict)


class SnapshotStore:
    """The files of all events' snapshots, in one folder for each camera; any thread may call."""

    def __init__(self, folder: Path, keep_days: float, clock: Clock) -> None:
        self._files = {
            part: EventFiles(folder, FileKind("snapshots", part, keep_days), clock) for part in Part
        }

    @property
    def problem(self) -> str:
        """Why the last snapshot could not be written; empty where it was."""
        return next((files.problem for files in self._files.values() if files.problem), "")

    def save(self, event: Event, snapshot: Snapshot) -> bool:
        """Keep an event's pictures; say whether they could be written, the layers as the last of them."""
        region = snapshot.region
        layers = Layers(
            width_px=snapshot.width_px,
            height_px=snapshot.height_px,
            region=None if region is None else RegionMessage.of(region),
            zones=dict(snapshot.outlines),
        )
        parts = {
            Part.PICTURE: snapshot.picture,
            Part.THUMBNAIL: snapshot.thumbnail,
            Part.HEAT: snapshot.heat,
            Part.NORMAL: snapshot.normal,
            Part.LAYERS: layers.model_dump_json().encode(),
        }
        return all(
            self._files[part].save(event.camera, event.id, data)
            for part, data in parts.items()
            if data is not None
        )

    def read(self, event_id: str, part: Part = Part.PICTURE) -> bytes | None:
        """Return a part of an event's snapshot, None where none is kept."""
        return self._files[part].read(event_id)

    def layers(self, event_id: str) -> Layers | None:
        """Return what is to be drawn over an event's picture, None where nothing is or it cannot be read."""
        text = self.read(event_id, Part.LAYERS)
        try:
            return None if text is None else Layers.model_validate_json(text)
        except ValidationError as error:
            logger.warning("the layers of event %s are damaged: %s", event_id, error)
            return None

    def files(self) -> Iterator[KeptFile]:
        """Yield every file."""
        return self._files[Part.PICTURE].files()

    def prune(self) -> int:
        """Delete what is too old; return how many files went. One look at the folder sees all parts."""
        return self._files[Part.PICTURE].prune()
