"""A folder of recordings in, its clips and which of their frames are abnormal out."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.image_folder import IMAGE_SUFFIXES, list_images
from training.data_folder import DataError, DataFolder, Segment, load_data_folder
from training.label_tables import SEGMENTS_FILE
from training.measures import I64

TRUTH_FILE = "frame_labels.json"


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording: its name within the folder, and where it is."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of the frames of some clips: 0/1 for each frame, or the abnormal seconds.

    `file` is where it was read from.
    """

    file: Path
    frames: dict[str, I64]
    spans: dict[str, tuple[Segment, ...]]

    def labels(self, clip: Clip, times_s: Sequence[float]) -> I64:
        """Return 0/1 for each frame of a clip, whose frames were shown at `times_s`.

        Raises:
            DataError: There are not as many labels as frames.
        """
        if clip.name in self.spans:
            return _within(times_s, self.spans[clip.name])
        known = self.frames[clip.name]
        if len(known) != len(times_s):
            raise DataError(
                f"{self.file} has {len(known)} labels of {clip.name}, which has {len(times_s)} frames."
            )
        return known


def load_clips(folder: Path) -> list[Clip]:
    """Return the recordings of a folder in order of their names: videos, or folders of numbered images.

    A folder that itself holds images, and a video file, are one clip.

    Raises:
        DataError: There is no such folder, or no recording in it.
    """
    if folder.is_file() or (folder.is_dir() and _holds_images(folder)):
        return [Clip(folder.name, folder)]
    return [Clip(file, folder / file) for file in load_data_folder(folder).files]


def load_truth(folder: Path, clips: Sequence[Clip], *, abnormal: Collection[str] = ()) -> Truth | None:
    """Return what frame_labels.json says of the clips, or segments.csv if labels are `abnormal`.

    None where the folder has neither. In frame_labels.json a video may stand with or without its suffix.

    Raises:
        DataError: The file cannot be read, says nothing of a clip, something else than 0 and 1, or its
            number of labels is not that of the frames; or a label that is to be abnormal does not occur.
    """
    if abnormal:
        return _truth_of_segments(load_data_folder(folder), clips, abnormal)
    file = folder / TRUTH_FILE
    if not file.is_file():
        return None
    said = _read(file)
    frames = {
        clip.name: _checked(file, clip, said.get(clip.name, said.get(Path(clip.name).stem))) for clip in clips
    }
    return Truth(file, frames, {})


def _holds_images(folder: Path) -> bool:
    return any(file.suffix.lower() in IMAGE_SUFFIXES for file in folder.iterdir())


def _read(file: Path) -> dict[str, object]:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}.") from error
    if not isinstance(said, dict):
        raise DataError(f"{file} must be an object: clip → 0 or 1 for each frame.")
    return said


def _checked(file: Path, clip: Clip, labels: object) -> I64:
    if labels is None:
        raise DataError(f"{file} says nothing of {clip.name}.")
    if not isinstance(labels, list) or not all(type(one) is int and one in (0, 1) for one in labels):
        raise DataError(f"{file} must have a list of 0 and 1 for {clip.name}, one for each frame.")
    # A video is counted when it has been read: what its container says may be wrong by a few.
    if clip.path.is_dir() and (count := len(list_images(clip.path))) != len(labels):
        raise DataError(f"{file} has {len(labels)} labels of {clip.name}, which has {count} frames.")
    return np.array(labels, np.int64)


def _truth_of_segments(folder: DataFolder, clips: Sequence[Clip], abnormal: Collection[str]) -> Truth:
    if unknown := sorted(set(abnormal) - set(folder.labels)):
        raise DataError(
            f"{folder.path} has no segment labelled {', '.join(unknown)}; labels: {', '.join(folder.labels)}."
        )
    spans = {
        clip.name: tuple(one for one in folder.segments_of(clip.name) if one.label in abnormal)
        for clip in clips
    }
    return Truth(folder.path / SEGMENTS_FILE, {}, spans)


def _within(times_s: Sequence[float], spans: Sequence[Segment]) -> I64:
    times = np.asarray(times_s, np.float64)
    inside = np.zeros(len(times), np.bool_)
    for span in spans:
        inside |= (times >= span.start_s) & (times < (np.inf if span.end_s is None else span.end_s))
    return inside.astype(np.int64)
