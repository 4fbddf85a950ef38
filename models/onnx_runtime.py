"""The Encoder on ONNX Runtime: both models as int8 on the CPU, without torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from models.checkpoint import FRAME_ENCODER_FILE, TEMPORAL_FILE, Checkpoint
from models.errors import CheckpointError
from models.runtime import U8, ClipBatch, ClipUnderstanding, FrameFeatures, empty_clips
from models.text_states import TextStates

# More pictures at once lose memory locality; see docs/performance.md.
LARGEST_BATCH = 8
# ONNX Runtime's errors have no parent of their own; these are what a wrong file raises.
UNREADABLE = (
    ort_errors.Fail,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    OSError,
)
TASK_PREFIX = "task."  # of the temporal model's outputs


@dataclass(frozen=True, slots=True)
class OnnxRuntimeEncoder:
    """One session per model; ONNX Runtime lets several threads run the same session at once."""

    checkpoint: Checkpoint
    frame_encoder: onnxruntime.InferenceSession
    temporal: onnxruntime.InferenceSession
    text: TextStates

    @classmethod
    def open(cls, checkpoint: Checkpoint, *, threads: int = 1) -> Self:
        """Load both models; `threads` is the CPU threads of one call.

        Raises:
            CheckpointError: A file is missing, or ONNX Runtime cannot read it.
        """
        return cls(
            checkpoint=checkpoint,
            frame_encoder=open_session(checkpoint.path(FRAME_ENCODER_FILE), threads=threads),
            temporal=open_session(checkpoint.path(TEMPORAL_FILE), threads=threads),
            text=TextStates.load(checkpoint),
        )

    @property
    def name(self) -> str:
        """Return "onnxruntime int8 cpu"."""
        return "onnxruntime int8 cpu"

    def encode(self, pictures: U8) -> FrameFeatures:
        """Encode (N, S, S, 3) RGB pictures, at most LARGEST_BATCH at a time."""
        if len(pictures) == 0:
            return self._no_features()
        starts = range(0, len(pictures), LARGEST_BATCH)
        parts = [self._encode_batch(pictures[start : start + LARGEST_BATCH]) for start in starts]
        return parts[0] if len(parts) == 1 else _join(parts)

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        """Run the temporal model over cached features."""
        count = len(clips.mask)
        names = [output.name for output in self.temporal.get_outputs()]
        inputs = {
            "features": clips.features,
            "motion": clips.motion,
            "video_mask": clips.mask,
            # (L, W) → (B, L, W), (L,) → (B, L): every clip is read with the same text.
            "text_states": np.repeat(self.text.states[None], count, axis=0),
            "text_mask": np.repeat(self.text.mask[None], count, axis=0),
        }
        outputs = dict(zip(names, self.temporal.run(names, inputs), strict=True))
        probabilities = {task: outputs[TASK_PREFIX + task] for task in self.checkpoint.tasks}
        return ClipUnderstanding(embedding=outputs["embedding"], probabilities=probabilities)

    def warm_up(self) -> None:
        """Run both models once at the smallest and the largest batch."""
        side = self.checkpoint.picture_px
        for count in (1, LARGEST_BATCH):
            self.encode(np.zeros((count, side, side, 3), np.uint8))
            self.understand(empty_clips(self.checkpoint, count))

    def _encode_batch(self, pictures: U8) -> FrameFeatures:
        pooled, grid = self.frame_encoder.run(["pooled", "grid"], {"pictures": pictures})
        return FrameFeatures(pooled=pooled, grid=grid)

    def _no_features(self) -> FrameFeatures:
        cells = self.checkpoint.picture_px // 16
        return FrameFeatures(
            pooled=np.zeros((0, self.checkpoint.feature_dim), np.float32),
            grid=np.zeros((0, 112, cells, cells), np.float32),
        )


def open_session(path: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """Open a model on the CPU.

    Raises:
        CheckpointError: ONNX Runtime cannot read it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Threads of ours share the cores: one that spins for work takes theirs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except UNREADABLE as error:
        raise CheckpointError(f"ONNX Runtime cannot read {path}: {error}.") from error


def _join(parts: Sequence[FrameFeatures]) -> FrameFeatures:
    return FrameFeatures(
        pooled=np.concatenate([part.pooled for part in parts]),
        grid=np.concatenate([part.grid for part in parts]),
    )
