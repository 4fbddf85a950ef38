"""Event pictures in, JPEG files under the data folder out; old ones are removed."""

import logging
import re
from pathlib import Path

from pipeline.clock import Clock

logger = logging.getLogger(__name__)

_EVENT_ID = re.compile(r"[0-9a-v]{23}")


class Snapshots:
    """One JPEG per event, `<folder>/<event id>.jpg`; any thread may call."""

    def __init__(self, folder: Path, clock: Clock, *, keep_days: float) -> None:
        self._folder = folder
        self._clock = clock
        self._keep_days = keep_days
        self._trouble = ""

    @property
    def problem(self) -> str:
        """Why the last picture could not be written; empty where it was."""
        return self._trouble

    def save(self, event_id: str, jpeg: bytes) -> None:
        """Write a picture; a full disk costs the picture, never the event."""
        target = self._folder / f"{event_id}.jpg"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            target.with_suffix(".partial").write_bytes(jpeg)
            target.with_suffix(".partial").replace(target)
        except OSError as error:
            self._note(f"pictures cannot be written to {self._folder}: {error.strerror}")
            return
        self._note("")

    def read(self, event_id: str) -> bytes | None:
        """Return a picture, or None; an id that no event could have is no path either."""
        if not _EVENT_ID.fullmatch(event_id):
            return None
        try:
            return (self._folder / f"{event_id}.jpg").read_bytes()
        except OSError:
            return None

    def prune(self) -> int:
        """Delete the pictures that are older than the events are kept; return how many went."""
        oldest_utc_s = self._clock.utc_s() - self._keep_days * 86400
        old = [path for path in self._folder.glob("*.*") if path.stat().st_mtime < oldest_utc_s]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _note(self, trouble: str) -> None:
        if trouble and not self._trouble:
            logger.error("%s", trouble)
        elif self._trouble and not trouble:
            logger.info("pictures are written to %s again", self._folder)
        self._trouble = trouble
