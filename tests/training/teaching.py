"""Labelled folders without videos: features as a test makes them up, and a nano model that reads them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from models.heads import VideoBERTForSequenceClassification
from models.text_states import TextStates
from tests.models.inputs import nano
from tests.training.data import write_table
from training.examples import Clips, Example, TaskData, read_examples
from training.features import FileFeatures
from training.windows import WindowSettings

DIM, MOTION_DIM, NUM_FRAMES = 4, 2, 6
TASKS = {"activity": ["walk", "sit", "fall"], "fight": ["normal", "fight"]}
TEXT = TextStates(np.random.default_rng(5).normal(size=(3, 16)).astype(np.float32), np.ones(3, np.bool_))


class FakeStore:
    """Has the features of each file name; counts how often each is asked for."""

    def __init__(self, files: Mapping[str, FileFeatures]) -> None:
        self.files = files
        self.asked: list[str] = []

    def file(self, recording: Path) -> FileFeatures:
        self.asked.append(recording.name)
        return self.files[recording.name]


def footage(features, motion=None) -> FileFeatures:
    """Return features (N, V) at 5 frames a second; a frame goes before them, as the first is never read."""
    features = np.concatenate([np.zeros((1, np.shape(features)[1])), features])
    motion = np.zeros((len(features) - 1, MOTION_DIM)) if motion is None else motion
    return FileFeatures(
        times_s=np.arange(len(features)) / 5,
        features=features.astype(np.float32),
        motion=np.concatenate([np.zeros((1, MOTION_DIM)), motion]).astype(np.float32),
        still=np.zeros(len(features), np.bool_),
        begins=np.arange(len(features)) == 0,
    )


def classifier(**changes) -> VideoBERTForSequenceClassification:
    """Return a nano model of two tasks, the same each time."""
    torch.manual_seed(0)
    config = nano(**{"feature_dim": DIM, "motion_dim": MOTION_DIM, "tasks": TASKS, "dropout": 0.0, **changes})
    return VideoBERTForSequenceClassification(config).eval()


def taught(
    folder: Path, files: Mapping[str, tuple[str, str, FileFeatures]], *, task: str = "fight"
) -> tuple[list[Example], Clips]:
    """Write a folder of files, each with label, group and features; return its examples and their clips."""
    rows = [f"{name},{label},{group}" for name, (label, group, _) in files.items()]
    write_table(folder, "\n".join(["file,label,group", *rows]))
    store = FakeStore({name: features for name, (_, _, features) in files.items()})
    clips = Clips(store, WindowSettings(NUM_FRAMES), tuple(TASKS))
    return read_examples(TaskData(task, folder), TASKS[task]), clips


def levels(groups: int, *, apart: float, seed: int = 0) -> dict[str, tuple[str, str, FileFeatures]]:
    """Return a fight and a normal recording a group, whose first feature differs by `apart`, amid noise."""
    rng = np.random.default_rng(seed)
    files = {}
    for group in range(groups):
        for place, label in enumerate(TASKS["fight"]):
            features = rng.normal(size=(NUM_FRAMES, DIM)) + np.eye(DIM)[0] * (place - 0.5) * apart
            files[f"{group}-{label}.mp4"] = (label, f"scene{group}", footage(features))
    return files
