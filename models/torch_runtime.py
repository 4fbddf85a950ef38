"""The Encoder on torch: bf16 and CUDA graphs on a GPU, fp32 on the CPU; what exports are measured against."""

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from models.buckets import BUCKETS, BucketRunner
from models.checkpoint import WEIGHTS_FILE, Checkpoint
from models.configuration import VideoBERTConfig
from models.errors import CheckpointError
from models.frame_encoder import FrameEncoder, pretrained_frame_encoder
from models.heads import VideoBERTForSequenceClassification
from models.runtime import U8, ClipBatch, ClipUnderstanding, FrameFeatures, empty_clips
from models.text_states import TextStates

TEXT_TOWER = "videobert.text_tower."


class LiveModel(nn.Module):
    """The model as a stream uses it: frame features and text states in, embedding and probabilities out."""

    def __init__(self, model: VideoBERTForSequenceClassification) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, features: Tensor, motion: Tensor, video_mask: Tensor, text_states: Tensor, text_mask: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the embedding (B, D) and the probabilities (B, labels) of each task in turn."""
        inputs = {"video_mask": video_mask, "text_states": text_states, "text_mask": text_mask}
        output = self.model(features, motion, **inputs)
        return output.embedding, *(logits.softmax(dim=-1) for logits in output.logits.values())


class TorchEncoder:
    """Both models on one device; batches are padded to fixed sizes, so that a GPU replays recorded graphs."""

    def __init__(
        self, checkpoint: Checkpoint, *, frames: FrameEncoder, live: LiveModel, text: TextStates, device: str
    ) -> None:
        self._checkpoint = checkpoint
        self._device = torch.device(device)
        self._tasks = list(live.model.config.tasks)
        self._text_states = torch.from_numpy(text.states)[None].to(self._device)  # (1, L, W)
        self._text_mask = torch.from_numpy(text.mask)[None].to(self._device)  # (1, L)
        self._frames = BucketRunner(frames.to(self._device), device=self._device)
        self._live = BucketRunner(live.to(self._device), device=self._device)

    @classmethod
    def open(cls, checkpoint: Checkpoint, *, device: str) -> Self:
        """Load both models onto "cpu" or "cuda".

        Raises:
            CheckpointError: The checkpoint's weights are missing or do not fit its configuration.
        """
        return cls(
            checkpoint,
            frames=pretrained_frame_encoder(),
            live=LiveModel(load_temporal(checkpoint)).eval(),
            text=TextStates.load(checkpoint),
            device=device,
        )

    @property
    def name(self) -> str:
        """Return runtime, precision and device."""
        return "torch bf16 cuda" if self._device.type == "cuda" else "torch fp32 cpu"

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what the models were loaded from."""
        return self._checkpoint

    def encode(self, pictures: U8) -> FrameFeatures:
        """Encode (N, S, S, 3) RGB pictures."""
        pooled, grid = self._frames.run(torch.from_numpy(pictures))
        return FrameFeatures(pooled=pooled.numpy(), grid=grid.numpy())

    def understand(self, clips: ClipBatch) -> ClipUnderstanding:
        """Run the temporal model over cached features."""
        count = len(clips.mask)
        embedding, *probabilities = self._live.run(
            torch.from_numpy(clips.features),
            torch.from_numpy(clips.motion),
            torch.from_numpy(clips.mask),
            # (1, L, W) → (B, L, W), (1, L) → (B, L): every clip is read with the same text.
            self._text_states.expand(count, -1, -1),
            self._text_mask.expand(count, -1),
        )
        named: Mapping[str, Tensor] = dict(zip(self._tasks, probabilities, strict=True))
        return ClipUnderstanding(embedding.numpy(), {task: values.numpy() for task, values in named.items()})

    def warm_up(self) -> None:
        """Run both models at every batch size; on a GPU that records their graphs."""
        side = self._checkpoint.picture_px
        for count in BUCKETS:
            self.encode(np.zeros((count, side, side, 3), np.uint8))
            self.understand(empty_clips(self._checkpoint, count))


def load_temporal(checkpoint: Checkpoint) -> VideoBERTForSequenceClassification:
    """Return the checkpoint's VideoBERT in eval mode and fp32, with an empty text tower: its text is cached.

    Raises:
        CheckpointError: Its weights are missing or do not fit its configuration.
    """
    weights = load_file(checkpoint.path(WEIGHTS_FILE))
    config = VideoBERTConfig.from_pretrained(checkpoint.folder)
    config.text_weights, config.text_num_layers, config.text_vocab_size = None, 1, 1
    model = VideoBERTForSequenceClassification(config)
    kept = {name: tensor.float() for name, tensor in weights.items() if not name.startswith(TEXT_TOWER)}
    try:
        missing = model.load_state_dict(kept, strict=False).missing_keys
    except RuntimeError as error:
        raise CheckpointError(f"{WEIGHTS_FILE} in {checkpoint.folder} does not fit config.json.") from error
    lacking = [name for name in missing if not name.startswith(TEXT_TOWER)]
    if lacking:
        raise CheckpointError(f"{WEIGHTS_FILE} in {checkpoint.folder} lacks {lacking[0]}.")
    model.train(mode=False)
    return model
