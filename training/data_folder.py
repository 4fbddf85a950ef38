"""A folder of recordings in, their labelled parts out, with a fingerprint that changes when they do."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from pipeline.image_folder import IMAGE_SUFFIXES, list_images
from training.footage import VIDEO_SUFFIXES
from training.label_tables import LABELS_FILE, SEGMENTS_FILE, Columns, DataError, Segment, read_table

__all__ = ["Columns", "DataError", "DataFolder", "Segment", "load_data_folder"]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Recordings below `path` and what is known of their parts, in the order of the table."""

    path: Path
    segments: tuple[Segment, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Return each recording once, in the order of the segments."""
        return tuple(dict.fromkeys(segment.file for segment in self.segments))

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels that occur, sorted."""
        return tuple(sorted({segment.label for segment in self.segments if segment.label is not None}))

    def segments_of(self, file: str) -> list[Segment]:
        """Return the parts of one recording."""
        return [segment for segment in self.segments if segment.file == file]

    def fingerprint(self) -> str:
        """Return the SHA-256 of the files' names and sizes and of all that the segments say."""
        sizes = {file: _size_bytes(self.path / file) for file in self.files}
        said = [list(astuple(segment)) for segment in self.segments]
        return hashlib.sha256(json.dumps([sizes, said], sort_keys=True).encode()).hexdigest()


def load_data_folder(
    path: Path, *, label_by: str = "label", group_by: str = "group", unnamed: bool = False
) -> DataFolder:
    """Read what `path` holds: labels.csv, or segments.csv, or else the recordings below, without labels.

    `label_by` and `group_by` name the table's columns that are to be label and group. With `unnamed` the
    recordings below that a table does not name are there as well, without labels. One that no table names is
    a group of its own. A recording is a video, or a folder of numbered images.

    Raises:
        DataError: The folder is missing, has both tables or no recording, or a table is wrong.
    """
    if not path.is_dir():
        raise DataError(f"There is no data folder {path}.")
    tables = [path / name for name in (LABELS_FILE, SEGMENTS_FILE) if (path / name).is_file()]
    if len(tables) == 2:
        raise DataError(f"{path} has both {LABELS_FILE} and {SEGMENTS_FILE}: keep one.")
    if tables:
        named = DataFolder(path, tuple(read_table(tables[0], Columns(label_by, group_by))))
        others = sorted(set(_recordings(path)) - set(named.files)) if unnamed else []
        return DataFolder(path, (*named.segments, *_without_labels(others)))
    if not (files := _recordings(path)):
        raise DataError(f"{path} has neither {LABELS_FILE} nor {SEGMENTS_FILE}, nor videos or image folders.")
    return DataFolder(path, _without_labels(files))


def _without_labels(files: Sequence[str]) -> tuple[Segment, ...]:
    return tuple(Segment(file, label=None, group=file) for file in files)


def _recordings(path: Path) -> list[str]:
    """Return the videos and the folders of images below `path`, sorted; links are followed."""
    below = [Path(root, name) for root, _, names in os.walk(path, followlinks=True) for name in names]
    videos = [file for file in below if file.suffix.lower() in VIDEO_SUFFIXES]
    folders = {file.parent for file in below if file.suffix.lower() in IMAGE_SUFFIXES} - {path}
    return sorted(str(file.relative_to(path)) for file in (*videos, *folders))


def _size_bytes(recording: Path) -> int:
    return sum(file.stat().st_size for file in files_of(recording))


def files_of(recording: Path) -> Sequence[Path]:
    """Return the files that a recording consists of: itself, or the images of a folder in their order."""
    return list_images(recording) if recording.is_dir() else [recording]
