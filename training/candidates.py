"""Data folders in, their unlabelled clips out: where they are, what a model says of them, a table to label.

A clip is a window of T frames, half a window after the one before; it is unlabelled where no segment with a
label touches it.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.runtime import ClipUnderstanding, Encoder
from training.data_folder import DataFolder
from training.features import FeatureStore, FileFeatures
from training.label_tables import DataError
from training.selection import F64, Place, Pool
from training.windows import Window, blind_windows, cut_batch

CLIPS_AT_ONCE = 32
MOSTLY = 0.5  # a window counts as labelled if its label covers so much of it
COLUMNS = ("file", "label", "group", "start_s", "end_s")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clip that may be labelled: `file` in `folder`, its group, and its seconds `start_s` ≤ t < `end_s`."""

    folder: Path
    file: str
    group: str
    start_s: float
    end_s: float

    @property
    def place(self) -> Place:
        """Return where it is."""
        return Place(str(self.folder / self.file), self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Unlabelled clips, and the pool in which they are compared, in the same order."""

    clips: tuple[Candidate, ...]
    pool: Pool


class CandidateReader:
    """Cuts recordings into clips and asks the model about them, for one of its tasks.

    Raises:
        DataError: The model has no such task.
    """

    def __init__(self, encoder: Encoder, store: FeatureStore, task: str) -> None:
        if task not in (tasks := encoder.checkpoint.tasks):
            raise DataError(f"The checkpoint has no task {task}; it has {', '.join(tasks)}.")
        self._encoder = encoder
        self._store = store
        self._task = task

    def read(self, folders: Sequence[DataFolder]) -> Candidates:
        """Return the unlabelled clips of the folders.

        Raises:
            DataError: There is none.
            SourceError: A recording cannot be read.
        """
        clips: list[Candidate] = []
        probabilities: list[F64] = []
        embeddings: list[F64] = []
        labelled: list[F64] = []
        recordings = [(folder, file) for folder in folders for file in folder.files]
        for folder, file in recordings:
            features = self._store.file(folder.path / file)
            open_windows, known = self._windows(folder, file, features)
            clips.extend(self._candidate(folder, window, features) for window in open_windows)
            for said in self._understand(open_windows, features):
                probabilities.append(said.probabilities[self._task].astype(np.float64))
                embeddings.append(said.embedding.astype(np.float64))
            labelled.extend(said.embedding.astype(np.float64) for said in self._understand(known, features))
        if not clips:
            names = ", ".join(str(folder.path) for folder in folders)
            raise DataError(f"There is no unlabelled clip in {names}.")
        told = np.concatenate(embeddings)
        pool = Pool(
            places=[clip.place for clip in clips],
            probabilities=np.concatenate(probabilities),
            embeddings=told,
            labelled=np.concatenate([told[:0], *labelled]),
        )
        return Candidates(tuple(clips), pool)

    def _windows(
        self, folder: DataFolder, file: str, features: FileFeatures
    ) -> tuple[list[Window], list[Window]]:
        """Return the recording's unlabelled and its labelled windows."""
        num_frames = self._encoder.checkpoint.num_frames
        frame_s = 1 / self._store.footage.sample_fps
        windows = blind_windows(
            features,
            folder.segments_of(file),
            length_s=(num_frames + 0.5) * frame_s,  # whatever rounding does to times, T frames fall in
            step_s=num_frames / 2 * frame_s,
        )
        # A window that an interruption cut short says little; a short recording has nothing better.
        least = min(num_frames // 2, max(len(window) for window in windows))
        windows = [window for window in windows if len(window) >= least]
        return (
            [window for window in windows if window.segment.label is None],
            [window for window in windows if window.segment.label is not None and window.coverage >= MOSTLY],
        )

    def _candidate(self, folder: DataFolder, window: Window, features: FileFeatures) -> Candidate:
        """Return the part of the recording that the model sees of the window: its newest T frames."""
        frame_s = 1 / self._store.footage.sample_fps
        first = max(window.first, window.stop - self._encoder.checkpoint.num_frames)
        start_s, last_s = features.times_s[first], features.times_s[window.stop - 1]
        return Candidate(
            folder=folder.path,
            file=window.segment.file,
            group=window.segment.group,
            start_s=round(float(start_s), 3),
            end_s=round(float(last_s) + frame_s, 3),
        )

    def _understand(self, windows: Sequence[Window], features: FileFeatures) -> Iterator[ClipUnderstanding]:
        num_frames = self._encoder.checkpoint.num_frames
        for begin in range(0, len(windows), CLIPS_AT_ONCE):
            batch = windows[begin : begin + CLIPS_AT_ONCE]
            files = {window.segment.file: features for window in batch}
            yield self._encoder.understand(cut_batch(batch, files, num_frames=num_frames))


def demand_new_table(table: Path, folders: Sequence[DataFolder]) -> None:
    """Accept a table that can be written.

    Raises:
        DataError: It exists, its folder does not, or a data folder does not lie there or below.
    """
    if table.exists():
        raise DataError(f"{table} exists: labels may stand in it.")
    if not table.parent.is_dir():
        raise DataError(f"There is no folder {table.parent}.")
    for folder in folders:
        if not folder.path.resolve().is_relative_to(table.parent.resolve()):
            raise DataError(f"{table} must lie in {folder.path} or above: its files are named from there.")


def write_table(table: Path, clips: Sequence[Candidate]) -> None:
    """Write a segments.csv of the clips, their labels empty."""
    with table.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for clip in clips:
            place = (clip.folder / clip.file).resolve().relative_to(table.parent.resolve())
            writer.writerow([place, "", clip.group, f"{clip.start_s:g}", f"{clip.end_s:g}"])
