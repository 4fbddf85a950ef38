"""A folder of videos in, pictures and clips out, as varied as can be: what int8 is scaled and judged by."""

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import CheckpointError
from models.runtime import DrawnClip
from training.footage import Footage, render_file, video_files

U8 = NDArray[np.uint8]

LONGEST_VIEWS = 400  # a file is cut here: its scene is known by then


def draw_files(folder: Path, footage: Footage) -> list[DrawnClip]:
    """Draw the first frames of every video below `folder`.

    Raises:
        CheckpointError: There is none.
    """
    files = video_files(folder)
    if not files:
        raise CheckpointError(f"{folder} holds no video to calibrate on.")
    return [_draw(path, footage) for path in files]


def spread_pictures(files: list[DrawnClip], *, count: int) -> U8:
    """Return about `count` pictures (N, S, S, 3), as many of each file, evenly over its time."""
    per_file = max(1, count // len(files))
    # (T, P, S, S, 3) → (T * P, S, S, 3)
    flat = [file.pictures.reshape(-1, *file.pictures.shape[2:]) for file in files]
    return np.concatenate([pictures[_evenly(len(pictures), per_file)] for pictures in flat])


def spread_clips(files: list[DrawnClip], *, num_frames: int, count: int) -> list[DrawnClip]:
    """Return up to `count` clips of `num_frames` frames, taken evenly from the files that are long enough.

    Raises:
        CheckpointError: None is.
    """
    ends = [(file, end) for file in files for end in range(num_frames, len(file.motion) + 1, num_frames)]
    if not ends:
        raise CheckpointError(f"No calibration video has {num_frames} sampled frames after its first.")
    chosen = [ends[index] for index in _evenly(len(ends), count)]
    return [
        DrawnClip(file.pictures[end - num_frames : end], file.motion[end - num_frames : end])
        for file, end in chosen
    ]


def _draw(path: Path, footage: Footage) -> DrawnClip:
    # The first frame has nothing before it: it shows no motion, and its features have no direction.
    views = list(itertools.islice(render_file(path, footage), 1, LONGEST_VIEWS))
    return DrawnClip(
        np.stack([view.pictures for view in views]), np.stack([view.descriptor for view in views])
    )


def _evenly(length: int, count: int) -> NDArray[np.intp]:
    """Return up to `count` indices of `length` things, the first and the last among them: 5, 3 → 0, 2, 4."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(np.intp)
