"""Data folders in, their features in the cache and a report out; one unreadable recording stops nothing."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import SourceError
from training.features import FeatureStore, FileFeatures

OnProgress = Callable[[Path], None]


@dataclass(slots=True)
class ExtractionReport:
    """What was done; `failed` maps recordings to the reason why they cannot be read.

    `duration_s` is that of all readable recordings, from the first to the last sampled frame.
    `still_frames` reuse the features of another; `lost_frames` could not be decoded. `cpu_s` is what this
    process used.
    """

    recordings: int = 0
    cached: int = 0
    frames: int = 0
    still_frames: int = 0
    lost_frames: int = 0
    duration_s: float = 0.0
    cpu_s: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, features: FileFeatures) -> None:
        """Count a readable recording."""
        self.frames += len(features)
        self.still_frames += int(features.still.sum())
        self.duration_s += float(features.times_s[-1] - features.times_s[0])

    def lose(self, _reason: str) -> None:
        """Count a frame that cannot be decoded."""
        self.lost_frames += 1


def extract_all(
    store: FeatureStore, recordings: Iterable[Path], *, on_progress: OnProgress | None = None
) -> ExtractionReport:
    """Bring the recordings' features into the cache; `on_progress` is told of each that is done."""
    report, began_s = ExtractionReport(), time.process_time()
    for recording in recordings:
        report.recordings += 1
        try:
            report.cached += store.has(recording)
            report.add(store.file(recording, on_drop=report.lose))
        except SourceError as error:
            report.failed[str(recording)] = str(error)
        if on_progress is not None:
            on_progress(recording)
    report.cpu_s = round(time.process_time() - began_s, 2)
    report.duration_s = round(report.duration_s, 2)
    return report
