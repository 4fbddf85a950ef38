"""How far a service has been told of the events: a mark that survives a restart, in one small file."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.files import write_file
from pipeline.trouble import Trouble

logger = logging.getLogger(__name__)

# Events that have no end in the log are forgotten beyond that many.
MAX_OPEN = 1000


@dataclass(frozen=True, slots=True)
class Progress:
    """Every message up to `seq` is dealt with.

    `told_utc_s` says when a camera was last told of. `decided` says of each event that has not ended whether
    its beginning was sent.
    """

    seq: int
    told_utc_s: Mapping[str, float] = field(default_factory=dict)
    decided: Mapping[str, bool] = field(default_factory=dict)

    def tell(self, camera: str, utc_s: float) -> Self:
        """Return this with a camera told of at `utc_s`."""
        return replace(self, told_utc_s={**self.told_utc_s, camera: utc_s})

    def decide(self, event_id: str, *, sent: bool) -> Self:
        """Return this with a decision about an event; the oldest one goes where there are too many."""
        newest = list({**self.decided, event_id: sent}.items())[-MAX_OPEN:]
        return replace(self, decided=dict(newest))

    def end(self, event_id: str) -> Self:
        """Return this without an event that has ended."""
        return replace(self, decided={key: sent for key, sent in self.decided.items() if key != event_id})


class _Stored(BaseModel):
    """The file's content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int = Field(ge=0)
    told_utc_s: dict[str, float]
    decided: dict[str, bool]


class ProgressFile:
    """One service's mark on disk; a full disk costs the mark of a restart, never a message of now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._trouble = Trouble(
            logger,
            lambda reason: f"{path} cannot be written: {reason}; a restart would notify again",
            over=f"{path} is written again",
        )

    def load(self, last_seq: int) -> Progress:
        """Return the mark; a service that is new, or whose file is damaged, begins with what comes next."""
        try:
            stored = _Stored.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return Progress(last_seq)
        except (OSError, ValidationError) as error:
            words = error.strerror if isinstance(error, OSError) else "it is damaged"
            logger.warning("%s cannot be read: %s; what comes next is notified", self._path, words)
            return Progress(last_seq)
        # Behind a log that was moved away the numbers begin again.
        return Progress(min(stored.seq, last_seq), stored.told_utc_s, stored.decided)

    def save(self, progress: Progress) -> None:
        """Write the mark; it is on disk, and whole, when this returns."""
        stored = _Stored(
            seq=progress.seq, told_utc_s=dict(progress.told_utc_s), decided=dict(progress.decided)
        )
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path, stored.model_dump_json().encode(), durable=True)
        except OSError as error:
            self._trouble.failed(error.strerror)
            return
        self._trouble.succeeded()
