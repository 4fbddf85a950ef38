"""Small data folders and features, made as a test needs them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from models.checkpoint import DEFAULT_DIR, FRAME_ENCODER_FILE
from models.motion import MotionSettings
from tests.fakes import FakeEncoder, checkpoint
from tests.media import moving_square, write_video
from training.features import FeatureStore, FileFeatures
from training.footage import Footage

FOOTAGE = Footage(MotionSettings(picture_px=64), sample_fps=5)
ENCODER = FakeEncoder(checkpoint(folder=DEFAULT_DIR, picture_px=64, files={FRAME_ENCODER_FILE: "one"}))


def store(cache: Path, *, encoder_sha256: str = "one", sample_fps: float = 5) -> FeatureStore:
    """Return a cache of features that are the mean of each picture."""
    described = replace(ENCODER.checkpoint, files={FRAME_ENCODER_FILE: encoder_sha256})
    return FeatureStore(cache, FakeEncoder(described), replace(FOOTAGE, sample_fps=sample_fps))


def write_table(folder: Path, text: str, *, name: str = "labels.csv") -> Path:
    """Write a table, and an empty file for each that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    for line in text.splitlines()[1:]:
        if not (file := folder / line.split(",")[0]).exists():
            file.touch()
    return folder


def write_clips(folder: Path, *names: str, frames: int = 20) -> Path:
    """Write a video of a square that walks, 10 frames a second, for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        write_video(folder / name, moving_square(frames, step_px=6 + 2 * seed), fps=10)
    return folder


def numbered(frames: int, *, fps: float = 5.0, begins: tuple[int, ...] = (0,)) -> FileFeatures:
    """Return features (N, 2) whose numbers are that of the frame, at `fps`, begun anew at some frames."""
    index = np.arange(frames)
    return FileFeatures(
        times_s=index / fps,
        features=np.repeat(index[:, None], 2, axis=1).astype(np.float32),
        motion=index[:, None].astype(np.float32),
        still=np.zeros(frames, np.bool_),
        begins=np.isin(index, begins),
    )
