"""Stand-ins for what is slow or outside: each keeps the protocol of the real thing, in a few lines."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.checkpoint import Checkpoint, Task
from models.runtime import U8, ClipBatch, ClipUnderstanding, FrameFeatures


def checkpoint(**changes: object) -> Checkpoint:
    """Return the description of a small checkpoint that lies nowhere."""
    fields: dict[str, object] = {
        "folder": Path("nowhere"),
        "name": "fake",
        "version": "0",
        "trained": False,
        "pictures": ("fused",),
        "picture_px": 224,
        "num_frames": 4,
        "sample_fps": 5.0,
        "stride_s": 1.0,
        "feature_dim": 1280,
        "motion_dim": 16,
        "embedding_dim": 8,
        "tasks": {"fight": Task(("normal", "fight"), (None, None))},
        "files": {},
    }
    return Checkpoint(**{**fields, **changes})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class FakeEncoder:
    """Encoder whose features are the mean pixel value / 255; every label of a task is equally likely."""

    checkpoint: Checkpoint
    name: str = "fake"

    def encode(self, pictures: U8) -> FrameFeatures:
        mean = (
            pictures.reshape(len(pictures), -1).mean(axis=1, dtype=np.float32) / 255
            if len(pictures)
            else np.zeros(0)
        )
        ones = np.asarray(mean, np.float32)[:, None]
        return FrameFeatures(
            pooled=np.repeat(ones, self.checkpoint.feature_dim, axis=1),
            grid=np.repeat(ones, 112 * 14 * 14, axis=1).reshape(-1, 112, 14, 14),
        )

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        count, tasks = len(clips.mask), self.checkpoint.tasks
        mean = (clips.features.mean(axis=2) * clips.mask).mean(axis=1)
        return ClipUnderstanding(
            embedding=np.repeat(mean[:, None], self.checkpoint.embedding_dim, axis=1).astype(np.float32),
            probabilities={
                name: np.full((count, len(task.labels)), 1 / len(task.labels), np.float32)
                for name, task in tasks.items()
            },
        )

    def warm_up(self) -> None:
        return
