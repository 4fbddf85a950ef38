"""Data folders in, their unlabelled clips out: where they are, what a model says of them, a table to label.

A clip is a window of T frames, half a window after the one before; it is unlabelled where no segment with a
label touches it. Nothing is asked twice: what stands in the table that is to be continued is no candidate.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from models.runtime import ClipBatch, ClipUnderstanding, Encoder
from models.statistics import ORDERED, STATISTICS, clip_statistics
from training.data_folder import DataFolder
from training.features import FeatureStore, FileFeatures
from training.label_tables import SEGMENTS_FILE, Columns, DataError, Segment, read_table
from training.selection import F64, Place, Pool
from training.windows import Window, clip_windows, cut_batch

F32 = NDArray[np.float32]

CLIPS_AT_ONCE = 32
LEAST_SPREAD = 1e-6  # what never changes counts as it is
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

    With `statistics` clips are compared by what a linear path reads of them, in units of its spread, rather
    than by the model's embedding: the deep path that gives this may never have learned.

    Raises:
        DataError: The model has no such task.
    """

    def __init__(self, encoder: Encoder, store: FeatureStore, task: str, *, statistics: bool = False) -> None:
        self._statistics = statistics
        if task not in (tasks := encoder.checkpoint.tasks):
            raise DataError(f"The checkpoint has no task {task}; it has {', '.join(tasks)}.")
        self._encoder = encoder
        self._store = store
        self._task = task

    def read(self, folders: Sequence[DataFolder], asked: "Asked | None" = None) -> Candidates:
        """Return the unlabelled clips of the folders that have not been `asked` about.

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
            unlabelled, known = self._windows(folder, file, features)
            cut = [(window, self._candidate(folder, window, features)) for window in unlabelled]
            cut = [(window, clip) for window, clip in cut if asked is None or not asked.about(clip)]
            open_windows = [window for window, _ in cut]
            clips.extend(clip for _, clip in cut)
            for said in self._understand(open_windows, features):
                probabilities.append(said.probabilities[self._task].astype(np.float64))
                embeddings.append(said.embedding.astype(np.float64))
            labelled.extend(said.embedding.astype(np.float64) for said in self._understand(known, features))
        if not clips:
            names = ", ".join(str(folder.path) for folder in folders)
            raise DataError(f"There is no unlabelled clip in {names}.")
        told = np.concatenate(embeddings)
        told_labelled = np.concatenate([told[:0], *labelled])
        if self._statistics:
            centre, spread = told.mean(axis=0), np.maximum(told.std(axis=0), LEAST_SPREAD)
            units = spread * np.sqrt(told.shape[1])
            told, told_labelled = (told - centre) / units, (told_labelled - centre) / units
        pool = Pool(
            places=[clip.place for clip in clips],
            probabilities=np.concatenate(probabilities),
            embeddings=told,
            labelled=told_labelled,
        )
        return Candidates(tuple(clips), pool)

    def _windows(
        self, folder: DataFolder, file: str, features: FileFeatures
    ) -> tuple[list[Window], list[Window]]:
        """Return the recording's unlabelled and its labelled windows."""
        windows = clip_windows(
            features,
            folder.segments_of(file),
            num_frames=self._encoder.checkpoint.num_frames,
            sample_fps=self._store.footage.sample_fps,
        )
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
            clips = cut_batch(batch, files, num_frames=num_frames)
            said = self._encoder.understand(clips)
            yield replace(said, embedding=plain_statistics(clips)) if self._statistics else said


def plain_statistics(clips: ClipBatch) -> F32:
    """Return mean, deviation and mean step of each feature of B clips, (B, 3 * V)."""
    kinds = [kind for kind in STATISTICS if kind not in ORDERED]
    found = clip_statistics(torch.from_numpy(clips.features), torch.from_numpy(clips.mask), kinds)
    return cast("F32", found.numpy())


@dataclass(frozen=True, slots=True)
class Asked:
    """What a table has asked about already, answered or not: the segments of each recording, by its path."""

    segments: Mapping[Path, Sequence[Segment]]

    @classmethod
    def of_table(cls, table: Path) -> "Asked":
        """Read a segments.csv; where there is none nothing has been asked.

        Raises:
            DataError: It cannot be read as such, or cannot be continued.
        """
        found: dict[Path, list[Segment]] = {}
        if table.exists():
            if table.name != SEGMENTS_FILE:
                raise DataError(f"{table} exists; only a {SEGMENTS_FILE} is continued.")
            for segment in read_table(table, Columns()):
                found.setdefault(table.parent.resolve() / segment.file, []).append(segment)
        return cls(found)

    def about(self, clip: Candidate) -> bool:
        """Say whether a segment of the table touches the clip."""
        return any(
            clip.start_s < (math.inf if segment.end_s is None else segment.end_s)
            and segment.start_s < clip.end_s
            for segment in self.segments.get(clip.folder.resolve() / clip.file, ())
        )


def demand_place(table: Path, folders: Sequence[DataFolder]) -> None:
    """Accept a table that can be written.

    Raises:
        DataError: Its folder does not exist, or a data folder does not lie there or below.
    """
    if not table.parent.is_dir():
        raise DataError(f"There is no folder {table.parent}.")
    for folder in folders:
        if not folder.path.resolve().is_relative_to(table.parent.resolve()):
            raise DataError(f"{table} must lie in {folder.path} or above: its files are named from there.")


def write_table(table: Path, clips: Sequence[Candidate]) -> None:
    """Write a segments.csv of the clips, their labels empty; what stands in it already stays as it is."""
    columns: Sequence[str] = COLUMNS
    if table.exists():
        text = table.read_text(encoding="utf-8-sig")
        columns = [name.strip() for name in next(csv.reader(text.splitlines()))]
        if not text.endswith("\n"):
            table.write_text(f"{text}\n", encoding="utf-8")
    with table.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        if not file.tell():
            writer.writeheader()
        for clip in clips:
            place = (clip.folder.resolve() / clip.file).relative_to(table.parent.resolve())
            cells = (place, "", clip.group, f"{clip.start_s:g}", f"{clip.end_s:g}")
            writer.writerow(dict(zip(COLUMNS, cells, strict=True)))
