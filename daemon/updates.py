"""What runs and what is installed in, whether a restart would bring something newer out: retained topics.

Which versions there are in the world nobody knows without asking it, and the daemon asks nobody.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from daemon.board import Board
from daemon.topics import Topics
from models.checkpoint import load_checkpoint
from pipeline.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of the program and of its model; the model's with its name, `videobert-small 0.3.0`."""

    program: str
    model: str


class Updates:
    """Tells which versions run and which ones a restart would bring, for Home Assistant's update entities."""

    def __init__(
        self, topics: Topics, board: Board, *, running: Versions, on_disk: Callable[[], Versions]
    ) -> None:
        self._topics = topics
        self._board = board
        self._running = running
        self._on_disk = on_disk

    def tell(self) -> None:
        """Look at what is installed now, and let it stand."""
        found = self._on_disk()
        self._put("program", self._running.program, found.program)
        self._put("model", self._running.model, found.model)

    def _put(self, part: str, running: str, found: str) -> None:
        payload = {"installed_version": running, "latest_version": found}  # Home Assistant's words
        self._board.put(self._topics.versions(part), json.dumps(payload, separators=(",", ":")).encode())


def versions_on_disk(checkpoint: Path, running: Versions) -> Versions:
    """Return what a start would load now; what is half installed or damaged is not counted as there."""
    return Versions(_program(running.program), _model(checkpoint, running.model))


def _program(running: str) -> str:
    try:
        return version("videobertd")
    except PackageNotFoundError:
        return running


def _model(folder: Path, running: str) -> str:
    try:
        checkpoint = load_checkpoint(folder)
    except CheckpointError:
        return running
    return checkpoint.title
