"""A checkpoint and footage in which nothing happens in, the scores that it would have alarmed by out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import Checkpoint
from models.runtime import ClipBatch, Encoder
from training.data_folder import DataFolder
from training.features import FeatureStore, FileFeatures
from training.label_tables import Segment
from training.thresholds import ScoreSeries

F32 = NDArray[np.float32]

MARGIN_S = 5.0  # around what is not normal: labellers are not exact, and a clip reaches into the past
BATCH = 64


@dataclass(frozen=True, slots=True)
class NormalFootage:
    """Recordings of ordinary time, and labels or groups that are left out: of every task, or of one.

    What a task has learned from says nothing about its false alarms, though it may do so for another task.
    """

    folders: Sequence[DataFolder]
    without: frozenset[str] = field(default_factory=frozenset)
    without_for: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def excluded(self, task: str) -> frozenset[str]:
        """Return the labels and groups whose segments are left out for a task."""
        return self.without | self.without_for.get(task, frozenset())


def footage_of(folders: Sequence[DataFolder], without: Sequence[str]) -> NormalFootage:
    """Return the footage without what `NAME` leaves out of all tasks, and `TASK:NAME` of one."""
    scoped = [text.rpartition(":")[::2] for text in without]
    tasks = {task for task, _ in scoped if task}
    return NormalFootage(
        folders=folders,
        without=frozenset(label for task, label in scoped if not task),
        without_for={of: frozenset(label for task, label in scoped if task == of) for of in tasks},
    )


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities (N, labels) per task at the decisions `times_s` (N,) of one unbroken piece of footage."""

    times_s: NDArray[np.float64]
    probabilities: Mapping[str, F32]
    stride_s: float

    def series(self, task: str, column: int) -> ScoreSeries:
        """Return one label's scores."""
        duration_s = len(self.times_s) * self.stride_s
        return ScoreSeries(self.times_s, self.probabilities[task][:, column], duration_s)


def score_footage(
    encoder: Encoder, store: FeatureStore, footage: NormalFootage, *, task: str
) -> list[Scores]:
    """Let the checkpoint decide about all footage that counts for a task, once a stride, as it would live.

    Raises:
        SourceError: A recording cannot be read.
    """
    scored, left_out = [], footage.excluded(task)
    for folder in footage.folders:
        for name in folder.files:
            excluded = [
                segment for segment in folder.segments_of(name) if {segment.label, segment.group} & left_out
            ]
            file = store.file(Path(folder.path / name))
            scored += [
                _score(encoder, file, ends)
                for ends in _pieces(file, excluded, encoder.checkpoint)
                if len(ends)
            ]
    return scored


def _pieces(
    file: FileFeatures, excluded: Sequence[Segment], checkpoint: Checkpoint
) -> Iterator[NDArray[np.intp]]:
    """Yield the decisions' newest frames, by pieces between what is left out.

    Half a clip must have come since the last interruption, as live.
    """
    steps = np.floor(file.times_s / checkpoint.stride_s)
    newest = np.flatnonzero(np.diff(steps, append=steps[-1] + 1))
    newest = newest[2 * (newest - _begun(file)[newest] + 1) >= checkpoint.num_frames]
    times_s = file.times_s[newest]
    kept = np.ones(len(newest), np.bool_)
    for segment in excluded:
        end_s = np.inf if segment.end_s is None else segment.end_s
        kept &= (times_s < segment.start_s - MARGIN_S) | (times_s > end_s + MARGIN_S)
    breaks = np.flatnonzero(np.diff(np.flatnonzero(kept)) > 1) + 1
    yield from np.split(newest[kept], breaks)


def _score(encoder: Encoder, file: FileFeatures, ends: NDArray[np.intp]) -> Scores:
    parts: dict[str, list[F32]] = {task: [] for task in encoder.checkpoint.tasks}
    for start in range(0, len(ends), BATCH):
        understood = encoder.understand(_clips(file, ends[start : start + BATCH], encoder.checkpoint))
        for task, probabilities in understood.probabilities.items():
            parts[task].append(probabilities)
    joined = {task: np.concatenate(part) for task, part in parts.items()}
    return Scores(file.times_s[ends], joined, encoder.checkpoint.stride_s)


def _clips(file: FileFeatures, ends: NDArray[np.intp], checkpoint: Checkpoint) -> ClipBatch:
    """Return the clips that end with each of the frames, as the live clip buffer would have them."""
    frames = ends[:, None] + np.arange(1 - checkpoint.num_frames, 1)  # (B, T)
    mask = frames >= _begun(file)[ends][:, None]
    places = np.maximum(frames, 0)
    return ClipBatch(
        features=np.where(mask[..., None], file.features[places], np.float32(0)),
        motion=np.where(mask[..., None], file.motion[places], np.float32(0)),
        mask=mask,
    )


def _begun(file: FileFeatures) -> NDArray[np.intp]:
    """Return for each frame (N,) the first one of its unbroken stream."""
    return np.maximum.accumulate(np.where(file.begins, np.arange(len(file.begins)), 0))
