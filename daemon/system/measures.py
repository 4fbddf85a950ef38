"""The program's metrics and its folders in, what the system's page shows of them out."""

import shutil
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Counter, Histogram

from daemon.quantiles import quantile_of
from pipeline.clock import Clock
from pipeline.metrics import Metrics

# Frames a second are told of the last minute: `Meter.note` is called every other second.
NOTES = 30
STAGES = ("decoded", "sampled", "encoded")

# A counter's values: by camera, then by its other label.
Counts = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class CameraMeasures:
    """A camera's frames a second by stage, None while not known; by reason, what was lost since the start."""

    name: str
    fps: Mapping[str, float | None]
    dropped: Mapping[str, int]
    disconnected: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Delay:
    """What half of all delays stay below, and 95 and 99 of 100; None before the first one."""

    count: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class Storage:
    """What is kept under `folder`, and how large its disk is; None where the disk cannot be asked."""

    folder: str
    bytes_by_kind: Mapping[str, int]
    free_bytes: int | None
    disk_bytes: int | None


@dataclass(frozen=True, slots=True)
class Whole:
    """What is measured of all cameras together."""

    frame_to_score: Delay
    capture_to_publish: Delay
    storage: Storage


@dataclass(frozen=True, slots=True)
class Measures:
    """What the page shows; `whole` is None for who does not see all cameras, `card` the model's own text."""

    cameras: tuple[CameraMeasures, ...]
    whole: Whole | None
    card: str


@dataclass(frozen=True, slots=True)
class Larder:
    """The data folder, and how large each kind of what lies in it is."""

    folder: Path
    size_bytes: Mapping[str, Callable[[], int]]

    def look(self) -> Storage:
        """Return what is known of each kind, and ask the disk."""
        sizes = {kind: size_bytes() for kind, size_bytes in self.size_bytes.items()}
        try:
            disk = shutil.disk_usage(self.folder)
        except OSError:
            return Storage(str(self.folder), sizes, None, None)
        return Storage(str(self.folder), sizes, disk.free, disk.total)


class Meter:
    """Reads the metrics: the main thread has them noted, and any other asks."""

    def __init__(self, metrics: Metrics, clock: Clock, larder: Larder) -> None:
        self._metrics = metrics
        self._clock = clock
        self._larder = larder
        self._notes: deque[tuple[float, Counts]] = deque(maxlen=NOTES)

    def note(self) -> None:
        """Keep the counts of this moment, from which frames a second follow."""
        self._notes.append((self._clock.monotonic_s(), _counts(self._metrics.frames, "stage")))

    def measures(self, cameras: Iterable[str], *, card: str) -> Measures:
        """Return how things stand now."""
        metrics = self._metrics
        dropped = _counts(metrics.frames_dropped, "reason")
        disconnected = _counts(metrics.camera_reconnects, "reason")
        now_s, frames = self._clock.monotonic_s(), _counts(metrics.frames, "stage")
        begin_s, before = self._notes[0] if self._notes else (now_s, frames)
        return Measures(
            cameras=tuple(
                CameraMeasures(
                    name,
                    _rates(before.get(name, {}), frames.get(name, {}), now_s - begin_s),
                    _whole_numbers(dropped.get(name, {})),
                    _whole_numbers(disconnected.get(name, {})),
                )
                for name in cameras
            ),
            whole=Whole(
                delay_of(metrics.frame_to_score_seconds),
                delay_of(metrics.capture_to_publish_seconds),
                self._larder.look(),
            ),
            card=card,
        )


def delay_of(histogram: Histogram) -> Delay:
    """Return the percentiles of what a histogram has seen since the start."""
    samples = [sample for family in histogram.collect() for sample in family.samples]
    counts = {float(one.labels["le"]): one.value for one in samples if one.name.endswith("_bucket")}
    shares = (quantile_of(counts, share) for share in (0.5, 0.95, 0.99))
    return Delay(round(max(counts.values())), *shares)


def _counts(counter: Counter, label: str) -> Counts:
    """Return a counter's values by camera and by another label."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for family in counter.collect():
        for sample in family.samples:
            if sample.name.endswith("_total"):
                found[sample.labels["camera"]][sample.labels[label]] = sample.value
    return found


def _rates(before: Mapping[str, float], after: Mapping[str, float], span_s: float) -> dict[str, float | None]:
    """Return frames a second by stage; a camera that was begun anew counts from 0."""
    if span_s <= 0:
        return dict.fromkeys(STAGES)
    grown = {stage: after.get(stage, 0.0) - before.get(stage, 0.0) for stage in STAGES}
    return {stage: max(0.0, count) / span_s for stage, count in grown.items()}


def _whole_numbers(counts: Mapping[str, float]) -> dict[str, int]:
    """Return what was counted at all, the most frequent first."""
    return {reason: round(n) for reason, n in sorted(counts.items(), key=lambda one: -one[1]) if n}
