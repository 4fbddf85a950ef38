"""Data folders in, the clips that no label touches out: what semi-supervised training learns from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from models.heads import IGNORED
from training.data_folder import DataError, DataFolder, load_data_folder
from training.examples import Cut, Example
from training.features import FileFeatures
from training.footage import Footage
from training.windows import clip_windows

NO_TASK = ""  # of a clip of which nobody has said anything
AT_MOST = 2000  # clips; more are taken evenly from all, as regression holds them all in memory


class Store(Protocol):
    """Has the features of recordings, and knows how they were read."""

    footage: Footage

    def file(self, recording: Path) -> FileFeatures:
        """Return a recording's features."""


def read_unlabelled(
    paths: Sequence[Path], store: Store, *, num_frames: int, group_by: str = "group", at_most: int = AT_MOST
) -> list[Cut]:
    """Return the clips of T frames that no segment with a label touches, at most `at_most` of all.

    Recordings that a folder's table does not name are unlabelled, too, each a group of its own.

    Raises:
        DataError: A folder is wrong, or there is no such clip in it.
        SourceError: A recording cannot be read.
    """
    cuts: list[Cut] = []
    for path in paths:
        folder = load_data_folder(path, group_by=group_by, unnamed=True)
        found = [cut for file in folder.files for cut in _cuts(folder, file, store, num_frames=num_frames)]
        if not found:
            raise DataError(f"There is no unlabelled clip in {path}.")
        cuts += found
    kept = np.linspace(0, len(cuts) - 1, min(at_most, len(cuts))).round().astype(int)
    return [cuts[place] for place in kept]


def _cuts(folder: DataFolder, file: str, store: Store, *, num_frames: int) -> list[Cut]:
    recording, segments = folder.path / file, folder.segments_of(file)
    windows = clip_windows(
        store.file(recording), segments, num_frames=num_frames, sample_fps=store.footage.sample_fps
    )
    cuts = []
    for window in windows:
        if window.segment.label is None:
            # As examples have it: the whole path, and a group that names the folder too.
            group = f"{folder.path.name}/{window.segment.group}"
            segment = replace(window.segment, file=str(recording), group=group)
            example = Example(NO_TASK, IGNORED, folder.path, segment)
            cuts.append(Cut(example, replace(window, segment=segment)))
    return cuts
