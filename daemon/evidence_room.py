"""Pictures and clips on disk in, room for new ones out: the oldest go in time, metrics tell."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from daemon.event_files import Kept, make_room
from pipeline.metrics import Metrics


class Evidence(Kept, Protocol):
    """Files that go in time."""

    def prune(self) -> int:
        """Delete what is too old or too much; return how many files went."""


class EvidenceRoom:
    """Keeps the disk of `folder` from filling up; `kept` by the name that stands in the metrics."""

    def __init__(
        self, kept: Mapping[str, Evidence], *, folder: Path, min_free_bytes: float, metrics: Metrics
    ) -> None:
        self._kept = kept
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._metrics = metrics
        self._size_bytes = dict.fromkeys(kept, 0)

    def size_bytes(self, name: str) -> int:
        """Return how much there was of one kind when it was last pruned: who asks waits for no disk."""
        return self._size_bytes[name]

    def keep_free(self) -> None:
        """Delete the oldest where the disk is nearly full."""
        gone = make_room(self._kept.values(), self._folder, self._min_free_bytes)
        self._metrics.evidence_evicted.inc(gone)
        if self._folder.exists():
            self._metrics.disk_free_bytes.set(shutil.disk_usage(self._folder).free)

    def prune(self) -> None:
        """Delete what is too old or too much, and measure what is left."""
        for name, files in self._kept.items():
            files.prune()
            self._size_bytes[name] = sum(file.size_bytes for file in files.files())
            self._metrics.evidence_bytes.labels(name).set(self._size_bytes[name])
