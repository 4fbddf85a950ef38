"""Pictures in, features and clip understanding out: one protocol, ONNX Runtime or torch behind it."""

import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import Checkpoint, load_checkpoint
from models.errors import CheckpointError

logger = logging.getLogger(__name__)

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Device = Literal["auto", "cpu", "cuda"]

# What NVIDIA's driver shows of itself: on a PC or server, under WSL, on a Jetson.
CUDA_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/nvmap"))


@dataclass(frozen=True, slots=True)
class FrameFeatures:
    """What the frame encoder sees in N pictures: `pooled` (N, 1280) and `grid` (N, 112, 14, 14)."""

    pooled: F32
    grid: F32


@dataclass(frozen=True, slots=True)
class DrawnClip:
    """A clip with its motion made visible: `pictures` (T, P, S, S, 3) uint8 and `motion` (T, motion_dim)."""

    pictures: U8
    motion: F32


@dataclass(frozen=True, slots=True)
class ClipBatch:
    """B clips of T sampled frames, the newest frame last.

    `features` is (B, T, P * 1280), the pooled features of P pictures side by side; `motion` is (B, T, F);
    `mask` is (B, T), True where there is a frame: a clip that is still filling has False in front.
    """

    features: F32
    motion: F32
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClipUnderstanding:
    """What the temporal model says of B clips: `embedding` (B, D), and (B, labels) per task.

    `surprise` (B,) says how badly the last second is guessed from what came before (`models.surprise`), 0 for
    a perfect guess; None where the checkpoint cannot tell.
    """

    embedding: F32
    probabilities: Mapping[str, F32]
    surprise: F32 | None = None


class Encoder(Protocol):
    """The model, ready to run; every method may be called from several threads at once."""

    @property
    def name(self) -> str:
        """Return runtime, precision and device, as in "onnxruntime int8 cpu"."""

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what the model was loaded from."""

    def encode(self, pictures: U8) -> FrameFeatures:
        """Encode (N, S, S, 3) RGB pictures; N may be 0."""

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        """Run the temporal model over cached features."""

    def warm_up(self) -> None:
        """Run every code path once, so that the first camera does not pay for it."""


def open_encoder(checkpoint_dir: Path, *, device: Device = "auto", threads: int = 1) -> Encoder:
    """Open the checkpoint on the best runtime that `device` allows.

    "auto" takes torch on CUDA where both are there, else ONNX Runtime on the CPU.
    `threads` is the CPU threads of one call.

    Raises:
        CheckpointError: The checkpoint cannot be used, or CUDA was demanded and is not there.
    """
    checkpoint = load_checkpoint(checkpoint_dir)
    from models.onnx_runtime import OnnxRuntimeEncoder  # noqa: PLC0415 - optional backend
    from models.surprise_runtime import with_surprise  # noqa: PLC0415 - optional backend

    on_cuda = device == "cuda" or (device == "auto" and _cuda_available())
    encoder = _open_torch(checkpoint) if on_cuda else OnnxRuntimeEncoder.open(checkpoint, threads=threads)
    return with_surprise(encoder, threads=threads)


def empty_clips(checkpoint: Checkpoint, count: int) -> ClipBatch:
    """Return clips of zeros without a real frame but the newest, for warming up."""
    frames = (count, checkpoint.num_frames)
    mask = np.zeros(frames, np.bool_)
    mask[:, -1] = True
    features = np.zeros((*frames, checkpoint.feature_dim * len(checkpoint.pictures)), np.float32)
    return ClipBatch(
        features=features, motion=np.zeros((*frames, checkpoint.motion_dim), np.float32), mask=mask
    )


def _cuda_available() -> bool:
    # Importing torch takes 2 s and 200 MB, so only where a driver is there to be asked.
    if importlib.util.find_spec("torch") is None or not any(map(Path.exists, CUDA_DEVICES)):
        return False
    import torch  # noqa: PLC0415 - optional backend

    return torch.cuda.is_available()


def _open_torch(checkpoint: Checkpoint) -> Encoder:
    if not _cuda_available():
        raise CheckpointError(
            "device is cuda, but torch or a CUDA device is missing; install videobertd[gpu] or choose cpu."
        )
    from models.torch_runtime import TorchEncoder  # noqa: PLC0415 - optional backend

    return TorchEncoder.open(checkpoint, device="cuda")
