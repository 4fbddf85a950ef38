"""Frame features in, one hidden state per frame out: a causal LSTM, whose state a stream can carry."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.configuration import VideoBERTConfig


class VideoState(NamedTuple):
    """What the LSTM remembers after a frame: `hidden` and `cell`, both (layers, B, lstm_hidden_size)."""

    hidden: Tensor
    cell: Tensor


class VideoTowerOutput(NamedTuple):
    """`hidden_states` (B, T, hidden_size), one per frame, and the state after the newest frame."""

    hidden_states: Tensor
    state: VideoState


class Gates(nn.Linear):
    """The pre-activations of an LSTM's four gates, in `nn.LSTM`'s order: input, forget, cell, output.

    A class of its own for its initial weights: a forget bias of 1, so that memory is kept at first
    (Jozefowicz et al., 2015, section 2.2).
    """


class LSTMLayer(nn.Module):
    """`nn.LSTM` written out, for three reasons.

    A masked frame leaves the state as it was, exactly, wherever it stands and whatever state was carried in;
    PEFT adapts `nn.Linear` but not `nn.LSTM`; and the product with the inputs becomes int8 like all others.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.from_input = Gates(input_size, 4 * hidden_size)
        self.from_hidden = Gates(hidden_size, 4 * hidden_size, bias=False)

    def forward(
        self, inputs: Tensor, mask: Tensor, *, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, VideoState]:
        """Read (B, T, input_size) from left to right; return (B, T, hidden_size) and the last state."""
        drives = self.from_input(inputs).chunk(inputs.shape[1], dim=1)  # T times (B, 1, 4 * hidden_size)
        reals = mask[..., None].chunk(inputs.shape[1], dim=1)  # T times (B, 1, 1)
        # A frame keeps its dimension of time: a product in 2-D becomes a Gemm in ONNX, and onnxruntime's
        # quantiser transposes the weights that all steps share once per step, which ruins the file.
        hidden, cell = hidden[:, None], cell[:, None]  # (B, hidden_size) → (B, 1, hidden_size)
        outputs = []
        for drive, real in zip(drives, reals, strict=True):
            enter, keep, candidate, show = (drive + self.from_hidden(hidden)).chunk(4, dim=-1)
            new_cell = keep.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
            new_hidden = show.sigmoid() * new_cell.tanh()
            cell = torch.where(real, new_cell, cell)
            hidden = torch.where(real, new_hidden, hidden)
            outputs.append(hidden)
        return torch.cat(outputs, dim=1), VideoState(hidden[:, 0], cell[:, 0])


class VideoTower(nn.Module):
    """What happened up to each frame; no frame knows a later one."""

    def __init__(self, config: VideoBERTConfig) -> None:
        super().__init__()
        width = config.lstm_hidden_size
        self.norm = nn.LayerNorm(config.video_dim, eps=config.layer_norm_eps)
        self.from_features = nn.Linear(config.video_dim, width)
        # Not normalised: how large a movement is, is what the descriptor says.
        self.from_motion = nn.Linear(config.motion_dim, width, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(LSTMLayer(width, width) for _ in range(config.lstm_layers))
        self.to_hidden = nn.Linear(width, config.hidden_size)
        self.to_hidden_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(
        self, features: Tensor, motion: Tensor, *, mask: Tensor, state: VideoState | None = None
    ) -> VideoTowerOutput:
        """Read T frames, `features` (B, T, P * feature_dim) and `motion` (B, T, motion_dim).

        `mask` (B, T) is True at real frames; what stands at the others has no influence. `state` is where an
        earlier call ended, None at the beginning of a stream.
        """
        state = state or self.initial_state(features)
        absent = ~mask[..., None]  # (B, T, 1)
        # Whatever padding holds, NaN too, becomes 0 before it can reach a product or a gradient.
        seen = self.from_features(self.norm(features.masked_fill(absent, 0)))
        hidden_states = self.dropout(seen + self.from_motion(motion.masked_fill(absent, 0)))  # (B, T, width)
        ends = []
        for layer, hidden, cell in zip(self.layers, state.hidden, state.cell, strict=True):
            hidden_states, end = layer(hidden_states, mask, hidden=hidden, cell=cell)
            ends.append(end)
        hidden_states = self.to_hidden_norm(self.to_hidden(hidden_states))  # (B, T, hidden_size)
        stacked = [torch.stack(part) for part in zip(*ends, strict=True)]
        return VideoTowerOutput(hidden_states, VideoState(*stacked) if stacked else state)

    def initial_state(self, features: Tensor) -> VideoState:
        """Return the empty memory for a batch like `features` (B, …)."""
        zeros = features.new_zeros(len(self.layers), features.shape[0], self.to_hidden.in_features)
        return VideoState(zeros, zeros)
