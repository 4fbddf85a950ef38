"""Clips in, how badly their last second is guessed from what came before out: what pre-training has taught.

The last frames are hidden as pre-training hides them, VideoBERT says what should stand there, and the
projections of its masked-features loss say how near that is (`models.pretraining`). Nothing of it knows the
camera; how much surprise is usual there is for `pipeline.normality` to learn.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.pretraining import VideoBERTForPreTraining

HIDDEN_S = 1.0


class Surprise(nn.Module):
    """1 less the cosine between guess and truth, as the mean over the hidden frames: 0 is a perfect guess."""

    def __init__(self, model: VideoBERTForPreTraining) -> None:
        super().__init__()
        config = model.config
        self.model = model
        self.hidden_frames = max(1, round(HIDDEN_S * config.sample_fps))
        hidden = torch.zeros(1, config.num_frames, dtype=torch.bool)
        hidden[:, -self.hidden_frames :] = True
        self.register_buffer("hidden", hidden)

    def forward(self, features: Tensor, motion: Tensor, video_mask: Tensor) -> Tensor:
        """Return (B,) for clips as `ClipBatch` has them: (B, T, P * 1280), (B, T, F), (B, T)."""
        model, count = self.model, self.hidden_frames
        seen, moved = model.hidden_frame(features, motion, self.hidden)
        states = model.videobert(seen, moved, video_mask=video_mask).joint_states
        last = states[:, -1 - count : -1]  # before [SEP] (B, count, D)
        shown = features[:, -count:]
        truth = model.features.right(functional.layer_norm(shown, shown.shape[-1:]))
        return 1 - functional.cosine_similarity(model.features.left(last), truth, dim=-1).mean(dim=1)
