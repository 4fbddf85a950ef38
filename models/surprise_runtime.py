"""An Encoder and a checkpoint's measure of surprise in, an Encoder whose understanding says both out.

The measure is one small int8 graph beside either runtime; `python -m benchmarks.parts` times both together.
"""

from dataclasses import dataclass, replace

import numpy as np
import onnxruntime

from models.checkpoint import SURPRISE_FILE, Checkpoint
from models.onnx_runtime import open_session
from models.runtime import F32, U8, ClipBatch, ClipUnderstanding, Encoder, FrameFeatures, empty_clips


@dataclass(frozen=True, slots=True)
class SurpriseEncoder:
    """The `encoder`, and `measure`, an ONNX session that several threads may run at once."""

    encoder: Encoder
    measure: onnxruntime.InferenceSession

    @property
    def name(self) -> str:
        """Return the runtime, precision and device of the encoder."""
        return self.encoder.name

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what both were loaded from."""
        return self.encoder.checkpoint

    def encode(self, pictures: U8) -> FrameFeatures:
        """Encode (N, S, S, 3) RGB pictures."""
        return self.encoder.encode(pictures)

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        """Run the temporal model over cached features, and say how surprising each clip ends."""
        return replace(self.encoder.understand(clips), surprise=surprise_of(self.measure, clips))

    def warm_up(self) -> None:
        """Run every code path once."""
        self.encoder.warm_up()
        surprise_of(self.measure, empty_clips(self.checkpoint, 1))


def with_surprise(encoder: Encoder, *, threads: int) -> Encoder:
    """Return an encoder that says how surprising clips are, if its checkpoint can tell.

    Raises:
        CheckpointError: ONNX Runtime cannot read the measure.
    """
    checkpoint = encoder.checkpoint
    if SURPRISE_FILE not in checkpoint.files:
        return encoder
    return SurpriseEncoder(encoder, open_session(checkpoint.path(SURPRISE_FILE), threads=threads))


def surprise_of(measure: onnxruntime.InferenceSession, clips: ClipBatch) -> F32:
    """Return (B,): how badly the last second of each clip is guessed; 0 is a perfect guess."""
    inputs = {"features": clips.features, "motion": clips.motion, "video_mask": clips.mask}
    return np.asarray(measure.run(["surprise"], inputs)[0], np.float32)
