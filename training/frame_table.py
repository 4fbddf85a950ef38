"""Data folders in, all their frames that show something of their own out, one row each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data_folder import DataFolder
from training.features import FeatureStore, FileFeatures
from training.label_tables import DataError, Segment

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FrameTable:
    """N frames of several recordings.

    `features` is (N, V). `recording` (N,) counts in `recordings`, `index` (N,) the sampled frames of the
    recording, and `label` (N,) in `labels`, −1 where there is none; `times_s` (N,) is the recording's clock.
    """

    recordings: tuple[Path, ...]
    labels: tuple[str, ...]
    recording: I64
    index: I64
    label: I64
    times_s: NDArray[np.float64]
    features: F32


@dataclass(frozen=True, slots=True)
class _Rows:
    """The frames of one recording that count."""

    path: Path
    index: I64
    labels: list[str | None]
    file: FileFeatures


def collect_frames(
    store: FeatureStore, folders: Sequence[DataFolder], *, leave_out: Collection[str] = ()
) -> FrameTable:
    """Gather the frames of all recordings but those that have a part in a group of `leave_out`.

    A still frame repeats the features of another and one after an interruption shows no motion: they would
    only count the empty room again and again.

    Raises:
        DataError: There is no such group, or no frame is left.
        SourceError: A recording cannot be read.
    """
    known = {segment.group for folder in folders for segment in folder.segments}
    if unknown := set(leave_out) - known:
        raise DataError(f"There are no groups {', '.join(sorted(unknown))} to leave out.")
    rows = [
        _rows(store, folder.path / file, folder.segments_of(file))
        for folder in folders
        for file in folder.files
        if not {segment.group for segment in folder.segments_of(file)} & set(leave_out)
    ]
    if not any(len(row.index) for row in rows):
        raise DataError("There is no frame with motion to learn visual words from.")
    return _table(rows)


def _rows(store: FeatureStore, path: Path, segments: Sequence[Segment]) -> _Rows:
    file = store.file(path)
    index = np.flatnonzero(~file.still & ~file.begins)
    return _Rows(path, index, [_label_at(segments, time_s) for time_s in file.times_s[index].tolist()], file)


def _label_at(segments: Sequence[Segment], time_s: float) -> str | None:
    for segment in segments:
        if segment.start_s <= time_s and (segment.end_s is None or time_s < segment.end_s):
            return segment.label
    return None


def _table(rows: Sequence[_Rows]) -> FrameTable:
    labels = sorted({label for row in rows for label in row.labels if label is not None})
    number = {label: position for position, label in enumerate(labels)}
    return FrameTable(
        recordings=tuple(row.path for row in rows),
        labels=tuple(labels),
        recording=np.repeat(np.arange(len(rows)), [len(row.index) for row in rows]),
        index=np.concatenate([row.index for row in rows]),
        label=np.array([number.get(label or "", -1) for row in rows for label in row.labels]),
        times_s=np.concatenate([row.file.times_s[row.index] for row in rows]),
        features=np.concatenate([row.file.features[row.index] for row in rows]),
    )
