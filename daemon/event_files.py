"""Pictures and clips of events in, files under the data folder out; the oldest are removed in time."""

import logging
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from models.files import replaced_file
from pipeline.clock import Clock
from pipeline.trouble import Trouble

logger = logging.getLogger(__name__)

_EVENT_ID = re.compile(r"[0-9a-v]{23}")


@dataclass(frozen=True, slots=True)
class FileKind:
    """What is kept of an event: `words` for the log, the files' ending, and how much of it is kept.

    `keep_bytes` is for each camera.
    """

    words: str
    suffix: str
    keep_days: float
    keep_bytes: float = float("inf")


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file, how large it is and when it was written."""

    path: Path
    size_bytes: int
    written_utc_s: float


class EventFiles:
    """One file per event, `<folder>/<camera>/<event id><suffix>`; any thread may call."""

    def __init__(self, folder: Path, kind: FileKind, clock: Clock) -> None:
        self._folder = folder
        self._kind = kind
        self._clock = clock
        self._trouble = Trouble(
            logger,
            lambda reason: f"{kind.words} cannot be written to {folder}: {reason}",
            over=f"{kind.words} are written to {folder} again",
        )

    @property
    def problem(self) -> str:
        """Why the last file could not be written; empty where it was."""
        return self._trouble.sentence

    def save(self, camera: str, event_id: str, data: bytes) -> bool:
        """Keep `data` for an event; say whether it could be written."""
        return self.write(camera, event_id, lambda path: path.write_bytes(data))

    def write(self, camera: str, event_id: str, fill: Callable[[Path], object]) -> bool:
        """Let `fill` write an event's file; say whether it could.

        A full disk costs the file, never the event; so does a power cut, as the disk is not waited for. The
        file appears under its name when it is complete.
        """
        target = self._folder / camera / f"{event_id}{self._kind.suffix}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replaced_file(target, durable=False) as partial:
                fill(partial)
        except OSError as error:
            self._trouble.failed(error.strerror)
            return False
        self._trouble.succeeded()
        return True

    def find(self, event_id: str) -> Path | None:
        """Return an event's file, or None; an id that no event could have is no path either."""
        if not _EVENT_ID.fullmatch(event_id):
            return None
        name = f"{event_id}{self._kind.suffix}"
        # Version 0.2 had no folders by camera.
        places = (self._folder / name, *self._folder.glob(f"*/{name}"))
        return next((path for path in places if path.is_file()), None)

    def read(self, event_id: str) -> bytes | None:
        """Return what is kept of an event, or None."""
        path = self.find(event_id)
        try:
            return None if path is None else path.read_bytes()
        except OSError:
            return None

    def files(self) -> Iterator[KeptFile]:
        """Yield every file, also what a crash left half written."""
        for path in self._folder.glob("**/*.*"):
            try:
                status = path.stat()
            except OSError:  # it went in this moment
                continue
            yield KeptFile(path, status.st_size, status.st_mtime)

    def prune(self) -> int:
        """Delete what is too old, and of each camera the oldest beyond `keep_bytes`; return how many went."""
        oldest_utc_s = self._clock.utc_s() - self._kind.keep_days * 86400
        newest_first = sorted(self.files(), key=lambda file: (file.path.parent, -file.written_utc_s))
        gone = 0
        for _, files in groupby(newest_first, key=lambda file: file.path.parent):
            kept_bytes = 0
            for file in files:
                kept_bytes += file.size_bytes
                if file.written_utc_s < oldest_utc_s or kept_bytes > self._kind.keep_bytes:
                    gone += _remove(file.path)
        return gone


class Kept(Protocol):
    """Whatever has files that may go."""

    def files(self) -> Iterator[KeptFile]:
        """Yield every file."""


def make_room(kept: Iterable[Kept], folder: Path, min_free_bytes: float) -> int:
    """Delete the oldest files until the disk of `folder` has so much room; return how many went.

    Events stay: what is deleted are their pictures and clips.
    """
    if not folder.exists() or (free_bytes := shutil.disk_usage(folder).free) >= min_free_bytes:
        return 0
    oldest_first = sorted((file for files in kept for file in files.files()), key=lambda f: f.written_utc_s)
    gone = 0
    for file in oldest_first:
        if free_bytes >= min_free_bytes:
            break
        if _remove(file.path):
            free_bytes, gone = free_bytes + file.size_bytes, gone + 1
    if gone:
        logger.warning("the disk is nearly full: the %d oldest pictures and clips were deleted", gone)
    return gone


def _remove(path: Path) -> bool:
    """Delete a file; say whether it was there and could be deleted."""
    try:
        path.unlink()
    except OSError:
        return False
    return True
